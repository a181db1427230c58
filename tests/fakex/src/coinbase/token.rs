//! The token that signs a request to Coinbase: a JWT of at most two minutes.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::Value;

use crate::exchange::Exchange;
use crate::trading::credential::{Permission, Secret};

/// Seconds that a token may live.
const LIFE_MAX: i64 = 120;
/// Seconds that clocks may differ.
const SKEW_MAX: i64 = 60;

/// The key that a token was made with, when everything about it is right; `request` is its method and path, none for a
/// WebSocket.
pub(super) fn key(
    exchange: &Exchange,
    token: &str,
    request: Option<(&str, &str)>,
    permission: Permission,
) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let part = |text: &str| -> Option<Value> {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()
    };
    let (header, claims) = (part(header)?, part(claims)?);
    let name = header["kid"].as_str()?;
    let credential = exchange.trading.as_ref()?.credential(name).filter(|known| known.may(permission))?;
    let algorithm = match credential.key.secret {
        Secret::EcdsaP256(_) => "ES256",
        Secret::Ed25519(_) => "EdDSA",
        Secret::Hmac(_) | Secret::HmacSha512(_) => return None,
    };
    let is_named = header["alg"] == algorithm && claims["sub"] == name && claims["iss"] == "cdp";
    let (begins, ends) = (claims["nbf"].as_i64()?, claims["exp"].as_i64()?);
    let now = exchange.told_ns() / 1_000_000_000;
    let is_in_time =
        begins <= now.saturating_add(SKEW_MAX) && ends > now && ends.saturating_sub(begins) <= LIFE_MAX;
    let is_for_it = match (request, claims["uri"].as_str()) {
        (Some((method, path)), Some(uri)) => is_meant(uri, method, path),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let signature = BASE64.encode(&BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?);
    let is_signed = credential.signed(signed.as_bytes(), &signature);
    (is_named && is_in_time && is_for_it && is_signed).then(|| name.to_owned())
}

/// Whether `POST api.coinbase.com/api/v3/brokerage/orders` means a request; any host, no scheme, no query.
fn is_meant(uri: &str, method: &str, path: &str) -> bool {
    let (asked, place) = uri.split_once(' ').unwrap_or_default();
    let at = place.find('/').unwrap_or(place.len());
    asked == method && &place[at..] == path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_request() {
        let path = "/api/v3/brokerage/orders";
        assert!(is_meant("POST api.coinbase.com/api/v3/brokerage/orders", "POST", path));
        for wrong in [
            "GET api.coinbase.com/api/v3/brokerage/orders",
            "POST https://api.coinbase.com/api/v3/brokerage/orders",
            "POST api.coinbase.com/api/v3/brokerage/orders?limit=1",
            "POST api.coinbase.com",
            "",
        ] {
            assert!(!is_meant(wrong, "POST", path), "{wrong}");
        }
    }
}
