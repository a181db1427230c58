//! Signatures of Binance's signed requests, over REST and over its WebSocket API.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::KeyError;
use super::ed25519_key::Ed25519Key;
use super::hmac_secret::HmacSecret;
use crate::percent_encoding::encoded;

/// A value of a parameter, by how JSON writes it; in a payload all are plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamValue {
    /// A text, or a number with a point.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// Yes or no.
    Flag(bool),
}

impl fmt::Display for ParamValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Whole(number) => write!(out, "{number}"),
            Self::Flag(flag) => write!(out, "{flag}"),
        }
    }
}

/// A parameter of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name, which is never that of the signature.
    pub name: &'static str,
    /// Its value.
    pub value: ParamValue,
}

impl Param {
    /// A text.
    #[must_use]
    pub fn text(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: ParamValue::Text(value.into()) }
    }

    /// A whole number.
    #[must_use]
    pub const fn whole(name: &'static str, value: i64) -> Self {
        Self { name, value: ParamValue::Whole(value) }
    }

    /// Yes or no.
    #[must_use]
    pub const fn flag(name: &'static str, value: bool) -> Self {
        Self { name, value: ParamValue::Flag(value) }
    }
}

/// What a REST request signs: its query in the order sent, percent-encoded first.
#[must_use]
pub fn query_payload(params: &[Param]) -> String {
    let pairs: Vec<String> = params
        .iter()
        .map(|param| format!("{}={}", encoded(param.name), encoded(&param.value.to_string())))
        .collect();
    pairs.join("&")
}

/// What a request over the WebSocket API signs: its parameters sorted by name, in raw UTF-8.
#[must_use]
pub fn socket_payload(params: &[Param]) -> String {
    let mut sorted: Vec<&Param> = params.iter().collect();
    sorted.sort_by_key(|param| param.name);
    let pairs: Vec<String> = sorted.iter().map(|param| format!("{}={}", param.name, param.value)).collect();
    pairs.join("&")
}

#[derive(Clone)]
enum Secret {
    Hmac(HmacSecret),
    Ed25519(Ed25519Key),
}

/// A key of Binance: its public name and its secret.
#[derive(Clone)]
pub struct BinanceKey {
    api_key: String,
    secret: Secret,
}

impl BinanceKey {
    /// The key named `api_key`: of Ed25519 where `secret` is PEM, of HMAC otherwise.
    ///
    /// # Errors
    /// [`KeyError`] for an empty secret or PEM that holds no Ed25519 key, such as one of RSA.
    pub fn from_text(api_key: &str, secret: &str) -> Result<Self, KeyError> {
        let secret = if secret.contains("-----BEGIN") {
            Secret::Ed25519(Ed25519Key::from_text(secret)?)
        } else {
            Secret::Hmac(HmacSecret::sha256(secret)?)
        };
        Ok(Self { api_key: api_key.trim().to_owned(), secret })
    }

    /// Its name, for the header `X-MBX-APIKEY` and the parameter `apiKey`.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Whether it may log a session on; only keys of Ed25519 may.
    #[must_use]
    pub const fn can_log_on(&self) -> bool {
        match self.secret {
            Secret::Ed25519(_) => true,
            Secret::Hmac(_) => false,
        }
    }

    /// The signature of `payload`: hexadecimal for HMAC-SHA256, base64 for Ed25519.
    #[must_use]
    pub fn sign(&self, payload: &str) -> String {
        match &self.secret {
            Secret::Hmac(secret) => {
                let code = secret.sign(payload.as_bytes());
                code.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
            }
            Secret::Ed25519(key) => STANDARD.encode(key.sign(payload.as_bytes())),
        }
    }

    /// The query of a signed REST request: `params` as they stand and their signature.
    #[must_use]
    pub fn signed_query(&self, params: &[Param]) -> String {
        let payload = query_payload(params);
        let signature = encoded(&self.sign(&payload));
        if payload.is_empty() {
            return format!("signature={signature}");
        }
        format!("{payload}&signature={signature}")
    }

    /// The public key of Ed25519; nothing for HMAC.
    #[must_use]
    pub fn public(&self) -> Option<&[u8]> {
        match &self.secret {
            Secret::Ed25519(key) => Some(key.public()),
            Secret::Hmac(_) => None,
        }
    }
}

impl fmt::Debug for BinanceKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.can_log_on() { "Ed25519" } else { "HMAC" };
        out.debug_struct("BinanceKey").field("kind", &kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
