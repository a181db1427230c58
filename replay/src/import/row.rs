//! One row of market data, checked, in fixed point.

use engine_core::num::{DecimalError, divide_half_even, parse_decimal, power_of_ten};
use journal_store::record::{BarRecord, QuoteRecord, TradeRecord};

use super::moment::shown;

/// One row of a file, of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A trade.
    Trade {
        /// What is stored of it.
        record: TradeRecord,
        /// The venue's number of the trade, where it has one.
        id: Option<u64>,
    },
    /// A best bid and offer.
    Quote(QuoteRecord),
    /// A bar.
    Bar {
        /// What is stored of it; its time is the moment that the source names, be it start or end.
        record: BarRecord,
        /// The last moment inside the bar in nanoseconds, where the source also tells that.
        ends_at: Option<i64>,
    },
}

impl Row {
    /// The moment that orders the row in its file, nanoseconds since the epoch.
    #[must_use]
    pub const fn at(&self) -> i64 {
        match self {
            Self::Trade { record, .. } => record.venue_at,
            Self::Quote(record) => record.venue_at,
            Self::Bar { record, .. } => record.open_at,
        }
    }
}

/// What the volume of a bar counts in the files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VolumeUnit {
    /// The asset, as a bar keeps it.
    #[default]
    Base,
    /// Money: what was traded is that over the close.
    Quote,
}

impl std::str::FromStr for VolumeUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "base" => Ok(Self::Base),
            "quote" => Ok(Self::Quote),
            _ => Err(format!("{text:?} is not base or quote")),
        }
    }
}

/// Reads the numbers of a row at fixed decimals and counts what it rounds.
#[derive(Debug, Clone)]
pub(crate) struct NumberParser {
    price_decimals: u8,
    qty_decimals: u8,
    volume_unit: VolumeUnit,
    rounded: u64,
}

impl NumberParser {
    pub(crate) const fn new(price_decimals: u8, qty_decimals: u8, volume_unit: VolumeUnit) -> Self {
        Self { price_decimals, qty_decimals, volume_unit, rounded: 0 }
    }

    /// How many numbers lost digits so far.
    pub(crate) const fn rounded(&self) -> u64 {
        self.rounded
    }

    /// A price: more than zero.
    pub(crate) fn price(&mut self, text: &[u8], name: &str) -> Result<i64, String> {
        let units = self.units(text, name, self.price_decimals, "price")?;
        if units > 0 {
            return Ok(units);
        }
        let tiny = text.iter().any(|byte| matches!(byte, b'1'..=b'9')) && units == 0;
        let reason = if tiny { "rounds to zero; raise --price-decimals" } else { "must be more than zero" };
        Err(format!("{name} {} {reason}", shown(text)))
    }

    /// A quantity: zero or more.
    pub(crate) fn qty(&mut self, text: &[u8], name: &str) -> Result<i64, String> {
        let units = self.units(text, name, self.qty_decimals, "qty")?;
        if units < 0 {
            return Err(format!("{name} {} must not be negative", shown(text)));
        }
        Ok(units)
    }

    /// The volume of a bar that closed at `close` price units: a quantity, or money over the close.
    pub(crate) fn volume(&mut self, text: &[u8], close: i64) -> Result<i64, String> {
        match self.volume_unit {
            VolumeUnit::Base => self.qty(text, "volume"),
            VolumeUnit::Quote => self.quote_volume(text, close),
        }
    }

    /// Money over the close, half to even; that this rounds is no loss of digits of the file.
    fn quote_volume(&mut self, text: &[u8], close: i64) -> Result<i64, String> {
        let read = |decimals| parse_decimal(text, decimals).ok().map(|parsed| (parsed.units, decimals));
        // As many decimals as fit: volumes in money are larger than any quantity.
        let Some((money, decimals)) = (0..=self.qty_decimals).rev().find_map(read) else {
            return self.qty(text, "volume");
        };
        if money < 0 {
            return Err(format!("volume {} must not be negative", shown(text)));
        }
        let up = power_of_ten(self.price_decimals + self.qty_decimals - decimals);
        let qty = up.and_then(|up| i128::from(money).checked_mul(up));
        let qty = qty.and_then(|scaled| divide_half_even(scaled, i128::from(close)));
        qty.and_then(|qty| i64::try_from(qty).ok()).ok_or_else(|| {
            let decimals = self.qty_decimals;
            format!("volume {} over the close is too large at {decimals} decimals; lower --qty-decimals if it is right", shown(text))
        })
    }

