//! Signatures of Kraken's private requests.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

use super::KeyError;
use super::hmac_secret::HmacSecret;

/// A key of Kraken: its public name and its secret.
#[derive(Clone)]
pub struct KrakenKey {
    api_key: String,
    secret: HmacSecret,
}

impl KrakenKey {
    /// The key named `api_key` with the `secret` that the venue writes in base64.
    ///
    /// # Errors
    /// [`KeyError`] for a secret that is empty or not base64.
    pub fn from_text(api_key: &str, secret: &str) -> Result<Self, KeyError> {
        Ok(Self { api_key: api_key.trim().to_owned(), secret: HmacSecret::sha512_of_base64(secret)? })
    }

    /// Its name, for the header `API-Key`.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The header `API-Sign` of a `POST` of `body`, which begins with or holds `nonce=`, to `path`, as in
    /// `/0/private/AddOrder`: HMAC-SHA512 of the path and SHA-256 of nonce and body.
    #[must_use]
    pub fn api_sign(&self, path: &str, nonce: u64, body: &str) -> String {
        let inner = digest::digest(&digest::SHA256, format!("{nonce}{body}").as_bytes());
        let message = [path.as_bytes(), inner.as_ref()].concat();
        STANDARD.encode(self.secret.sign(&message))
    }
}

impl fmt::Debug for KrakenKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KrakenKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the venue's documents.
    const SECRET: &str =
        "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";

    #[test]
    fn the_venues_own_example_is_met() {
        let key = KrakenKey::from_text("NAME", SECRET).unwrap();
        let body = "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25";
        assert_eq!(
            key.api_sign("/0/private/AddOrder", 1_616_492_376_594, body),
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
        );
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = KrakenKey::from_text("NAME", SECRET).unwrap();
        assert_eq!((key.api_key(), format!("{key:?}").as_str()), ("NAME", "KrakenKey { .. }"));
        assert_eq!(KrakenKey::from_text("NAME", "not base64!").unwrap_err(), KeyError::NotBase64);
        assert_eq!(KrakenKey::from_text("NAME", " ").unwrap_err(), KeyError::Empty);
    }
}
