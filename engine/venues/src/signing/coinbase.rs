//! Tokens of Coinbase's Advanced Trade: a JWT (RFC 7519) for each request and each subscription to a private channel.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine_core::time::{Span, Timestamp};
use serde_json::json;

use super::ecdsa_key::EcdsaKey;
use super::ed25519_key::Ed25519Key;
use super::pem::{PemKey, private_key};
use super::{KeyError, SigningError};

/// How long a token holds, in seconds; the venue takes no more.
const LIFE_SECONDS: i64 = 120;

#[derive(Clone)]
enum Secret {
    Es256(EcdsaKey),
    EdDsa(Ed25519Key),
}

/// A key of Coinbase: its name, as in `organizations/…/apiKeys/…`, and its private key.
#[derive(Clone)]
pub struct CoinbaseKey {
    name: String,
    secret: Secret,
}

impl CoinbaseKey {
    /// The key named `name`: of the curve P-256 as PEM (SEC 1 or PKCS8, also with `\n` for line ends), or of Ed25519 as PEM
    /// (PKCS8) or in base64.
    ///
    /// # Errors
    /// [`KeyError`] for anything else.
    pub fn from_text(name: &str, secret: &str) -> Result<Self, KeyError> {
        let secret = match private_key(secret)? {
            Some(key @ PemKey::Sec1(_)) => Secret::Es256(EcdsaKey::from_pem(&key)?),
            // PKCS8 names its algorithm: what is no key of P-256 may be one of Ed25519.
            Some(key @ PemKey::Pkcs8(_)) => match EcdsaKey::from_pem(&key) {
                Ok(key) => Secret::Es256(key),
                Err(error) => Secret::EdDsa(Ed25519Key::from_text(secret).map_err(|_| error)?),
            },
            None => Secret::EdDsa(Ed25519Key::from_text(secret)?),
        };
        Ok(Self { name: name.trim().to_owned(), secret })
    }

    /// The token of one request at `at`: `uri` is that of [`request_uri`], nothing for a subscription; `nonce` is hexadecimal
    /// and never used twice.
    ///
    /// # Errors
    /// [`SigningError`] where ECDSA gets no random bytes.
    pub fn token(&self, uri: Option<&str>, at: Timestamp, nonce: &str) -> Result<String, SigningError> {
        self.signed(uri, at, LIFE_SECONDS, nonce)
    }

    /// The token of a request that must not be heard later than `window_ms` behind `at`. Times of tokens are whole seconds, so
    /// it holds for up to a second less.
    ///
    /// # Errors
    /// [`SigningError`] where ECDSA gets no random bytes.
    pub fn order_token(
        &self,
        uri: &str,
        at: Timestamp,
        window_ms: u32,
        nonce: &str,
    ) -> Result<String, SigningError> {
        self.signed(Some(uri), at, i64::from(window_ms / 1_000).min(LIFE_SECONDS), nonce)
    }

    fn signed(
        &self,
        uri: Option<&str>,
        at: Timestamp,
        life_s: i64,
        nonce: &str,
    ) -> Result<String, SigningError> {
        let algorithm = match self.secret {
            Secret::Es256(_) => "ES256",
            Secret::EdDsa(_) => "EdDSA",
        };
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": self.name, "nonce": nonce });
        let from_s = at.nanos().div_euclid(Span::SECOND.nanos());
        let mut claims = json!({ "sub": self.name, "iss": "cdp", "nbf": from_s, "exp": from_s + life_s });
        if let (Some(uri), Some(claims)) = (uri, claims.as_object_mut()) {
            claims.insert("uri".to_owned(), uri.into());
        }
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = match &self.secret {
            Secret::Es256(key) => key.sign(signed.as_bytes())?,
            Secret::EdDsa(key) => key.sign(signed.as_bytes()),
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public key: an uncompressed point of P-256, or 32 bytes of Ed25519.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        match &self.secret {
            Secret::Es256(key) => key.public(),
            Secret::EdDsa(key) => key.public(),
        }
    }
}

impl fmt::Debug for CoinbaseKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.secret {
            Secret::Es256(_) => "ES256",
            Secret::EdDsa(_) => "EdDSA",
        };
        out.debug_struct("CoinbaseKey").field("kind", &kind).finish_non_exhaustive()
    }
}

/// What a token says of its request: `METHOD host/path`, without the scheme of `base` and without the query of `path`.
#[must_use]
pub fn request_uri(method: &str, base: &str, path: &str) -> String {
    let host = base.split_once("://").map_or(base, |(_, host)| host).trim_end_matches('/');
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    format!("{method} {host}{path}")
}

#[cfg(test)]
mod tests;
