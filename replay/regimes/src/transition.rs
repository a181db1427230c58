//! Changes of regime, as a detector announced them.

use engine_core::regime::{Regime, RegimeReading};
use engine_core::time::Timestamp;

use super::series::BarSeries;

/// A change of the regime that drives orders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// When the bar that brought it begins.
    pub at: Timestamp,
    /// The regime before; `None` for the first reading of a segment.
    pub from: Option<Regime>,
    /// How many bars the regime before had lasted.
    pub lasted_bars: u32,
    /// The reading that brought it.
    pub reading: RegimeReading,
}

/// Every change of regime in `readings`, the first reading of each segment included.
#[must_use]
pub fn transitions(series: &BarSeries, readings: &[Option<RegimeReading>]) -> Vec<Transition> {
    let mut found = Vec::new();
    for segment in series.segments() {
        let mut before: Option<RegimeReading> = None;
        let read = series.at().iter().zip(readings).take(segment.end).skip(segment.start);
        for (at, reading) in read.filter_map(|(at, reading)| Some((*at, (*reading)?))) {
            if before.is_none_or(|before| before.regime != reading.regime) {
                let from = before.map(|before| before.regime);
                let lasted_bars = before.map_or(0, |before| before.run_length_bars);
                found.push(Transition { at, from, lasted_bars, reading });
            }
            before = Some(reading);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use engine_core::indicator::Candle;
    use engine_core::real::Real;
    use engine_core::time::Span;

    use super::*;

    #[test]
    fn changes_are_told_within_segments_and_begin_anew_behind_a_gap() {
        let days = [0, 1, 2, 3, 6, 7_i64];
        let bars = days.map(|day| (Timestamp::from_nanos(day * Span::DAY.nanos()), Candle::at(1.0)));
        let series = BarSeries::new(Span::DAY, bars).unwrap();
        let reading = |regime, run_length_bars| {
            let posterior = [Real::ZERO; 4];
            let (volatility_ratio, efficiency, drift) = (Real::ZERO, Real::ZERO, Real::ZERO);
            let raw = regime;
            Some(RegimeReading {
                regime,
                raw,
                posterior,
                run_length_bars,
                volatility_ratio,
                efficiency,
                drift,
            })
        };
        let (calm, wild) = (Regime::Ranging, Regime::Volatile);
        let readings =
            [None, reading(calm, 1), reading(calm, 2), reading(wild, 1), reading(wild, 1), reading(wild, 2)];
        let told: Vec<_> = transitions(&series, &readings)
            .iter()
            .map(|change| (change.from, change.lasted_bars, change.reading.regime))
            .collect();
        assert_eq!(told, [(None, 0, calm), (Some(calm), 2, wild), (None, 0, wild)]);
    }
}
