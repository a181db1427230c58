//! Keys of an account: what each may do, and whether a signature was made with its secret.

use core::fmt;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use ring::{hmac, signature};

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To see balances, orders and trades.
    Read,
    /// To place and cancel orders.
    Trade,
    /// To move assets out of the account.
    Withdraw,
}

/// Bytes of a point of P-256 that is not compressed.
const POINT_BYTES: usize = 65;

/// What stands before the 32 bytes of a public key of Ed25519 (RFC 8410).
const ED25519_BEFORE: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// With what signatures are checked.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The text that both sides know; signatures are HMAC-SHA256 in hex.
    Hmac(String),
    /// The base64 of what both sides know; signatures are HMAC-SHA512 in base64, as Kraken has them.
    HmacSha512(String),
    /// The client's public key, uncompressed in 65 bytes; signatures are ECDSA over P-256 and SHA-256, r and s in base64.
    EcdsaP256(Vec<u8>),
    /// The client's public key; signatures are Ed25519 in base64.
    Ed25519([u8; 32]),
}

impl Secret {
    /// What checks the signatures of a key that is given as PEM, private or public (also with `\n` for line ends): of P-256 in
    /// any form that has the public half at its end, as `openssl` writes them all, or the public half of Ed25519.
    pub fn from_pem(text: &str) -> Option<Self> {
        let text = text.replace("\\n", "\n");
        // Behind the parameters of its curve, where a file begins with them.
        let (_, rest) = text.trim().rsplit_once("-----BEGIN ")?;
        let (label, rest) = rest.split_once("-----")?;
        let body: String = rest.split("-----").next()?.split_whitespace().collect();
        let der = BASE64.decode(body.as_bytes()).ok()?;
        if label == "PUBLIC KEY" && der.starts_with(&ED25519_BEFORE) {
            return Some(Self::Ed25519(der[ED25519_BEFORE.len()..].try_into().ok()?));
        }
        let at = der.len().checked_sub(POINT_BYTES + 1)?;
        let is_point = label.ends_with("PRIVATE KEY") || label == "PUBLIC KEY";
        // A string of bits with none left over, and a point that is not compressed.
        (is_point && der[at..].starts_with(&[0, 4])).then(|| Self::EcdsaP256(der[at + 1..].to_vec()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Hmac(_) => "Hmac(…)",
            Self::HmacSha512(_) => "HmacSha512(…)",
            Self::EcdsaP256(_) => "EcdsaP256(…)",
            Self::Ed25519(_) => "Ed25519(…)",
        })
    }
}

/// A key of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// What clients send to name it.
    pub name: String,
    /// With what its signatures are checked.
    pub secret: Secret,
    /// What it may be used for.
    pub permissions: Vec<Permission>,
}

/// A key as the venue has it.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) key: ApiKey,
    pub(crate) is_revoked: bool,
    /// The last number of a request, where the venue wants each higher than the one before.
    pub(crate) nonce: u64,
}

impl Credential {
    pub(crate) fn new(key: ApiKey) -> Self {
        Self { key, is_revoked: false, nonce: 0 }
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        !self.is_revoked && self.key.permissions.contains(&permission)
    }

