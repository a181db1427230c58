//! The sets the original's specialists were trained on: labels, joined rows and training signals.
//!
//! The rows of one regime are joined end to end in time order, whatever lies between them, and indicators are
//! computed across the joins. That is an error of the original, kept because its scores depend on it.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;

use crate::detector::Judgement;
use crate::indicators::{mean_of_last, returns, sample_deviation};

/// Bars the original looked at when it labelled.
pub const LABEL_WINDOW_BARS: usize = 101;

/// One row of a training set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingRow {
    /// Which bar of the whole history it is, counted from zero.
    pub bar: usize,
    /// Its close.
    pub close: f64,
    /// Mean of high minus low over 14 joined rows; `None` while there are fewer.
    pub atr: Option<f64>,
    /// Its return over the bar before it in the whole history; `None` for the first bar.
    pub daily_return: Option<f64>,
    /// What the specialist is told.
    pub signal: f64,
}

/// The label of every bar, by the window that ends with it; `None` while the window is not full.
#[must_use]
pub fn labels(history: &[Candle]) -> Vec<Option<Regime>> {
    let unknown = history.len().min(LABEL_WINDOW_BARS - 1);
    let known = history.windows(LABEL_WINDOW_BARS).map(|window| Some(Judgement::of(window).regime));
    std::iter::repeat_n(None, unknown).chain(known).collect()
}

/// The training set of `regime`: the bars of `history` with that label, joined.
#[must_use]
pub fn training_set(history: &[Candle], labels: &[Option<Regime>], regime: Regime) -> Vec<TrainingRow> {
    let chosen = history.iter().zip(labels).enumerate().filter(|(_, (_, label))| **label == Some(regime));
    let (bars, joined): (Vec<usize>, Vec<Candle>) = chosen.map(|(at, (bar, _))| (at, *bar)).unzip();
    let ranges: Vec<f64> = joined.iter().map(|bar| bar.high - bar.low).collect();
    let row = |(last, bar): (usize, &usize)| {
        let own = joined.get(last).map_or(f64::NAN, |candle| candle.close);
        let before = bar.checked_sub(1).and_then(|before| history.get(before));
        TrainingRow {
            bar: *bar,
            close: own,
            atr: mean_of_last(ranges.get(..=last).unwrap_or_default(), 14),
            daily_return: before.map(|before| own / before.close - 1.0),
            signal: training_signal(regime, joined.get(..=last).unwrap_or_default()),
        }
    };
    bars.iter().enumerate().map(row).collect()
}

/// The signal the specialist of `regime` was trained with, after the joined bars so far; nothing while an average
/// is missing.
#[must_use]
pub fn training_signal(regime: Regime, joined: &[Candle]) -> f64 {
    let recent = joined.get(joined.len().saturating_sub(21)..).unwrap_or_default();
    let signal = match regime {
        Regime::Volatile | Regime::Trending => momentum(recent),
        Regime::Ranging => reversion(recent),
        Regime::Crisis => damped_momentum(recent),
    };
    signal.filter(|signal| !signal.is_nan()).unwrap_or(0.0)
}

fn closes(bars: &[Candle]) -> Vec<f64> {
    bars.iter().map(|bar| bar.close).collect()
}

fn momentum(recent: &[Candle]) -> Option<f64> {
    let closes = closes(recent);
    let spread = (mean_of_last(&closes, 5)? - mean_of_last(&closes, 20)?) / closes.last()?;
    Some(5.0 * spread + 10.0 * mean_of_last(&returns(recent), 5)?)
}

fn reversion(recent: &[Candle]) -> Option<f64> {
    let closes = closes(recent);
    let usual = mean_of_last(&closes, 20)?;
    let moves: Vec<f64> = closes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let part = |sign: f64| moves.iter().map(|step| (sign * step).max(0.0)).collect::<Vec<f64>>();
    let (gain, loss) = (mean_of_last(&part(1.0), 14)?, mean_of_last(&part(-1.0), 14)?);
    let rsi = 100.0 - 100.0 / (1.0 + gain / loss);
    Some(3.0 * (50.0 - rsi) / 50.0 - 5.0 * (closes.last()? - usual) / usual)
}

fn damped_momentum(recent: &[Candle]) -> Option<f64> {
    let returns = returns(recent);
    let last_ten = returns.get(returns.len().checked_sub(10)?..)?;
    Some(10.0 * mean_of_last(&returns, 3)? / (1.0 + sample_deviation(last_ten)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_histories_have_no_labels_and_no_signal() {
        let history = vec![Candle::at(100.0); 100];
        assert!(labels(&history).iter().all(Option::is_none));
        assert_eq!(labels(&[]), []);
        for regime in Regime::ALL {
            assert!(training_signal(regime, &history[..19]).abs() < 1e-15);
            assert!(training_set(&history, &labels(&history), regime).is_empty());
        }
    }

    #[test]
    fn a_rise_is_followed_where_it_trends_and_faded_where_it_ranges() {
        let rising: Vec<Candle> = (0..40).map(|at| Candle::at(100.0 + f64::from(at))).collect();
        assert!(training_signal(Regime::Trending, &rising) > 0.1);
        assert!(training_signal(Regime::Volatile, &rising) > 0.1);
        assert!(training_signal(Regime::Crisis, &rising) > 0.05);
        assert!(training_signal(Regime::Ranging, &rising) < -3.0, "all gains: the index is 100");
    }
}
