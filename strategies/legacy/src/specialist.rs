//! The original's specialist: eight genes and what they decide on entry and exit.

/// The side a specialist wants to be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Hold nothing.
    Flat,
    /// Hold a long position.
    Long,
    /// Hold a short position.
    Short,
}

/// The smallest and the largest share of capital a trade is worth.
const SIZE: (f64, f64) = (0.01, 0.10);

/// Eight genes, as the genetic algorithm wrote them: raw numbers, from 0 to 1 except in the first encoding.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Genome {
    /// Loss at which a position is closed, as a fraction of its entry price.
    pub stop_loss: f64,
    /// Gain at which a position is closed, as a fraction of its entry price.
    pub take_profit: f64,
    /// Numerator of the size.
    pub position_size: f64,
    /// Smallest signal, without its sign, that enters.
    pub entry_threshold: f64,
    /// Signal, without its sign, below which a position is closed.
    pub exit_threshold: f64,
    /// Share of 14 days after which a position is closed.
    pub max_hold_time: f64,
    /// Denominator of the size, beside the range of a bar.
    pub volatility_scaling: f64,
    /// Above a half the size grows with momentum, else it shrinks against it.
    pub momentum_weight: f64,
}

impl From<[f64; 8]> for Genome {
    /// In the order the original keeps its vectors in.
    fn from(genes: [f64; 8]) -> Self {
        let [
            stop_loss,
            take_profit,
            position_size,
            entry_threshold,
            exit_threshold,
            max_hold_time,
            volatility_scaling,
            momentum_weight,
        ] = genes;
        Self {
            stop_loss,
            take_profit,
            position_size,
            entry_threshold,
            exit_threshold,
            max_hold_time,
            volatility_scaling,
            momentum_weight,
        }
    }
}

/// An open position of the specialist's own backtest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holding {
    /// Which side.
    pub side: Target,
    /// Price it was entered at.
    pub entry: f64,
    /// Share of capital.
    pub size: f64,
    /// Bars it was held, the bar of its entry included.
    pub bars: u32,
}

impl Holding {
    /// What a close at `close` would earn, as a fraction of the entry price.
    #[must_use]
    pub fn earned(&self, close: f64) -> f64 {
        let direction = match self.side {
            Target::Long => 1.0,
            Target::Flat => 0.0,
            Target::Short => -1.0,
        };
        direction * (close - self.entry) / self.entry
    }
}

impl Genome {
    /// Days after which a position is closed: the gene's share of 14, at least one.
    #[must_use]
    pub fn hold_days_max(&self) -> f64 {
        (14.0 * self.max_hold_time).floor().max(1.0)
    }

    /// The side and the share of capital a flat specialist enters with; `None` where the signal is too small.
    ///
    /// `range` is the mean of high minus low and `momentum` the mean of the last daily returns, NaN where they are
    /// missing. A signal of exactly nothing that is large enough sells, and a size without a range is NaN: both
    /// are what the original does.
    #[must_use]
    pub fn entry(&self, signal: f64, close: f64, range: f64, momentum: f64) -> Option<(Target, f64)> {
        if signal.abs() < self.entry_threshold {
            return None;
        }
        let side = if signal > 0.0 { Target::Long } else { Target::Short };
        let (smallest, largest) = SIZE;
        let size =
            (self.position_size / (self.volatility_scaling * (range / close))).clamp(smallest, largest);
        let weight = self.momentum_weight;
        let factor = match weight > 0.5 {
            true if momentum.abs() > 0.01 => 1.0 + 0.5 * weight,
            false if momentum.abs() > 0.02 => 1.0 - 0.3 * (1.0 - weight),
            true | false => 1.0,
        };
        Some((side, (size * factor).clamp(smallest, largest)))
    }

    /// Whether `holding` is closed at `close`, told `signal`.
    #[must_use]
    pub fn leaves(&self, holding: &Holding, signal: f64, close: f64) -> bool {
        let earned = holding.earned(close);
        let turned = match holding.side {
            Target::Long => signal < -0.3,
            Target::Short => signal > 0.3,
            Target::Flat => false,
        };
        earned <= -self.stop_loss
            || earned >= self.take_profit
            || signal.abs() < self.exit_threshold
            || turned
            || f64::from(holding.bars) >= self.hold_days_max()
    }
}

