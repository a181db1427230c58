//! What is read of a table, and what is said of what cannot be.

use super::*;

fn table(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn shares_are_read_exactly_in_three_forms() {
    let json = table(r#"{"a": 0.001, "b": "0.1%", "c": "10bps", "d": "10 bps"}"#);
    let mut settings = Settings::new("", &json);
    for key in ["a", "b", "c", "d"] {
        let ratio = settings.ratio(key, Ratio::ZERO..=Ratio::ONE).unwrap().unwrap();
        assert_eq!(ratio.units(), 1_000_000, "{key}");
    }
}

#[test]
fn each_error_names_key_value_and_what_is_allowed() {
    let json = table(r#"{"fast": 0, "slow": "many", "sise": 1, "side": "lnog"}"#);
    let mut settings = Settings::new("strategy", &json);
    let error = settings.whole("fast", 1..=100).unwrap_err();
    assert_eq!(error.to_string(), "`strategy.fast` = 0: allowed is a whole number from 1 to 100");
    let error = settings.whole("slow", 1..=100).unwrap_err();
    assert_eq!(error.to_string(), "`strategy.slow` = \"many\": expected a whole number from 1 to 100");
    let error = settings.choice("side", &[("long", 1), ("short", 2)]).unwrap_err();
    assert_eq!(error.to_string(), "`strategy.side` = \"lnog\": allowed is long, short; did you mean `long`?");
    let error = settings.missing("size", "a number");
    assert_eq!(error.to_string(), "unknown key `strategy.sise`; did you mean `size`?");
    assert!(settings.positive("size").unwrap().is_none());
    let error = settings.finish().unwrap_err();
    assert_eq!(error.to_string(), "unknown key `strategy.sise`; did you mean `size`?");
}

#[test]
fn numbers_keep_every_digit_they_were_written_with() {
    let json = table(r#"{"a": "10000000", "b": 0.1, "c": "-1", "d": "1e400"}"#);
    let mut settings = Settings::new("", &json);
    assert_eq!(settings.positive("a").unwrap().unwrap().to_string(), "10000000");
    assert_eq!(settings.positive("b").unwrap().unwrap(), Decimal { units: 1, decimals: 1 });
    assert!(settings.positive("c").is_err());
    assert!(settings.positive("d").is_err());
}

#[test]
fn what_was_asked_for_is_remembered_with_what_it_may_be() {
    let json = table("{}");
    let mut settings = Settings::new("", &json);
    settings.whole("fast", 1..=100).unwrap();
    settings.ratio("share", Ratio::ZERO..=Ratio::ONE).unwrap();
    settings.choice("side", &[("long", 1), ("short", 2)]).unwrap();
    settings.whole("fast", 1..=100).unwrap();
    let said: Vec<String> =
        settings.asked().iter().map(|asked| format!("{}: {}", asked.key, asked.allowed)).collect();
    assert_eq!(
        said,
        ["fast: a whole number from 1 to 100", "share: a share from 0 to 1", "side: long, short"]
    );
}
