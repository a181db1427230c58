//! What holds for every indicator: no NaN whatever comes, and forgetting is starting anew.

use proptest::prelude::*;

use super::*;
use crate::knowledge::{Knowledge, Learned};

/// An indicator reduced to what the laws speak of: the numbers it gives for a bar.
trait Any: Clone + PartialEq + core::fmt::Debug + Learned {
    fn numbers(&mut self, bar: &Candle) -> Option<Vec<f64>>;
    fn anew(&mut self);
}

macro_rules! any {
    ($name:ty, $self:ident, $bar:ident, $numbers:expr) => {
        impl Any for $name {
            fn numbers(&mut $self, $bar: &Candle) -> Option<Vec<f64>> {
                $numbers
            }
            fn anew(&mut self) {
                self.forget();
            }
        }
    };
}

any!(Adx, self, bar, self.learn(bar).map(|found| vec![found.adx, found.plus, found.minus]));
any!(Atr, self, bar, self.learn(bar).map(|range| vec![range]));
any!(Rsi, self, bar, self.learn(bar.close).map(|index| vec![index]));
any!(Sma, self, bar, self.learn(bar.close).map(|mean| vec![mean]));
any!(ExponentialMean, self, bar, self.learn(bar.close).map(|mean| vec![mean]));
any!(ExponentialVariance, self, bar, self.learn(bar.close).map(|variance| vec![variance]));
any!(RollingMoments, self, bar, self.learn(bar.close).map(|it| vec![it.mean, it.deviation]));
any!(RealisedVolatility, self, bar, self.learn(bar.close).map(|volatility| vec![volatility]));
any!(EfficiencyRatio, self, bar, self.learn(bar.close).map(|ratio| vec![ratio]));
any!(Ewmac, self, bar, self.learn(bar.close).map(|crossover| vec![crossover]));
any!(
    Donchian,
    self,
    bar,
    self.learn(bar.high, bar.low).map(|it| vec![it.high, it.low, it.position(bar.close)])
);
any!(
    Tsmom,
    self,
    bar,
    self.learn(bar.close).map(|it| vec![it.growth, it.normalised(0.01), it.normalised(0.0)])
);

any!(RollingMaximum, self, bar, self.learn(bar.high).map(|highest| vec![highest]));
any!(LogReturn, self, bar, self.learn(bar.close).map(|growth| vec![growth]));
any!(TrueRange, self, bar, self.learn(bar).map(|range| vec![range]));

impl Any for OrderStatistics {
    fn numbers(&mut self, bar: &Candle) -> Option<Vec<f64>> {
        if bar.close.is_finite() {
            self.push(bar.close);
        } else {
            self.push_missing();
        }
        Some(vec![self.median()?, self.quantile(0.3)?])
    }

    fn anew(&mut self) {
        self.clear();
    }
}

/// Prices an instrument can state, prices that stand still, and numbers that are no prices.
fn price() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => 90.0_f64..110.0,
        4 => Just(100.0),
        1 => 1e-18_f64..1e-15,
        1 => 1e15_f64..1e19,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e300, 1e-300]),
    ]
}

fn candles() -> impl Strategy<Value = Vec<Candle>> {
    let candle =
        (price(), price(), price(), price(), 0.0_f64..1e9).prop_map(|(open, a, b, close, volume)| {
            let (high, low) = (open.max(a).max(b).max(close), open.min(a).min(b).min(close));
            Candle { open, high, low, close, volume }
        });
    prop::collection::vec(candle, 1..120)
}

fn check<A: Any>(fresh: &A, bars: &[Candle]) {
    let mut indicator = fresh.clone();
    let first: Vec<_> = bars.iter().map(|bar| indicator.numbers(bar)).collect();
    for numbers in first.iter().flatten() {
        assert!(numbers.iter().all(|number| number.is_finite()), "{indicator:?} gave {numbers:?}");
    }
    indicator.anew();
    assert_eq!(&indicator, fresh);
    let second: Vec<_> = bars.iter().map(|bar| indicator.numbers(bar)).collect();
    assert_eq!(first, second);
}