/// The specialists of an ensemble, by the regime each was trained for. Nobody was trained for crisis.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Specialists {
    /// Serves volatile and crisis.
    pub volatile: Genome,
    /// Serves trending.
    pub trending: Genome,
    /// Serves ranging.
    pub ranging: Genome,
}

/// The three specialists of the published run (fitness 75.60, 47.55 and 6.99 by its own account): what the
/// original saved on 2025-11-08 as `conductor_enhanced_volatile_20251108_111639`, `…_trending_20251108_114301`
/// and `…_ranging_20251108_141359`. None of the vectors reproduces its reported fitness.
pub const PUBLISHED: Specialists = Specialists {
    volatile: Genome {
        stop_loss: 0.8600517208650622,
        take_profit: 0.8305268864763462,
        position_size: 0.4908353202581208,
        entry_threshold: 0.0,
        exit_threshold: 0.45088691693207894,
        max_hold_time: 0.11160931534159213,
        volatility_scaling: 0.7980653383248812,
        momentum_weight: 0.8124015253735991,
    },
    trending: Genome {
        stop_loss: 0.46661313170668683,
        take_profit: 0.3322907363745715,
        position_size: 0.8046490208330833,
        entry_threshold: 0.7912825986198087,
        exit_threshold: 0.5651728590688546,
        max_hold_time: 0.3058527197815192,
        volatility_scaling: 0.9718191805313241,
        momentum_weight: 0.255093040638927,
    },
    ranging: Genome {
        stop_loss: 0.0,
        take_profit: 0.0,
        position_size: 0.0,
        entry_threshold: 0.1848801035337498,
        exit_threshold: 0.3917754274303952,
        max_hold_time: 0.16118845500927284,
        volatility_scaling: 0.3061959753882229,
        momentum_weight: 0.0,
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    fn genome() -> Genome {
        Genome::from([0.02, 0.1, 0.04, 0.5, 0.1, 0.2, 1.0, 0.8])
    }

    #[test]
    fn a_small_signal_enters_nothing_and_nothing_at_all_sells_where_the_threshold_is_nothing() {
        assert_eq!(genome().entry(0.49, 100.0, 4.0, 0.0), None);
        let eager = Genome { entry_threshold: 0.0, ..genome() };
        assert_eq!(eager.entry(0.0, 100.0, 4.0, 0.0).unwrap().0, Target::Short);
        assert!(eager.entry(1.0, 100.0, f64::NAN, 0.0).unwrap().1.is_nan());
    }

    #[test]
    fn sizes_stay_between_one_and_ten_per_cent() {
        let size = |range: f64| genome().entry(1.0, 100.0, range, 0.0).unwrap().1;
        for (range, expected) in [(0.0, 0.1), (4.0, 0.1), (80.0, 0.05), (5000.0, 0.01)] {
            assert!((size(range) - expected).abs() < 1e-12, "{range}: {}", size(range));
        }
        let shy = Genome { momentum_weight: 0.5, ..genome() };
        let (_, shrunk) = shy.entry(1.0, 100.0, 80.0, -0.03).unwrap();
        assert!((shrunk - 0.05 * 0.85).abs() < 1e-12);
        let (_, grown) = genome().entry(1.0, 100.0, 80.0, 0.03).unwrap();
        assert!((grown - 0.05 * 1.4).abs() < 1e-12);
    }

    #[test]
    fn each_way_out_is_taken() {
        let long = Holding { side: Target::Long, entry: 100.0, size: 0.1, bars: 1 };
        assert!(!genome().leaves(&long, 0.5, 101.0));
        assert!(genome().leaves(&long, 0.5, 98.0), "stop");
        assert!(genome().leaves(&long, 0.5, 110.0), "target");
        assert!(genome().leaves(&long, 0.05, 101.0), "weak signal");
        assert!(genome().leaves(&long, -0.31, 101.0), "reversal");
        assert!(genome().leaves(&Holding { bars: 2, ..long }, 0.5, 101.0), "two days are over");
        let short = Holding { side: Target::Short, ..long };
        assert!(genome().leaves(&short, 0.5, 99.0) && !genome().leaves(&short, 0.3, 99.0));
    }
}
