//! Times of every spelling are read as the moments they name.

use super::*;

fn nanos(text: &str) -> Result<i64, String> {
    MomentParser::new(None).parse(text.as_bytes()).map(Timestamp::nanos)
}

#[test]
fn every_unit_names_the_same_moment_by_its_magnitude() {
    let moment = Ok(1_735_689_600_000_000_000);
    let texts = [
        "1735689600",
        "1735689600000",
        "1735689600000000",
        "1735689600000000000",
        "1735689600.0",
        "1.7356896e9",
        "2025-01-01",
        "2025/01/01",
        "2025-01-01 00:00",
        "2025-01-01T00:00:00Z",
        "2025-01-01D00:00:00.000000000",
        "2025-01-01 00:00:00.000000",
        "2025-01-01T02:00:00+02:00",
        "2024-12-31T19:00:00-0500",
        "2025-01-01 00:00:00 UTC",
        "2025-01-01 00:00:00 +0000",
        "2025-01-01 00:00:00+00:00",
        "2025-01-01 00:00:00 Z",
        "2025-01-01 00:00:00 +0000 UTC",
        "2025-1-1",
        "2025.01.01 00:00",
    ];
    for text in texts {
        assert_eq!(nanos(text), moment, "{text}");
    }
    assert_eq!(nanos("1625097621.647"), Ok(1_625_097_621_647_000_000));
}

#[test]
fn what_is_no_moment_is_refused() {
    let texts =
        ["", "1", "-5", "NaN", "inf", "2024-02-30", "2024-01-01T25:00", "99999999999999", "yesterday"];
    for text in texts {
        assert!(nanos(text).is_err(), "{text}");
    }
    assert!(nanos("2024-01-01x").is_err());
    assert!(nanos("2024-01-01T00:00+1é").is_err());
}

#[test]
fn a_date_with_its_year_last_needs_an_order() {
    let read = |text: &str, order| {
        let rules = MomentRules { date_order: order, latest_at: None };
        MomentParser::new(None).ruled(rules).parse(text.as_bytes()).map(rfc3339)
    };
    assert!(read("01/02/2021", None).unwrap_err().contains("--date-order"));
    assert_eq!(read("01/02/2021", Some(DateOrder::DayFirst)).unwrap(), "2021-02-01T00:00:00Z");
    assert_eq!(read("01/02/2021 10:30", Some(DateOrder::MonthFirst)).unwrap(), "2021-01-02T10:30:00Z");
    assert_eq!(read("1.2.2021", Some(DateOrder::DayFirst)).unwrap(), "2021-02-01T00:00:00Z");
    assert!(read("31/01/2021", Some(DateOrder::MonthFirst)).unwrap_err().contains("exists"));
    assert_eq!(read("2021/01/02", Some(DateOrder::DayFirst)).unwrap(), "2021-01-02T00:00:00Z");
}

#[test]
fn moments_before_the_first_market_and_after_tomorrow_are_refused() {
    let rules = MomentRules { date_order: None, latest_at: Some(1_735_689_600_000_000_000) };
    let read = |text: &str, unit| MomentParser::new(unit).ruled(rules).parse(text.as_bytes());
    let midnight = read("34200000", Some(TimeUnit::Millis)).unwrap_err();
    assert!(midnight.contains("1970-01-01T09:30:00Z") && midnight.contains("midnight"), "{midnight}");
    assert!(read("1230940799", None).unwrap_err().contains("2009-01-03"));
    assert!(read("1230940800", None).is_ok());
    assert!(read("1735689600", None).is_ok());
    assert!(read("1735689601", None).unwrap_err().contains("later than tomorrow"));
    assert!(read("2025-01-02", None).unwrap_err().contains("later than tomorrow"));
    // The first day of a stock.
    assert!(read("2004-08-19", None).is_ok());
}

#[test]
fn a_given_unit_is_not_overruled() {
    let mut parser = MomentParser::new(Some(TimeUnit::Millis));
    assert_eq!(parser.parse(b"5").map(Timestamp::nanos), Ok(5_000_000));
    assert_eq!(parser.reading(), Some(TimeReading::Epoch(TimeUnit::Millis)));
    assert!(parser.parse(b"1735689600000000").is_err());
}
