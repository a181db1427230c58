//! Tokens that verify and say what they must, and keys that are none.

use proptest::prelude::*;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

use super::*;

/// Made with `openssl ecparam -name prime256v1 -genkey -noout` for these tests alone.
const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHpKNOkvMAQr3d3o1BntYtHTV9WXqaQAKbUsayurV2eDoAoGCCqGSM49
AwEHoUQDQgAEiMNX9N2eHIOTdI4S5cCGGgOv2svDZEPRNRRGcsdi18IsJiCE3HFg
SAbSOmaz/cKsxdn2mFzE73GcA5P1UbkIcQ==
-----END EC PRIVATE KEY-----
";

/// The same key, `openssl pkcs8 -topk8 -nocrypt`.
const PKCS8: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeko06S8wBCvd3ejU
Ge1i0dNX1ZeppAAptSxrK6tXZ4OhRANCAASIw1f03Z4cg5N0jhLlwIYaA6/ay8Nk
Q9E1FEZyx2LXwiwmIITccWBIBtI6ZrP9wqzF2faYXMTvcZwDk/VRuQhx
-----END PRIVATE KEY-----
";

/// A key of another curve, P-384.
const P384: &str = "-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDBBSZKrO00Utqm/snRRQ8v10DV3v9K22ZdsWB4fgASxv/TW18OnJYq9
apwpdpWjYyOgBwYFK4EEACKhZANiAATElQlfoO+9Y9WTCndtGpXHw5XqQsXvmvfz
DJm0DzhRmvF/vZoweerlthJhPJYKcVMgeKLvM7DhMqM90699RTCUddkLKVUclFvc
TJReVShgy3veFDxBYrtPnxIaZr6ykmI=
-----END EC PRIVATE KEY-----
";

/// The first test of RFC 8032: seed, and seed with public key.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const PAIR: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==";
const ED25519_PKCS8: &str = r"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----";

const NAME: &str = "organizations/aaaa/apiKeys/bbbb";
const NONCE: &str = "9f86d081884c7d65";

fn key(text: &str) -> CoinbaseKey {
    CoinbaseKey::from_text(NAME, text).unwrap()
}

fn at() -> Timestamp {
    Timestamp::from_nanos(1_784_000_000_999_999_999)
}

/// Header and claims of a token whose signature holds.
fn verified(key: &CoinbaseKey, token: &str, algorithm: &'static dyn VerificationAlgorithm) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts: {token}") };
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let public = UnparsedPublicKey::new(algorithm, key.public());
    assert_eq!(bytes(signature).len(), 64);
    public.verify(format!("{header}.{claims}").as_bytes(), &bytes(signature)).unwrap();
    let json = |part: &str| serde_json::from_slice(&bytes(part)).unwrap();
    (json(header), json(claims))
}

#[test]
fn a_token_of_es256_verifies_and_says_what_it_must() {
    let uri = request_uri("POST", "https://api.coinbase.com", "/api/v3/brokerage/orders?x=1");
    let one_line = SEC1.trim().replace('\n', "\\n");
    let named_curve = "-----BEGIN EC PARAMETERS-----\r\nBggqhkjOPQMBBw==\r\n-----END EC PARAMETERS-----\r\n";
    let behind_curve = format!("{named_curve}{SEC1}");
    for text in [SEC1, PKCS8, one_line.as_str(), behind_curve.as_str()] {
        let key = key(text);
        let token = key.token(Some(&uri), at(), NONCE).unwrap();
        let (header, claims) = verified(&key, &token, &ECDSA_P256_SHA256_FIXED);
        assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": NAME, "nonce": NONCE}));
        assert_eq!(
            claims,
            json!({"sub": NAME, "iss": "cdp", "nbf": 1_784_000_000, "exp": 1_784_000_120,
                   "uri": "POST api.coinbase.com/api/v3/brokerage/orders"})
        );
        assert_ne!(key.token(Some(&uri), at(), NONCE), Ok(token), "another signature each time");
    }
}

#[test]
fn a_token_of_an_order_ends_within_its_window() {
    let key = key(SEC1);
    for (window_ms, ends) in [(5_000, 5), (2_999, 2), (600_000, 120)] {
        let token = key.order_token("POST host/orders", at(), window_ms, NONCE).unwrap();
        let (_, claims) = verified(&key, &token, &ECDSA_P256_SHA256_FIXED);
        assert_eq!(claims["exp"], 1_784_000_000 + ends, "{window_ms}");
        assert_eq!(claims["uri"], "POST host/orders");
    }
}

#[test]
fn a_token_of_eddsa_verifies_and_a_subscription_names_no_request() {
    for text in [SEED, PAIR, ED25519_PKCS8] {
        let key = key(text);
        let token = key.token(None, at(), NONCE).unwrap();
        let (header, claims) = verified(&key, &token, &ED25519);
        assert_eq!(header["alg"], "EdDSA");
        assert_eq!(claims.get("uri"), None);
        assert_eq!(key.token(None, at(), NONCE), Ok(token), "the same each time");
    }
}

#[test]
fn the_uri_has_no_scheme_and_no_query() {
    let uri = |base, path| request_uri("GET", base, path);
    assert_eq!(uri("https://api.coinbase.com/", "/a/b?c=d?e"), "GET api.coinbase.com/a/b");
    assert_eq!(uri("http://127.0.0.1:8080", "/a"), "GET 127.0.0.1:8080/a");
}

#[test]
fn what_is_no_key_is_refused() {
    let refused = |text: &str| CoinbaseKey::from_text(NAME, text).unwrap_err();
    assert!(matches!(refused(P384), KeyError::Malformed { .. }));
    assert_eq!(refused(""), KeyError::Empty);
    assert_eq!(refused("?"), KeyError::NotBase64);
    assert!(matches!(refused("AAAA"), KeyError::Malformed { .. }));
    let other = PAIR.replace("wdRGg", "wdRGQ");
    assert!(matches!(refused(&other), KeyError::Malformed { .. }), "another public key");
    // The private half alone: its sequence holds the version and 32 bytes.
    let der = [&[0x30, 37, 2, 1, 1, 4, 32][..], &[7; 32]].concat();
    let half = base64::engine::general_purpose::STANDARD.encode(der);
    let half = format!("-----BEGIN EC PRIVATE KEY-----\n{half}\n-----END EC PRIVATE KEY-----");
    assert_eq!(refused(&half), KeyError::WithoutPublicKey);
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    assert!(matches!(refused(certificate), KeyError::OtherKind { .. }));
}

#[test]
fn a_key_does_not_show_itself() {
    let shown = format!("{:?} {:?} {:?}", key(SEC1), key(SEED), private_key(SEC1).map(|_| ()));
    let kinds = r#"CoinbaseKey { kind: "ES256", .. } CoinbaseKey { kind: "EdDSA", .. } Ok(())"#;
    assert_eq!(shown, kinds);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_of_a_key_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let body = base64::engine::general_purpose::STANDARD.encode(bytes);
        for label in ["PRIVATE KEY", "EC PRIVATE KEY"] {
            let text = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----");
            let _ = CoinbaseKey::from_text(NAME, &text);
        }
    }
}
