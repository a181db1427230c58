//! Moments as people write and read them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use engine_core::time::Timestamp;

/// Reads `2024-01-31`, `2024-01-31T12:00:00Z`, `2024-01-31 12:00` (UTC) or an offset; `None` for anything else.
#[must_use]
pub fn parse_moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let parsed = DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc());
    let parsed = parsed.or_else(|| {
        let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
        let naive = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        let midnight = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
        Some(Utc.from_utc_datetime(&naive.or_else(midnight)?))
    });
    parsed?.timestamp_nanos_opt().map(Timestamp::from_nanos)
}

/// A moment in RFC 3339, UTC, with as many decimals of a second as it needs.
#[must_use]
pub fn moment_text(moment: Timestamp) -> String {
    DateTime::from_timestamp_nanos(moment.nanos()).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_in_the_usual_forms_and_print_in_one() {
        let forms = ["2024-01-31T12:00:00Z", "2024-01-31 12:00", "2024-01-31T13:00:00+01:00"];
        for form in forms {
            assert_eq!(
                parse_moment(form).map(moment_text).as_deref(),
                Some("2024-01-31T12:00:00Z"),
                "{form}"
            );
        }
        assert_eq!(parse_moment("2024-01-31").map(moment_text).as_deref(), Some("2024-01-31T00:00:00Z"));
        assert_eq!(moment_text(Timestamp::from_nanos(1_500_000)), "1970-01-01T00:00:00.001500Z");
        for wrong in ["", "yesterday", "2024-02-30", "1700000000"] {
            assert_eq!(parse_moment(wrong), None, "{wrong}");
        }
    }
}
