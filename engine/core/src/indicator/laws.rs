//! What holds for every indicator: no NaN whatever comes, and forgetting is starting anew.

use proptest::prelude::*;

use super::*;

/// An indicator reduced to what the laws speak of: the numbers it gives for a bar.
trait Any: Clone + PartialEq + core::fmt::Debug {
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

/// The first bar that has a value, counted from 1, when the price stands still.
fn warm_at<A: Any>(fresh: &A) -> usize {
    let mut indicator = fresh.clone();
    (1..200).find(|_| indicator.numbers(&Candle::at(42.0)).is_some()).unwrap_or_default()
}

proptest! {
    #[test]
    fn no_bar_makes_an_indicator_lose_its_numbers(bars in candles(), length in 1_u32..30) {
        let bars = bars.as_slice();
        let size = length as usize;
        check(&Adx::new(length), bars);
        check(&Atr::wilder(length), bars);
        check(&Atr::simple(size), bars);
        check(&Rsi::new(length), bars);
        check(&Sma::new(size), bars);
        for weighting in [Weighting::Adjusted, Weighting::Recursive, Weighting::Seeded] {
            check(&ExponentialMean::of_span(length, weighting, length), bars);
        }
        check(&ExponentialVariance::of_span(length, length), bars);
        check(&RollingMoments::new(size), bars);
        check(&RealisedVolatility::new(size, 365.0), bars);
        check(&EfficiencyRatio::new(size), bars);
        check(&Ewmac::new(length, 4 * length, 4 * length), bars);
        check(&Donchian::new(size), bars);
        check(&Tsmom::new(size), bars);
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
