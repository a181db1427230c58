//! Signatures beside the vectors of the venue and of OpenSSL, and keys that are none.

use proptest::prelude::*;

use super::*;

/// The example of the venue's documents.
const HMAC: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const HMAC_NAME: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";

/// The seed of the first test of RFC 8032, in PKCS8.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

fn hmac() -> BinanceKey {
    BinanceKey::from_text(HMAC_NAME, HMAC).unwrap()
}

fn ed25519() -> BinanceKey {
    BinanceKey::from_text("TESTKEY", ED25519).unwrap()
}

/// The order of the documents' REST example, of `symbol`.
fn rest_order(symbol: &str) -> Vec<Param> {
    vec![
        Param::text("symbol", symbol),
        Param::text("side", "BUY"),
        Param::text("type", "LIMIT"),
        Param::text("timeInForce", "GTC"),
        Param::text("quantity", "1"),
        Param::text("price", "0.1"),
        Param::whole("recvWindow", 5_000),
        Param::whole("timestamp", 1_499_827_319_559),
    ]
}

fn socket_order(name: &str, window: i64) -> Vec<Param> {
    vec![
        Param::text("symbol", "BTCUSDT"),
        Param::text("side", "SELL"),
        Param::text("type", "LIMIT"),
        Param::text("timeInForce", "GTC"),
        Param::text("quantity", "0.01000000"),
        Param::text("price", "52000.00"),
        Param::text("apiKey", name),
        Param::whole("recvWindow", window),
        Param::whole("timestamp", 1_645_423_376_532),
    ]
}

#[test]
fn hmac_of_rest_meets_the_venues_vectors() {
    let payload = query_payload(&rest_order("LTCBTC"));
    assert_eq!(
        payload,
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    );
    let code = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
    assert_eq!(hmac().sign(&payload), code);
    assert_eq!(hmac().signed_query(&rest_order("LTCBTC")), format!("{payload}&signature={code}"));
    // A symbol of fullwidth digits is percent-encoded before it is signed.
    let payload = query_payload(&rest_order("１２３４５６"));
    assert!(payload.starts_with("symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY"));
    assert_eq!(hmac().sign(&payload), "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3");
}

#[test]
fn hmac_of_the_socket_meets_the_venues_vector() {
    let payload = socket_payload(&socket_order(HMAC_NAME, 100));
    assert_eq!(
        payload,
        format!(
            "apiKey={HMAC_NAME}&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"
        )
    );
    assert_eq!(hmac().sign(&payload), "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24");
}

#[test]
fn ed25519_meets_the_vectors_signed_with_openssl() {
    let rest = [
        Param::text("symbol", "BTCUSDT"),
        Param::text("side", "SELL"),
        Param::text("type", "LIMIT"),
        Param::text("timeInForce", "GTC"),
        Param::text("quantity", "1"),
        Param::text("price", "0.2"),
        Param::whole("timestamp", 1_668_481_559_918),
        Param::whole("recvWindow", 5_000),
    ];
    let rest_signature =
        "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg==";
    assert_eq!(ed25519().sign(&query_payload(&rest)), rest_signature);
    assert!(ed25519().signed_query(&rest).ends_with(
        "&signature=XtZirsmmi0noRzUfkqktvkVfxpkq%2FWtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg%3D%3D"
    ));
    let mut socket = socket_order("TESTKEY", 5_000);
    socket.push(Param::text("newClientOrderId", "e1-000000000001"));
    assert_eq!(
        ed25519().sign(&socket_payload(&socket)),
        "J3sn7NRqfFbMZ8gho+5sBculA90t7PDk0oAKHw9RIFSElkvbcWrx/oXY2fnu/Fv7u/L534shkgoKpCIQ4zmZBQ=="
    );
    let logon = [Param::whole("timestamp", 1_645_423_376_532), Param::text("apiKey", "TESTKEY")];
    assert_eq!(
        ed25519().sign(&socket_payload(&logon)),
        "wwPGqMhp1hGnPsGHN7EwxkUk5N/nBB7m3/oLUdQsg23mGJoIHMB9RDULt7aVNwaJxTW3fLj6gEiCoVk8tJG9BQ=="
    );
}

#[test]
fn a_key_does_not_show_itself() {
    for (key, shown) in
        [(hmac(), r#"BinanceKey { kind: "HMAC", .. }"#), (ed25519(), r#"BinanceKey { kind: "Ed25519", .. }"#)]
    {
        assert_eq!(format!("{key:?}"), shown);
        assert_eq!(key.can_log_on(), key.public().is_some());
    }
    assert_eq!(format!("{:?} {:?}", HmacSecret::sha256(HMAC), Ed25519Key::from_text(ED25519)), {
        "Ok(HmacSecret(..)) Ok(Ed25519Key(..))"
    });
}

#[test]
fn what_is_no_key_is_refused_without_being_repeated() {
    let elliptic = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----";
    let refused = |secret: &str| BinanceKey::from_text("NAME", secret).unwrap_err();
    assert_eq!(refused(" \n"), KeyError::Empty);
    assert!(matches!(refused(elliptic), KeyError::OtherKind { .. }));
    assert_eq!(refused("-----BEGIN PRIVATE KEY-----\nMC4CAQ"), KeyError::Unended);
    assert_eq!(
        refused("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"),
        KeyError::Locked
    );
    let spoiled = ED25519.replace("MC4CAQ", "SECRET");
    let error = refused(&spoiled);
    assert!(matches!(error, KeyError::Malformed { .. }));
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_parameters_does_not_change_what_the_socket_signs(
        order in Just(socket_order("TESTKEY", 5_000)).prop_shuffle(),
    ) {
        let sorted = socket_payload(&socket_order("TESTKEY", 5_000));
        prop_assert_eq!(socket_payload(&order), sorted.clone());
        prop_assert_eq!(ed25519().sign(&socket_payload(&order)), ed25519().sign(&sorted));
    }

    #[test]
    fn no_text_of_a_key_panics(secret in "(-----BEGIN (EC )?PRIVATE KEY-----)?[A-Za-z0-9+/=\\n]{0,80}(-----END )?") {
        let _ = BinanceKey::from_text("NAME", &secret);
    }
}
