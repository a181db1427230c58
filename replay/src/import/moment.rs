//! Moments as files write them: whole epochs of any unit, decimal seconds, dates.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use engine_core::num::parse_decimal;
use engine_core::time::Timestamp;
use serde::Serialize;

/// The unit of an epoch number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Whole or decimal seconds.
    Seconds,
    /// Thousandths.
    Millis,
    /// Millionths.
    Micros,
    /// Billionths.
    Nanos,
}

impl TimeUnit {
    /// The unit written `ns`, `us`, `ms` or `s`.
    #[must_use]
    pub fn from_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "s" | "sec" | "seconds" => Some(Self::Seconds),
            "ms" | "millis" | "milliseconds" => Some(Self::Millis),
            "us" | "micros" | "microseconds" => Some(Self::Micros),
            "ns" | "nanos" | "nanoseconds" => Some(Self::Nanos),
            _ => None,
        }
    }

    /// Its name in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
        }
    }

    /// Decimals that turn a number of this unit into nanoseconds.
    const fn decimals(self) -> u8 {
        match self {
            Self::Seconds => 9,
            Self::Millis => 6,
            Self::Micros => 3,
            Self::Nanos => 0,
        }
    }

    const fn nanos(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }

    /// The unit in which `number` is a moment between 1973 and 5138.
    ///
    /// The ranges do not meet within any date of real market data, so the guess cannot be wrong for one.
    const fn guessed(number: i64) -> Option<Self> {
        match number {
            100_000_000..=99_999_999_999 => Some(Self::Seconds),
            100_000_000_000..=99_999_999_999_999 => Some(Self::Millis),
            100_000_000_000_000..=99_999_999_999_999_999 => Some(Self::Micros),
            100_000_000_000_000_000.. => Some(Self::Nanos),
            _ => None,
        }
    }
}

/// How a column of moments was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeReading {
    /// A number of this unit since 1970.
    Epoch(TimeUnit),
    /// A calendar date, UTC where it names no zone.
    Date,
}

/// Reads one column of moments and remembers how.
#[derive(Debug, Clone)]
pub(crate) struct MomentParser {
    given: Option<TimeUnit>,
    reading: Option<TimeReading>,
}

impl MomentParser {
    /// A parser for numbers of unit `given`, or of the unit their magnitude shows.
    pub(crate) const fn new(given: Option<TimeUnit>) -> Self {
        Self { given, reading: None }
    }

    /// How the last moment was read.
    pub(crate) const fn reading(&self) -> Option<TimeReading> {
        self.reading
    }

    /// The moment in `text`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence's end.
    pub(crate) fn parse(&mut self, text: &[u8]) -> Result<Timestamp, String> {
        if let Some(number) = whole(text) {
            return self.epoch(text, number);
        }
        if text.contains(&b'-') && text.first() != Some(&b'-') || text.contains(&b'/') {
            self.reading = Some(TimeReading::Date);
            return date(text).ok_or_else(|| format!("time {} is not a date that exists", shown(text)));
        }
        self.decimal(text)
    }

    fn unit(&self, text: &[u8], number: i64) -> Result<TimeUnit, String> {
        self.given.or_else(|| TimeUnit::guessed(number)).ok_or_else(|| {
            let shown = shown(text);
            format!("time {shown} has no plausible unit; name it, as in --columns time=COLUMN:ms")
        })
    }

    fn epoch(&mut self, text: &[u8], number: i64) -> Result<Timestamp, String> {
        let unit = self.unit(text, number)?;
        self.reading = Some(TimeReading::Epoch(unit));
        let nanos = number.checked_mul(unit.nanos());
        nanos.map(Timestamp::from_nanos).ok_or_else(|| out_of_range(text, unit))
    }

    fn decimal(&mut self, text: &[u8]) -> Result<Timestamp, String> {
        let malformed = || format!("time {} is neither an epoch number nor a date", shown(text));
        let coarse = parse_decimal(text, 0).map_err(|_| malformed())?;
        let unit = self.unit(text, coarse.units)?;
        self.reading = Some(TimeReading::Epoch(unit));
        let nanos = parse_decimal(text, unit.decimals()).map_err(|_| out_of_range(text, unit))?;
        Ok(Timestamp::from_nanos(nanos.units))
    }
}

fn out_of_range(text: &[u8], unit: TimeUnit) -> String {
    format!("time {} in {} is after the year 2262; check its unit", shown(text), unit.name())
}

/// `text` for a message: printable and short.
pub(crate) fn shown(text: &[u8]) -> String {
    const SHOWN_MAX: usize = 40;
    let short = text.get(..SHOWN_MAX).unwrap_or(text);
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{:?}{dots}", String::from_utf8_lossy(short))
}

/// The whole number in `text`, digits only, at most 18 of them.
fn whole(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0_i64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(i64::from(byte - b'0')),
        _ => None,
    })
}

/// `2021-12-31`, with an optional `[ TD]23:01[:00[.000000]]` and `Z` or `±hh[:mm]`.
fn date(text: &[u8]) -> Option<Timestamp> {
    let text = str::from_utf8(text).ok()?;
    let (day, rest) = text.split_at_checked(10)?;
    let mut parts = day.split(['-', '/']);
    let (year, month) = (parts.next()?, parts.next()?);
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, parts.next()?.parse().ok()?);
    let day = NaiveDate::from_ymd_opt(year, month, day)?;
    let moment = match rest.strip_prefix(['T', ' ', 'D']) {
        None if rest.is_empty() => day.and_time(NaiveTime::MIN),
        None => return None,
        Some(clock) => clock_time(day, clock)?,
    };
    moment.and_utc().timestamp_nanos_opt().map(Timestamp::from_nanos)
}

fn clock_time(day: NaiveDate, text: &str) -> Option<NaiveDateTime> {
    let zone_at = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone_at);
    let clock = clock.trim_end();
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds = parse_decimal(parts.next().unwrap_or("0").as_bytes(), 9).ok()?.units;
    let (second, nanos) = (seconds.div_euclid(1_000_000_000), seconds.rem_euclid(1_000_000_000));
    let clock =
        NaiveTime::from_hms_nano_opt(hour, minute, u32::try_from(second).ok()?, u32::try_from(nanos).ok()?)?;
    day.and_time(clock).checked_sub_signed(zone_offset(zone)?)
}

fn zone_offset(zone: &str) -> Option<TimeDelta> {
    let (sign, rest) = match zone.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => return Some(TimeDelta::zero()),
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        Some(_) => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    let hours: i64 = hours.parse().ok()?;
    (hours <= 14 && minutes < 60).then(|| TimeDelta::minutes(sign * (hours * 60 + minutes)))
}

#[cfg(test)]
mod tests {
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
    fn a_given_unit_is_not_overruled() {
        let mut parser = MomentParser::new(Some(TimeUnit::Millis));
        assert_eq!(parser.parse(b"5").map(Timestamp::nanos), Ok(5_000_000));
        assert_eq!(parser.reading(), Some(TimeReading::Epoch(TimeUnit::Millis)));
        assert!(parser.parse(b"1735689600000000").is_err());
    }
}