    /// Whether `signature`, in the writing of the key's kind, was made for `payload`.
    pub(crate) fn signed(&self, payload: &[u8], signature: &str) -> bool {
        match &self.key.secret {
            Secret::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let tag = HEXLOWER_PERMISSIVE.decode(signature.as_bytes());
                tag.is_ok_and(|tag| hmac::verify(&key, payload, &tag).is_ok())
            }
            Secret::HmacSha512(secret) => {
                let secret = BASE64.decode(secret.as_bytes()).unwrap_or_default();
                let key = hmac::Key::new(hmac::HMAC_SHA512, &secret);
                let tag = BASE64.decode(signature.as_bytes());
                tag.is_ok_and(|tag| hmac::verify(&key, payload, &tag).is_ok())
            }
            Secret::EcdsaP256(public) => {
                let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, public);
                let signed = BASE64.decode(signature.as_bytes());
                signed.is_ok_and(|signed| key.verify(payload, &signed).is_ok())
            }
            Secret::Ed25519(public) => {
                let key = signature::UnparsedPublicKey::new(&signature::ED25519, public);
                let signed = BASE64.decode(signature.as_bytes());
                signed.is_ok_and(|signed| key.verify(payload, &signed).is_ok())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HMAC_SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    /// The public key of the first test of RFC 8032.
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn credential(secret: Secret) -> Credential {
        let key = ApiKey { name: "TESTKEY".to_owned(), secret, permissions: vec![Permission::Read] };
        Credential::new(key)
    }

    #[test]
    fn published_signatures_are_accepted_and_changed_ones_are_not() {
        let public = HEXLOWER_PERMISSIVE.decode(PUBLIC.as_bytes()).unwrap().try_into().unwrap();
        let hmac = credential(Secret::Hmac(HMAC_SECRET.to_owned()));
        let ed25519 = credential(Secret::Ed25519(public));
        let vectors = [
            (
                &hmac,
                "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
                "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
            ),
            (
                &hmac,
                "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
                "E1353EC6B14D888F1164AE9AF8228A3DBD508BC82EB867DB8AB6046442F33EF3",
            ),
            (
                &hmac,
                "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
                "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
            ),
            (
                &ed25519,
                "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000",
                "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg==",
            ),
            (
                &ed25519,
                "apiKey=TESTKEY&newClientOrderId=e1-000000000001&price=52000.00&quantity=0.01000000&recvWindow=5000&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
                "J3sn7NRqfFbMZ8gho+5sBculA90t7PDk0oAKHw9RIFSElkvbcWrx/oXY2fnu/Fv7u/L534shkgoKpCIQ4zmZBQ==",
            ),
            (
                &ed25519,
                "apiKey=TESTKEY&timestamp=1645423376532",
                "wwPGqMhp1hGnPsGHN7EwxkUk5N/nBB7m3/oLUdQsg23mGJoIHMB9RDULt7aVNwaJxTW3fLj6gEiCoVk8tJG9BQ==",
            ),
        ];
        for (credential, payload, signature) in vectors {
            assert!(credential.signed(payload.as_bytes(), signature), "{payload}");
            assert!(!credential.signed(format!("{payload}0").as_bytes(), signature), "{payload}");
            let flipped = signature.replacen(['c', 'E', 'a', 'X', 'J', 'w'], "d", 1);
            for wrong in [flipped.as_str(), "", "zz", &signature[..signature.len() - 4]] {
                assert!(!credential.signed(payload.as_bytes(), wrong), "{wrong}");
            }
        }
    }

    #[test]
    fn the_signature_of_krakens_guide_is_accepted() {
        let secret =
            "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";
        let kraken = credential(Secret::HmacSha512(secret.to_owned()));
        let body =
            "1616492376594nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25";
        let mut payload = b"/0/private/AddOrder".to_vec();
        payload.extend_from_slice(ring::digest::digest(&ring::digest::SHA256, body.as_bytes()).as_ref());
        let signature =
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==";
        assert!(kraken.signed(&payload, signature));
        payload[0] = b'0';
        assert!(!kraken.signed(&payload, signature));
    }

    #[test]
    fn every_form_of_a_key_gives_the_same_public_half() {
        let sec1 = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n\
             -----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIHpKNOkvMAQr3d3o1BntYtHTV9WXqaQAKbUsayurV2eDoAoGCCqGSM49\n\
             AwEHoUQDQgAEiMNX9N2eHIOTdI4S5cCGGgOv2svDZEPRNRRGcsdi18IsJiCE3HFg\n\
             SAbSOmaz/cKsxdn2mFzE73GcA5P1UbkIcQ==\n-----END EC PRIVATE KEY-----\n";
        let pkcs8 = "-----BEGIN PRIVATE KEY-----\\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeko06S8wBCvd3ejU\\n\
             Ge1i0dNX1ZeppAAptSxrK6tXZ4OhRANCAASIw1f03Z4cg5N0jhLlwIYaA6/ay8Nk\\n\
             Q9E1FEZyx2LXwiwmIITccWBIBtI6ZrP9wqzF2faYXMTvcZwDk/VRuQhx\\n-----END PRIVATE KEY-----";
        let Some(Secret::EcdsaP256(point)) = Secret::from_pem(sec1) else { panic!() };
        assert_eq!((point.len(), point[0]), (65, 4));
        assert_eq!(Secret::from_pem(pkcs8), Some(Secret::EcdsaP256(point)));
        let public = HEXLOWER_PERMISSIVE.decode(PUBLIC.as_bytes()).unwrap();
        let der = BASE64.encode(&[&ED25519_BEFORE[..], &public].concat());
        let ed25519 = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----");
        assert_eq!(Secret::from_pem(&ed25519), Some(Secret::Ed25519(public.try_into().unwrap())));
        for none in ["", "secret", &sec1[..200], &pkcs8.replace("PRIVATE", "RSA"), &pkcs8.replace("hx", "h!")]
        {
            assert_eq!(Secret::from_pem(none), None, "{none}");
        }
    }

    #[test]
    fn a_revoked_key_may_nothing_and_secrets_are_not_printed() {
        let mut credential = credential(Secret::Hmac("hidden".to_owned()));
        assert!(credential.may(Permission::Read) && !credential.may(Permission::Trade));
        credential.is_revoked = true;
        assert!(!credential.may(Permission::Read));
        assert!(!format!("{credential:?}").contains("hidden"));
    }
}
