//! Moments as files write them: whole epochs of any unit, decimal seconds, dates.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use engine_core::num::parse_decimal;
use engine_core::time::Timestamp;
use serde::Serialize;

use crate::quality::rfc3339;

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

/// Which part of a date such as `01/02/2021` is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// Day, month, year.
    DayFirst,
    /// Month, day, year.
    MonthFirst,
}

impl std::str::FromStr for DateOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "dmy" => Ok(Self::DayFirst),
            "mdy" => Ok(Self::MonthFirst),
            _ => Err(format!("{text:?} is not dmy or mdy")),
        }
    }
}

/// What is known about the moments of a file beforehand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MomentRules {
    /// How dates with the year last are read.
    pub(crate) date_order: Option<DateOrder>,
    /// The last moment that can be, nanoseconds since the epoch; `None` leaves moments unchecked.
    pub(crate) latest_at: Option<i64>,
}

/// The first block of Bitcoin, 2009-01-03: no crypto market is older.
pub(crate) const EARLIEST_AT: i64 = 1_230_940_800 * 1_000_000_000;

/// Reads one column of moments and remembers how.
#[derive(Debug, Clone)]
pub(crate) struct MomentParser {
    given: Option<TimeUnit>,
    reading: Option<TimeReading>,
    date_order: Option<DateOrder>,
    earliest_at: i64,
    latest_at: i64,
}

impl MomentParser {
    /// A parser for numbers of unit `given`, or of the unit their magnitude shows.
    pub(crate) const fn new(given: Option<TimeUnit>) -> Self {
        Self { given, reading: None, date_order: None, earliest_at: i64::MIN, latest_at: i64::MAX }
    }

    /// The same under `rules`.
    pub(crate) const fn ruled(mut self, rules: MomentRules) -> Self {
        self.date_order = rules.date_order;
        if let Some(latest_at) = rules.latest_at {
            (self.earliest_at, self.latest_at) = (EARLIEST_AT, latest_at);
        }
        self
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
        let moment = match whole(text) {
            Some(number) => self.epoch(text, number)?,
            None => self.other(text)?,
        };
        if moment.nanos() < self.earliest_at || moment.nanos() > self.latest_at {
            self.refuse_implausible(text, moment)?;
        }
        Ok(moment)
    }

    fn other(&mut self, text: &[u8]) -> Result<Timestamp, String> {
        if text.is_empty() {
            return Err("the time is empty".into());
        }
        let dashed = text.contains(&b'-') && text.first() != Some(&b'-') && !is_exponent(text);
        if dashed || text.contains(&b'/') || text.iter().filter(|byte| **byte == b'.').count() == 2 {
            self.reading = Some(TimeReading::Date);
            return date(text, self.date_order);
        }
        self.decimal(text)
    }

    /// A number that is no moment of a market is one of another unit, or counts from elsewhere. A date that is
    /// written out may be that of a stock.
    #[cold]
    fn refuse_implausible(&self, text: &[u8], moment: Timestamp) -> Result<(), String> {
        let (at, text) = (rfc3339(moment), shown(text));
        let early = moment.nanos() < self.earliest_at;
        match self.reading {
            Some(TimeReading::Epoch(unit)) if early => Err(format!(
                "time {text} in {} is {at}, before the first crypto market (2009-01-03): it is in another unit, or counts \
                 from midnight of a day that only the file's name tells; name the unit, as in --columns time=COLUMN:us",
                unit.name()
            )),
            Some(TimeReading::Epoch(unit)) => Err(format!(
                "time {text} in {} is {at}, later than tomorrow; check its unit and the clock of this computer",
                unit.name()
            )),
            Some(TimeReading::Date) | None if early => Ok(()),
            Some(TimeReading::Date) | None => Err(format!(
                "time {text} is later than tomorrow; check the date and the clock of this computer"
            )),
        }
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

/// `1.5e-3` rather than a date.
fn is_exponent(text: &[u8]) -> bool {
    text.windows(2).any(|pair| matches!(pair, [b'e' | b'E', b'-']))
}

/// `2021-12-31`, with an optional `[ TD]23:01[:00[.000000]]` and `Z`, `UTC` or `±hh[:mm]`; with an order of dates also
/// `31/12/2021`.
fn date(text: &[u8], order: Option<DateOrder>) -> Result<Timestamp, String> {
    let absent = || format!("time {} is not a date that exists", shown(text));
    let line = str::from_utf8(text).map_err(|_| absent())?;
    let end = line.find(['T', ' ', 'D']).unwrap_or(line.len());
    let (day, rest) = line.split_at(end);
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    let numbers: Vec<u32> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let ([first, _, last], [one, two, three]) = (parts.as_slice(), numbers.as_slice()) else {
        return Err(absent());
    };
    let (year, month, day) = match (first.len(), last.len(), order) {
        (4, _, _) => (*one, *two, *three),
        (1 | 2, 4, Some(DateOrder::DayFirst)) => (*three, *two, *one),
        (1 | 2, 4, Some(DateOrder::MonthFirst)) => (*three, *one, *two),
        (1 | 2, 4, None) => {
            return Err(format!(
                "time {} may begin with its day or its month; say --date-order dmy or mdy",
                shown(text)
            ));
        }
        _ => return Err(absent()),
    };
    let day = i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
    let day = day.ok_or_else(absent)?;
    let clock = rest.get(1..).map(str::trim).filter(|clock| !clock.is_empty());
    let moment = clock.map_or(Some(day.and_time(NaiveTime::MIN)), |clock| clock_time(day, clock));
    let nanos = moment.and_then(|moment| moment.and_utc().timestamp_nanos_opt());
    nanos.map(Timestamp::from_nanos).ok_or_else(absent)
}

fn clock_time(day: NaiveDate, text: &str) -> Option<NaiveDateTime> {
    let zone_at = text.find(['Z', 'z', '+', '-', 'U', 'G']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone_at);
    let clock = clock.trim_end();
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds = parse_decimal(parts.next().unwrap_or("0").as_bytes(), 9).ok()?.units;
    let (second, nanos) = (seconds.div_euclid(1_000_000_000), seconds.rem_euclid(1_000_000_000));
    let clock =
        NaiveTime::from_hms_nano_opt(hour, minute, u32::try_from(second).ok()?, u32::try_from(nanos).ok()?)?;
    day.and_time(clock).checked_sub_signed(zone_offset(zone.trim())?)
}

fn zone_offset(zone: &str) -> Option<TimeDelta> {
    // `UTC+0` and `+0000 UTC` say the same twice.
    let zone = zone.trim_start_matches("UTC").trim_start_matches("GMT").trim_end_matches("UTC").trim();
    let (sign, rest) = match zone.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => return Some(TimeDelta::zero()),
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        Some(_) => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = digits.split_at_checked(2).unwrap_or((&digits, ""));
    let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    let hours: i64 = hours.parse().ok()?;
    ((0..=14).contains(&hours) && (0..60).contains(&minutes))
        .then(|| TimeDelta::minutes(sign * (hours * 60 + minutes)))
}

#[cfg(test)]
mod tests;
