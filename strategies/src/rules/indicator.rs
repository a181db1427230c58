//! A function at work: an indicator of the core, fed one sample at a time.

use engine_core::indicator::{
    Adx, Atr, Candle, Donchian, EfficiencyRatio, Ewmac, ExponentialMean, ExponentialVariance, LogReturn,
    OrderStatistics, RealisedVolatility, RollingMaximum, RollingMoments, Rsi, Sma, TrueRange, Tsmom,
    Weighting,
};
use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

use super::functions::Function;

/// An indicator with what it remembers, or an operation that remembers nothing.
#[derive(Debug)]
pub(super) enum Indicator {
    Sma(Sma),
    Mean(ExponentialMean),
    Deviation(RollingMoments),
    Variance(ExponentialVariance),
    /// The value below which this share lies; the median by its own definition.
    Ordered(OrderStatistics, Option<f64>),
    Highest(RollingMaximum),
    Lowest(RollingMaximum),
    Rsi(Rsi),
    Efficiency(EfficiencyRatio),
    Volatility(RealisedVolatility),
    Tsmom(Tsmom),
    LogReturn(LogReturn),
    Ewmac(Ewmac),
    TrueRange(TrueRange),
    Atr(Atr),
    Directional(Adx, Direction),
    Channel(Donchian, Edge),
    Abs,
    Min,
    Max,
    Sqrt,
    Ln,
}

/// Which of the directional indicators.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction {
    Strength,
    Plus,
    Minus,
}

/// Which part of a channel.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edge {
    High,
    Low,
    Middle,
}

impl Indicator {
    /// The indicator of `function` with its whole numbers, of which a parser has checked count and bounds.
    pub(super) fn new(function: Function, lengths: &[u32]) -> Self {
        let first = lengths.first().copied().unwrap_or(1);
        let second = lengths.get(1).copied().unwrap_or(1);
        let window = first as usize;
        match function {
            Function::Sma => Self::Sma(Sma::new(window)),
            Function::Ema => Self::Mean(ExponentialMean::ema(first)),
            Function::EmaAdjusted => Self::Mean(ExponentialMean::of_span(first, Weighting::Adjusted, first)),
            Function::Wilder => Self::Mean(ExponentialMean::wilder(first)),
            Function::Stddev => Self::Deviation(RollingMoments::new(window)),
            Function::EmaVariance => Self::Variance(ExponentialVariance::of_span(first, first)),
            Function::Median => Self::Ordered(OrderStatistics::new(window), None),
            Function::Percentile => {
                Self::Ordered(OrderStatistics::new(window), Some(f64::from(second) / 100.0))
            }
            Function::Highest => Self::Highest(RollingMaximum::new(window)),
            Function::Lowest => Self::Lowest(RollingMaximum::new(window)),
            Function::Rsi => Self::Rsi(Rsi::new(first)),
            Function::EfficiencyRatio => Self::Efficiency(EfficiencyRatio::new(window)),
            Function::RealisedVolatility => Self::Volatility(RealisedVolatility::new(window, 1.0)),
            Function::Tsmom => Self::Tsmom(Tsmom::new(window)),
            Function::LogReturn => Self::LogReturn(LogReturn::default()),
            Function::Ewmac => Self::Ewmac(Ewmac::new(first, second, first.max(second))),
            Function::TrueRange => Self::TrueRange(TrueRange::default()),
            Function::Atr => Self::Atr(Atr::wilder(first)),
            Function::AtrSimple => Self::Atr(Atr::simple(window)),
            Function::Adx => Self::Directional(Adx::new(first), Direction::Strength),
            Function::PlusDi => Self::Directional(Adx::new(first), Direction::Plus),
            Function::MinusDi => Self::Directional(Adx::new(first), Direction::Minus),
            Function::DonchianHigh => Self::Channel(Donchian::new(window), Edge::High),
            Function::DonchianLow => Self::Channel(Donchian::new(window), Edge::Low),
            Function::DonchianMiddle => Self::Channel(Donchian::new(window), Edge::Middle),
            Function::Abs => Self::Abs,
            Function::Min => Self::Min,
            Function::Max => Self::Max,
            Function::Sqrt => Self::Sqrt,
            Function::Ln => Self::Ln,
        }
    }