/// Taken up after any bar, it gives what it would have given, and knows the same at the end, byte for byte.
fn check_taken_up<A: Any>(fresh: &A, bars: &[Candle], at: usize) {
    let mut whole = fresh.clone();
    let (past, rest) = bars.split_at(at);
    past.iter().for_each(|bar| drop(whole.numbers(bar)));
    let knowledge = Knowledge::of(&whole).unwrap();
    let mut taken_up = fresh.clone();
    knowledge.recall(&mut taken_up).unwrap();
    assert_eq!(Knowledge::of(&taken_up).unwrap(), knowledge);
    let bits =
        |numbers: Option<Vec<f64>>| numbers.map(|all| all.iter().map(|it| it.to_bits()).collect::<Vec<_>>());
    for bar in rest {
        assert_eq!(
            bits(taken_up.numbers(bar)),
            bits(whole.numbers(bar)),
            "{fresh:?} taken up after {at} bars"
        );
    }
    assert_eq!(Knowledge::of(&taken_up), Knowledge::of(&whole));
}

/// The first bar that has a value, counted from 1, when the price stands still.
fn warm_at<A: Any>(fresh: &A) -> usize {
    let mut indicator = fresh.clone();
    (1..200).find(|_| indicator.numbers(&Candle::at(42.0)).is_some()).unwrap_or_default()
}

/// Every indicator, of one length, put through `law`.
macro_rules! each {
    ($length:expr, $law:ident, $($more:expr),*) => {{
        let (length, size) = ($length, $length as usize);
        $law(&Adx::new(length), $($more),*);
        $law(&Atr::wilder(length), $($more),*);
        $law(&Atr::simple(size), $($more),*);
        $law(&Rsi::new(length), $($more),*);
        $law(&Sma::new(size), $($more),*);
        for weighting in [Weighting::Adjusted, Weighting::Recursive, Weighting::Seeded] {
            $law(&ExponentialMean::of_span(length, weighting, length), $($more),*);
        }
        $law(&ExponentialVariance::of_span(length, length), $($more),*);
        $law(&RollingMoments::new(size), $($more),*);
        $law(&RealisedVolatility::new(size, 365.0), $($more),*);
        $law(&EfficiencyRatio::new(size), $($more),*);
        $law(&Ewmac::new(length, 4 * length, 4 * length), $($more),*);
        $law(&Donchian::new(size), $($more),*);
        $law(&Tsmom::new(size), $($more),*);
        $law(&OrderStatistics::new(size), $($more),*);
        $law(&RollingMaximum::new(size), $($more),*);
        $law(&LogReturn::default(), $($more),*);
        $law(&TrueRange::default(), $($more),*);
    }};
}

proptest! {
    #[test]
    fn no_bar_makes_an_indicator_lose_its_numbers(bars in candles(), length in 1_u32..30) {
        each!(length, check, bars.as_slice());
    }

    #[test]
    fn an_indicator_taken_up_after_any_bar_goes_on_as_if_it_had_not_stopped(
        bars in candles(),
        length in 1_u32..30,
        at in any::<prop::sample::Index>(),
    ) {
        each!(length, check_taken_up, bars.as_slice(), at.index(bars.len() + 1));
    }
}

#[test]
fn each_says_when_it_is_warm() {
    assert_eq!(warm_at(&Adx::new(14)), 28);
    assert_eq!(warm_at(&Atr::wilder(14)), 14);
    assert_eq!(warm_at(&Atr::simple(14)), 14);
    assert_eq!(warm_at(&Rsi::new(14)), 15);
    assert_eq!(warm_at(&Sma::new(20)), 20);
    assert_eq!(warm_at(&ExponentialMean::ema(20)), 20);
    assert_eq!(warm_at(&ExponentialVariance::of_span(20, 20)), 20);
    assert_eq!(warm_at(&RollingMoments::new(20)), 20);
    assert_eq!(warm_at(&RealisedVolatility::new(20, 365.0)), 21);
    assert_eq!(warm_at(&EfficiencyRatio::new(20)), 21);
    assert_eq!(warm_at(&Ewmac::new(8, 32, 32)), 32);
    assert_eq!(warm_at(&Donchian::new(20)), 20);
    assert_eq!(warm_at(&Tsmom::new(20)), 21);
}