    fn units(&mut self, text: &[u8], name: &str, decimals: u8, option: &str) -> Result<i64, String> {
        match parse_decimal(text, decimals) {
            Ok(parsed) => {
                self.rounded += u64::from(parsed.rounded);
                Ok(parsed.units)
            }
            Err(DecimalError::Malformed) => Err(format!("{name} {} is not a finite number", shown(text))),
            Err(DecimalError::TooLarge) => {
                let money =
                    if name == "volume" { ", or say --volume-in quote where it is money" } else { "" };
                Err(format!(
                    "{name} {} is too large at {decimals} decimals; lower --{option}-decimals if it is right{money}",
                    shown(text)
                ))
            }
        }
    }
}

/// How a column tells who took liquidity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SideColumn {
    /// It names the taker's side: buy, sell, 1, -1.
    Taker,
    /// It says whether the buyer waited.
    BuyerMaker,
}

impl SideColumn {
    /// The side as a record holds it: 0 unknown, 1 the buyer took, 2 the seller took.
    pub(crate) fn read(self, text: &[u8]) -> Result<u8, String> {
        let side = match self {
            Self::Taker => match text {
                b"buy" | b"Buy" | b"BUY" | b"b" | b"B" | b"bid" | b"1" | b"+1" => Some(1),
                b"sell" | b"Sell" | b"SELL" | b"s" | b"S" | b"ask" | b"-1" => Some(2),
                b"" | b"unknown" | b"UNKNOWN" => Some(0),
                _ => None,
            },
            Self::BuyerMaker => match text {
                b"true" | b"True" | b"TRUE" | b"1" => Some(2),
                b"false" | b"False" | b"FALSE" | b"0" => Some(1),
                _ => None,
            },
        };
        let wanted = match self {
            Self::Taker => "buy, sell, 1 or -1",
            Self::BuyerMaker => "true or false",
        };
        side.ok_or_else(|| format!("side {} is not {wanted}", shown(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_and_quantities_that_cannot_be_are_refused() {
        let mut numbers = NumberParser::new(8, 8, VolumeUnit::Base);
        for text in
            ["", "NaN", "nan", "inf", "-inf", "-1", "0", "0.0", "1e300", "1,5", "0.000000001", "100000000000"]
        {
            assert!(numbers.price(text.as_bytes(), "price").is_err(), "{text}");
        }
        for text in ["", "NaN", "-0.1", "1e99"] {
            assert!(numbers.qty(text.as_bytes(), "qty").is_err(), "{text}");
        }
        assert_eq!(numbers.qty(b"0", "qty"), Ok(0));
        let raise = numbers.price(b"0.000000001", "price").unwrap_err();
        assert!(raise.contains("raise --price-decimals"), "{raise}");
    }

    #[test]
    fn lost_digits_are_counted() {
        let mut numbers = NumberParser::new(8, 8, VolumeUnit::Base);
        numbers.price(b"0.09946999000000001", "price").unwrap();
        numbers.price(b"1.10000000000", "price").unwrap();
        assert_eq!(numbers.rounded(), 1);
    }

    #[test]
    fn a_volume_in_money_becomes_a_quantity_at_the_close() {
        let mut numbers = NumberParser::new(8, 10, VolumeUnit::Quote);
        let close = numbers.price(b"400", "close").unwrap();
        assert_eq!(numbers.volume(b"21056800", close), Ok(526_420_000_000_000));
        assert_eq!(numbers.volume(b"0", close), Ok(0));
        // More money than 64 bits hold at ten decimals, and a repeating quotient rounded half to even.
        let close = numbers.price(b"46339.76", "close").unwrap();
        assert_eq!(numbers.volume(b"350967941479", close), Ok(75_737_971_340_162_314));
        assert_eq!(numbers.rounded(), 0);
        for text in ["-1", "x", "", "1e300"] {
            assert!(numbers.volume(text.as_bytes(), close).is_err(), "{text}");
        }
        let hint = NumberParser::new(8, 8, VolumeUnit::Base).volume(b"350967941479", close).unwrap_err();
        assert!(hint.contains("--volume-in quote"), "{hint}");
        assert!(numbers.volume(b"9e18", 1).unwrap_err().contains("lower --qty-decimals"));
    }

    #[test]
    fn a_buyer_that_waited_means_a_seller_took() {
        assert_eq!(SideColumn::BuyerMaker.read(b"True"), Ok(2));
        assert_eq!(SideColumn::Taker.read(b"-1"), Ok(2));
        assert!(SideColumn::Taker.read(b"0").is_err());
    }
}