    /// Learns from the sample and the series computed on it; `None` where the answer is not known. A series that is not
    /// known is passed over, as if its sample had not come.
    pub(super) fn learn(&mut self, candle: &Candle, series: &[f64]) -> Option<f64> {
        match self {
            Self::TrueRange(range) => return range.learn(candle),
            Self::Atr(range) => return range.learn(candle),
            Self::Directional(index, direction) => {
                let movement = index.learn(candle)?;
                return Some(match direction {
                    Direction::Strength => movement.adx,
                    Direction::Plus => movement.plus,
                    Direction::Minus => movement.minus,
                });
            }
            Self::Channel(channel, edge) => {
                let channel = channel.learn(candle.high, candle.low)?;
                return Some(match edge {
                    Edge::High => channel.high,
                    Edge::Low => channel.low,
                    Edge::Middle => channel.middle(),
                });
            }
            Self::Sma(_)
            | Self::Mean(_)
            | Self::Deviation(_)
            | Self::Variance(_)
            | Self::Ordered(..)
            | Self::Highest(_)
            | Self::Lowest(_)
            | Self::Rsi(_)
            | Self::Efficiency(_)
            | Self::Volatility(_)
            | Self::Tsmom(_)
            | Self::LogReturn(_)
            | Self::Ewmac(_)
            | Self::Abs
            | Self::Min
            | Self::Max
            | Self::Sqrt
            | Self::Ln => {}
        }
        let value = *series.first()?;
        self.learn_value(value, series.get(1).copied())
    }

    /// The part of [`learn`](Self::learn) for functions of one or two series.
    fn learn_value(&mut self, value: f64, other: Option<f64>) -> Option<f64> {
        match self {
            Self::Sma(mean) => mean.learn(value),
            Self::Mean(mean) => mean.learn(value),
            Self::Deviation(moments) => moments.learn(value).map(|moments| moments.deviation),
            Self::Variance(variance) => variance.learn(value),
            Self::Ordered(ordered, share) => {
                ordered.push(value);
                let known = ordered.is_full().then_some(&*ordered)?;
                share.map_or_else(|| known.median(), |share| known.quantile(share))
            }
            Self::Highest(highest) => highest.learn(value),
            // The smallest is the largest of the opposites.
            Self::Lowest(highest) => highest.learn(-value).map(|highest| -highest),
            Self::Rsi(index) => index.learn(value),
            Self::Efficiency(ratio) => ratio.learn(value),
            Self::Volatility(volatility) => volatility.learn(value),
            Self::Tsmom(momentum) => momentum.learn(value).map(|momentum| momentum.growth),
            Self::LogReturn(growth) => growth.learn(value),
            Self::Ewmac(crossover) => crossover.learn(value),
            Self::Abs => Some(value.abs()),
            Self::Min => other.map(|other| value.min(other)),
            Self::Max => other.map(|other| value.max(other)),
            Self::Sqrt => (value >= 0.0).then(|| value.sqrt()),
            Self::Ln => (value > 0.0).then(|| libm::log(value)),
            Self::TrueRange(_) | Self::Atr(_) | Self::Directional(..) | Self::Channel(..) => None,
        }
    }
}

/// Which function it is, and of how many samples, the step says that calls it.
impl Learned for Indicator {
    fn note(&self, notes: &mut NoteWriter) {
        match self {
            Self::Sma(it) => notes.part(it),
            Self::Mean(it) => notes.part(it),
            Self::Deviation(it) => notes.part(it),
            Self::Variance(it) => notes.part(it),
            Self::Highest(it) => notes.part(it),
            Self::Lowest(it) => notes.part(it),
            Self::Rsi(it) => notes.part(it),
            Self::Efficiency(it) => notes.part(it),
            Self::Volatility(it) => notes.part(it),
            Self::Tsmom(it) => notes.part(it),
            Self::LogReturn(it) => notes.part(it),
            Self::Ewmac(it) => notes.part(it),
            Self::TrueRange(it) => notes.part(it),
            Self::Atr(it) => notes.part(it),
            Self::Ordered(it, _) => notes.part(it),
            Self::Directional(it, _) => notes.part(it),
            Self::Channel(it, _) => notes.part(it),
            Self::Abs | Self::Min | Self::Max | Self::Sqrt | Self::Ln => {}
        }
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        match self {
            Self::Sma(it) => notes.part(it),
            Self::Mean(it) => notes.part(it),
            Self::Deviation(it) => notes.part(it),
            Self::Variance(it) => notes.part(it),
            Self::Highest(it) => notes.part(it),
            Self::Lowest(it) => notes.part(it),
            Self::Rsi(it) => notes.part(it),
            Self::Efficiency(it) => notes.part(it),
            Self::Volatility(it) => notes.part(it),
            Self::Tsmom(it) => notes.part(it),
            Self::LogReturn(it) => notes.part(it),
            Self::Ewmac(it) => notes.part(it),
            Self::TrueRange(it) => notes.part(it),
            Self::Atr(it) => notes.part(it),
            Self::Ordered(it, _) => notes.part(it),
            Self::Directional(it, _) => notes.part(it),
            Self::Channel(it, _) => notes.part(it),
            Self::Abs | Self::Min | Self::Max | Self::Sqrt | Self::Ln => Ok(()),
        }
    }
}
