//! JSON that all venues share: scalars kept as they are written, pairs of price and quantity, and fields read by name.
//!
//! A number may be a JSON number or a string; either way its digits are read from the text itself, so no digit is lost and
//! nothing passes through a double.

use core::fmt;
use core::marker::PhantomData;

use engine_core::market::Side;
use engine_core::num::Decimal;
use engine_core::time::Timestamp;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::frame_error::FrameError;
use crate::decimal::{decimal, shown};
use crate::message::Level;
use crate::signed_decimal::signed_decimal;
use crate::venue_time::{TimeUnit, from_rfc3339, from_seconds};

mod object;

pub(super) use object::JsonObject;

/// Any JSON value, as the text that stands there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scalar<'a>(&'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <&'de RawValue>::deserialize(from).map(|raw| Self(raw.get()))
    }
}

impl<'a> Scalar<'a> {
    /// The value as JSON.
    pub(super) const fn json(self) -> &'a str {
        self.0
    }

    /// What stands between the quotes of a string, escapes as they are; any other value whole.
    pub(super) fn text(self) -> &'a str {
        self.0.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(self.0)
    }

    /// The string it is, escapes resolved; any other value as JSON.
    pub(super) fn to_text(self) -> String {
        if self.0.contains('\\') {
            return serde_json::from_str(self.0).unwrap_or_else(|_| self.0.to_owned());
        }
        self.text().to_owned()
    }
}

/// A price and a quantity in an array; what follows them is passed over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a>(pub(super) Scalar<'a>, pub(super) Scalar<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Pair<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Pairs<'a> {
            type Value = Pair<'a>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an array of a price and a quantity")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Pair<'a>, A::Error> {
                let missing = |at| serde::de::Error::invalid_length(at, &self);
                let price = row.next_element()?.ok_or_else(|| missing(0))?;
                let qty = row.next_element()?.ok_or_else(|| missing(1))?;
                while row.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Pair(price, qty))
            }
        }
        from.deserialize_seq(Pairs(PhantomData))
    }
}

/// The first of several prices that is one: venues write nothing or zero for what an order does not have.
pub(super) fn first_price<const N: usize>(prices: [Option<Decimal>; N]) -> Option<Decimal> {
    prices.into_iter().flatten().find(|price| price.units > 0)
}

/// The side of a word, in letters of any size.
pub(super) fn side_named(word: &str) -> Option<Side> {
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    if is("buy") {
        Some(Side::Buy)
    } else if is("sell") {
        Some(Side::Sell)
    } else {
        None
    }
}

/// Reads the fields of one kind of message, whose name errors tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields(pub(super) &'static str);

impl Fields {
    /// The object that `json` is.
    pub(super) fn object<'a, T: Deserialize<'a>>(self, json: &'a str) -> Result<T, FrameError> {
        // A derived struct would be read from an array as well, place by place.
        if !json.trim_start().starts_with('{') {
            return Err(FrameError::Json {
                message: self.0,
                reason: format!("{:?} is no object", shown(json)),
            });
        }
        self.any(json)
    }

    /// Whatever `json` is.
    pub(super) fn any<'a, T: Deserialize<'a>>(self, json: &'a str) -> Result<T, FrameError> {
        serde_json::from_str(json)
            .map_err(|error| FrameError::Json { message: self.0, reason: error.to_string() })
    }

    /// A field that must be there.
    pub(super) fn given<T>(self, field: &'static str, value: Option<T>) -> Result<T, FrameError> {
        value.ok_or(FrameError::Missing { message: self.0, field })
    }

    /// A symbol or another text.
    pub(super) fn text(self, field: &'static str, value: Option<Scalar<'_>>) -> Result<String, FrameError> {
        let scalar = self.given(field, value)?;
        if !scalar.json().starts_with('"') || scalar.text().is_empty() {
            return Err(FrameError::Word { message: self.0, field, text: shown(scalar.json()) });
        }
        Ok(scalar.to_text())
    }

