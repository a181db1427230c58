//! The true range of a bar and its averages, the ATR.

use super::Candle;
use super::exponential_mean::ExponentialMean;
use super::sma::Sma;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

/// max(high, C_{t−1}) − min(low, C_{t−1}): the range with the gap before it (Wilder 1978). The first bar's is its
/// own range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrueRange {
    close: Option<f64>,
}

impl TrueRange {
    /// The range of `bar`, in units of price; `None`, and nothing learned, where the bar is not sound.
    pub fn learn(&mut self, bar: &Candle) -> Option<f64> {
        if !bar.is_sound() {
            return None;
        }
        let before = self.close.replace(bar.close).unwrap_or(bar.close);
        Some(bar.high.max(before) - bar.low.min(before))
    }

    /// Forgets the last close.
    pub fn forget(&mut self) {
        self.close = None;
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Average {
    Wilder(ExponentialMean),
    Simple(Sma),
}

/// The average true range, in units of price.
#[derive(Clone, Debug, PartialEq)]
pub struct Atr {
    range: TrueRange,
    average: Average,
}

impl Atr {
    /// Wilder's: the mean of the first `bars` ranges, then 1/bars of the way to each next one.
    #[must_use]
    pub fn wilder(bars: u32) -> Self {
        Self { range: TrueRange::default(), average: Average::Wilder(ExponentialMean::wilder(bars)) }
    }

    /// The plain mean of the last `bars` ranges.
    #[must_use]
    pub fn simple(bars: usize) -> Self {
        Self { range: TrueRange::default(), average: Average::Simple(Sma::new(bars)) }
    }

    /// Adds `bar`; `None` until there are `bars` of them. A bar that is not sound is passed over.
    pub fn learn(&mut self, bar: &Candle) -> Option<f64> {
        let range = self.range.learn(bar)?;
        match &mut self.average {
            Average::Wilder(mean) => mean.learn(range),
            Average::Simple(mean) => mean.learn(range),
        }
    }

    /// Forgets every bar.
    pub fn forget(&mut self) {
        self.range.forget();
        match &mut self.average {
            Average::Wilder(mean) => mean.forget(),
            Average::Simple(mean) => mean.forget(),
        }
    }
}

crate::learned!(TrueRange { values: [close] });
crate::learned!(Atr { parts: [range, average] });

impl Learned for Average {
    fn note(&self, notes: &mut NoteWriter) {
        match self {
            Self::Wilder(mean) => {
                notes.setting("wilder");
                notes.part(mean);
            }
            Self::Simple(mean) => {
                notes.setting("simple");
                notes.part(mean);
            }
        }
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        match self {
            Self::Wilder(mean) => {
                notes.setting("wilder")?;
                notes.part(mean)
            }
            Self::Simple(mean) => {
                notes.setting("simple")?;
                notes.part(mean)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_count() {
        let bar = |low: f64, high: f64, close: f64| Candle { open: close, high, low, close, volume: 1.0 };
        // Ranges 2, then from the close 10 up to 14 = 4, then from the close 13 down to 10 = 3.
        let bars = [bar(9.0, 11.0, 10.0), bar(12.0, 14.0, 13.0), bar(10.0, 12.0, 11.0)];
        let (mut wilder, mut simple) = (Atr::wilder(2), Atr::simple(2));
        let found: Vec<_> = bars.iter().map(|bar| (wilder.learn(bar), simple.learn(bar))).collect();
        assert_eq!(found, [(None, None), (Some(3.0), Some(3.0)), (Some(3.0), Some(3.5))]);
        assert_eq!(wilder.learn(&Candle { high: f64::NAN, ..bars[0] }), None);
        assert_eq!(wilder.learn(&Candle::at(11.0)), Some(1.5));
        wilder.forget();
        assert_eq!(wilder, Atr::wilder(2));
    }
}
