//! One row of market data, checked, in fixed point.

use engine_core::num::{DecimalError, parse_decimal};
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

/// Reads the numbers of a row at fixed decimals and counts what it rounds.
#[derive(Debug, Clone)]
pub(crate) struct NumberParser {
    price_decimals: u8,
    qty_decimals: u8,
    rounded: u64,
}

impl NumberParser {
    pub(crate) const fn new(price_decimals: u8, qty_decimals: u8) -> Self {
        Self { price_decimals, qty_decimals, rounded: 0 }
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

    fn units(&mut self, text: &[u8], name: &str, decimals: u8, option: &str) -> Result<i64, String> {
        match parse_decimal(text, decimals) {
            Ok(parsed) => {
                self.rounded += u64::from(parsed.rounded);
                Ok(parsed.units)
            }
            Err(DecimalError::Malformed) => Err(format!("{name} {} is not a finite number", shown(text))),
            Err(DecimalError::TooLarge) => Err(format!(
                "{name} {} is too large at {decimals} decimals; lower --{option}-decimals if it is right",
                shown(text)
            )),
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
        let mut numbers = NumberParser::new(8, 8);
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
        let mut numbers = NumberParser::new(8, 8);
        numbers.price(b"0.09946999000000001", "price").unwrap();
        numbers.price(b"1.10000000000", "price").unwrap();
        assert_eq!(numbers.rounded(), 1);
    }

    #[test]
    fn a_buyer_that_waited_means_a_seller_took() {
        assert_eq!(SideColumn::BuyerMaker.read(b"True"), Ok(2));
        assert_eq!(SideColumn::Taker.read(b"-1"), Ok(2));
        assert!(SideColumn::Taker.read(b"0").is_err());
    }
}