    /// A number with all its digits.
    pub(super) fn decimal(
        self,
        field: &'static str,
        value: Option<Scalar<'_>>,
    ) -> Result<Decimal, FrameError> {
        let text = self.given(field, value)?.text();
        decimal(text).map_err(|source| FrameError::Number { message: self.0, field, source })
    }

    /// A number that may lie below zero.
    pub(super) fn signed(
        self,
        field: &'static str,
        value: Option<Scalar<'_>>,
    ) -> Result<Decimal, FrameError> {
        let text = self.given(field, value)?.text();
        signed_decimal(text).map_err(|source| FrameError::Number { message: self.0, field, source })
    }

    /// An id, which is a text or a whole number.
    pub(super) fn id(self, field: &'static str, value: Option<Scalar<'_>>) -> Result<String, FrameError> {
        let scalar = self.given(field, value)?;
        if scalar.json().starts_with('"') {
            return self.text(field, Some(scalar));
        }
        self.whole(field, Some(scalar)).map(|number| number.to_string())
    }

    /// A side: `BUY` or `SELL`, in letters of any size.
    pub(super) fn side(self, field: &'static str, value: Option<Scalar<'_>>) -> Result<Side, FrameError> {
        let word = self.given(field, value)?.text();
        side_named(word).ok_or_else(|| FrameError::Word { message: self.0, field, text: shown(word) })
    }

    /// A whole number, quoted or not.
    pub(super) fn whole(self, field: &'static str, value: Option<Scalar<'_>>) -> Result<u64, FrameError> {
        let text = self.given(field, value)?.text();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = if digits { text.parse().ok() } else { None };
        parsed.ok_or_else(|| FrameError::Whole { message: self.0, field, text: shown(text) })
    }

    /// A count of trades.
    pub(super) fn count(self, field: &'static str, value: Option<Scalar<'_>>) -> Result<u32, FrameError> {
        let whole = self.whole(field, value)?;
        u32::try_from(whole).map_err(|_| FrameError::Whole {
            message: self.0,
            field,
            text: whole.to_string(),
        })
    }

    /// A moment as a count of `unit`s.
    pub(super) fn moment(
        self,
        field: &'static str,
        value: Option<Scalar<'_>>,
        unit: TimeUnit,
    ) -> Result<Timestamp, FrameError> {
        let whole = self.whole(field, value)?;
        let moment = i64::try_from(whole).ok().and_then(|count| unit.moment(count));
        moment.ok_or_else(|| self.no_time(field, &whole.to_string()))
    }

    /// A moment as RFC 3339 writes it.
    pub(super) fn utc(self, field: &'static str, value: Option<Scalar<'_>>) -> Result<Timestamp, FrameError> {
        let text = self.given(field, value)?.text();
        from_rfc3339(text).map_err(|source| FrameError::Time { message: self.0, field, source })
    }

    /// A moment as seconds, perhaps with a fraction.
    pub(super) fn seconds(
        self,
        field: &'static str,
        value: Option<Scalar<'_>>,
    ) -> Result<Timestamp, FrameError> {
        let seconds = self.decimal(field, value)?;
        from_seconds(seconds).map_err(|source| FrameError::Time { message: self.0, field, source })
    }

    fn no_time(self, field: &'static str, text: &str) -> FrameError {
        let source = crate::venue_time::TimeError(text.to_owned());
        FrameError::Time { message: self.0, field, source }
    }

    /// Levels in arrays.
    pub(super) fn levels(self, field: &'static str, pairs: &[Pair<'_>]) -> Result<Vec<Level>, FrameError> {
        let level = |pair: &Pair<'_>| {
            Ok(Level { price: self.decimal(field, Some(pair.0))?, qty: self.decimal(field, Some(pair.1))? })
        };
        pairs.iter().map(level).collect()
    }
}
