//! `ema-cross`: long while the fast exponential average is above the slow one, else flat or short.
//!
//! An average of span `n` moves by `2 / (n + 1)` of the distance to each new price and starts at the first
//! price. It is kept as a double of price units: exact inputs below 2⁵³ units, no division per tick, and the
//! same bits everywhere, because only additions and multiplications are used.

use engine_core::strategy::Strategy;
use serde::Serialize;

use crate::sample::Sample;
use crate::settings::{SettingError, Settings};
use crate::signal::{Call, Renewal, Signal, Target};
use crate::trader::Trader;
use crate::trading::{Direction, RunFacts, Trading};

/// What averages that are exactly equal mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tie {
    /// The same as fast above slow.
    Above,
    /// The same as fast below slow.
    Below,
    /// No change of mind.
    Hold,
}

/// What a bar whose four prices are equal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum FlatBars {
    /// It counts like any other.
    Act,
    /// It moves the averages but decides nothing.
    Skip,
}

/// Settings of `ema-cross`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmaCrossParams {
    /// Span of the fast average in samples.
    pub fast: u32,
    /// Span of the slow average in samples.
    pub slow: u32,
    /// Which sides it may take.
    pub direction: Direction,
    /// The first sample that may decide, counted from 1.
    pub warmup: u32,
    /// Whether bars without any movement decide nothing.
    #[serde(rename = "skip_flat_bars", serialize_with = "skips")]
    pub flat_bars: FlatBars,
    /// What equal averages mean.
    pub tie: Tie,
    /// The settings that all policies share.
    #[serde(flatten)]
    pub trading: Trading,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn skips<S: serde::Serializer>(flat_bars: &FlatBars, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_bool(*flat_bars == FlatBars::Skip)
}

impl EmaCrossParams {
    /// Reads the settings; absent ones are 10, 20, long-only, from the first sample on.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let fast = whole(settings, "fast", 1..=1_000_000, 10)?;
        let slow = whole(settings, "slow", 1..=1_000_000, 20)?;
        if fast >= slow {
            let allowed = format!("less than slow = {slow}");
            return Err(settings.out_of_range("fast", &fast.to_string(), &allowed));
        }
        let skip = settings.flag("skip_flat_bars")?.unwrap_or(false);
        let ties = [("above", Tie::Above), ("below", Tie::Below), ("hold", Tie::Hold)];
        Ok(Self {
            fast,
            slow,
            direction: direction(settings)?,
            warmup: whole(settings, "warmup", 1..=10_000_000, 1)?,
            flat_bars: if skip { FlatBars::Skip } else { FlatBars::Act },
            tie: settings.choice("tie", &ties)?.unwrap_or(Tie::Hold),
            trading: Trading::read(settings)?,
        })
    }

    /// The policy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let trader = Trader::new(&self.trading, self.direction, facts, |_, _| EmaCross::new(self))?;
        Ok(Box::new(trader))
    }
}

/// A whole number of at most 32 bits, or its default.
pub(crate) fn whole(
    settings: &mut Settings<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<u32>,
    default: u32,
) -> Result<u32, SettingError> {
    let wide = u64::from(*range.start())..=u64::from(*range.end());
    let number = settings.whole(key, wide)?;
    Ok(number.and_then(|number| u32::try_from(number).ok()).unwrap_or(default))
}

/// The sides a policy may take; long-only when absent.
pub(crate) fn direction(settings: &mut Settings<'_>) -> Result<Direction, SettingError> {
    let choices = [("long-only", Direction::LongOnly), ("long-short", Direction::LongShort)];
    Ok(settings.choice("direction", &choices)?.unwrap_or(Direction::LongOnly))
}

/// The fast and the slow average, side by side: both move in one step, and a step reads back whole what the one
/// before stored whole. Kept apart, the wait for two half-written words was a tenth of a backtest on trades.
#[derive(Debug, Clone, Copy)]
struct Averages {
    weights: [f64; 2],
    keeps: [f64; 2],
    values: [f64; 2],
}

impl Averages {
    fn new(fast: u32, slow: u32) -> Self {
        let weights = [fast, slow].map(|span| 2.0 / (f64::from(span) + 1.0));
        Self { weights, keeps: weights.map(|weight| 1.0 - weight), values: [0.0; 2] }
    }

