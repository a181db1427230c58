//! One row of market data, checked, in fixed point.

use journal_store::record::{BarRecord, QuoteRecord, Record, TradeRecord};

use super::moment::shown;

/// One row of a file, of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A trade.
    Trade {
        /// What is stored of it.
        record: TradeRecord,
        /// The venue's number of the trade, or the fingerprint of its name, where it has one.
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
    /// The moment that orders the row in its file, nanoseconds since the epoch: when it was received, where the file
    /// says so.
    #[must_use]
    pub fn at(&self) -> i64 {
        match self {
            Self::Trade { record, .. } => record.at(),
            Self::Quote(record) => record.at(),
            Self::Bar { record, .. } => record.at(),
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

/// What a volume without digits means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EmptyVolume {
    /// Something is missing: the row is refused.
    #[default]
    Refused,
    /// Nothing was traded.
    Zero,
}

impl std::str::FromStr for EmptyVolume {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "refuse" => Ok(Self::Refused),
            "zero" => Ok(Self::Zero),
            _ => Err(format!("{text:?} is not refuse or zero")),
        }
    }
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

/// The number of a trade, or the fingerprint of its name where the venue gives names.
pub(crate) fn identity(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.or_else(|| {
        let hash = blake3::hash(text);
        hash.as_bytes().first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buyer_that_waited_means_a_seller_took() {
        assert_eq!(SideColumn::BuyerMaker.read(b"True"), Ok(2));
        assert_eq!(SideColumn::Taker.read(b"-1"), Ok(2));
        assert!(SideColumn::Taker.read(b"0").is_err());
    }
}