    #[inline]
    fn take(&mut self, price: f64) {
        let ([fast, slow], [weight_fast, weight_slow]) = (self.values, self.weights);
        let [keep_fast, keep_slow] = self.keeps;
        self.values = [weight_fast * price + keep_fast * fast, weight_slow * price + keep_slow * slow];
    }
}

/// Two averages and the side they last called for.
#[derive(Debug, Clone)]
pub struct EmaCross {
    averages: Averages,
    seen: u32,
    warmup: u32,
    tie: Tie,
    flat_bars: FlatBars,
    called: Option<Target>,
}

impl EmaCross {
    /// A cross that has seen nothing.
    #[must_use]
    pub fn new(params: &EmaCrossParams) -> Self {
        Self {
            averages: Averages::new(params.fast, params.slow),
            seen: 0,
            warmup: params.warmup,
            tie: params.tie,
            flat_bars: params.flat_bars,
            called: None,
        }
    }

    #[inline]
    fn wanted(&self) -> Option<Target> {
        let [fast, slow] = self.averages.values;
        if fast > slow {
            return Some(Target::Long);
        }
        if fast < slow {
            return Some(Target::Short);
        }
        match self.tie {
            Tie::Above => Some(Target::Long),
            Tie::Below => Some(Target::Short),
            Tie::Hold => self.called,
        }
    }
}

impl Signal for EmaCross {
    engine_core::can_be_taken_up!();

    #[inline]
    fn learn(&mut self, sample: &Sample) -> Option<Call> {
        #[expect(clippy::cast_precision_loss, reason = "an indicator; exact below 2^53 units")]
        let price = sample.close.units() as f64;
        if self.seen == 0 {
            self.averages.values = [price; 2];
        } else {
            self.averages.take(price);
        }
        self.seen = self.seen.saturating_add(1);
        let wanted = self.wanted();
        if wanted == self.called || self.seen < self.warmup {
            return None;
        }
        if self.flat_bars == FlatBars::Skip && sample.is_flat() {
            return None;
        }
        self.called = wanted;
        let because = match wanted? {
            Target::Long => "the fast average is above the slow one",
            Target::Short | Target::Flat => "the fast average is below the slow one",
        };
        wanted.map(|target| Call { target, renewal: Renewal::Keep, because })
    }
}

engine_core::learned!(Averages { settings: [weights], values: [values] });
engine_core::learned!(EmaCross {
    settings: [warmup, tie, flat_bars],
    values: [seen, called],
    parts: [averages]
});

#[cfg(test)]
mod tests {
    use engine_core::num::Price;

    use super::*;

    fn cross(tie: Tie, warmup: u32) -> EmaCross {
        let json = serde_json::json!({ "fast": 2, "slow": 4, "warmup": warmup });
        let table = json.as_object().unwrap();
        let params = EmaCrossParams::read(&mut Settings::new("strategy", table)).unwrap();
        EmaCross::new(&EmaCrossParams { tie, ..params })
    }

    fn calls(mut cross: EmaCross, prices: &[i64]) -> Vec<(usize, Target)> {
        let samples = prices.iter().map(|price| Sample::at(Price::from_units(*price))).enumerate();
        samples.filter_map(|(at, sample)| cross.learn(&sample).map(|call| (at, call.target))).collect()
    }

    #[test]
    fn it_signals_only_on_a_cross() {
        let prices = [100, 110, 120, 90, 80, 100, 130];
        let expected = [(1, Target::Long), (3, Target::Short), (6, Target::Long)];
        assert_eq!(calls(cross(Tie::Hold, 1), &prices), expected);
    }

    #[test]
    fn a_tie_means_what_the_settings_say_and_warmup_waits() {
        assert_eq!(calls(cross(Tie::Above, 1), &[100, 100]), [(0, Target::Long)]);
        assert_eq!(calls(cross(Tie::Below, 1), &[100, 100]), [(0, Target::Short)]);
        assert_eq!(calls(cross(Tie::Hold, 1), &[100, 100]), []);
        assert_eq!(calls(cross(Tie::Hold, 5), &[100, 110, 120, 130, 140]), [(4, Target::Long)]);
    }
}
