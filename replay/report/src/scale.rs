//! Where a value lies on an axis, and which values to write beside it.

/// How values are spread over an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are equally far apart.
    Logarithmic,
}

/// The values an axis shows, from its low end to its high end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) spread: Spread,
}

/// A value with its place on the axis and its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AxisMark {
    /// 0 at the low end, 1 at the high end.
    pub(super) place: f64,
    pub(super) text: String,
}

const TICKS_MAX: f64 = 6.0;

impl Scale {
    /// A scale that shows every value with a little room; `None` without a finite value, or when a
    /// logarithm is asked of values that are not positive.
    pub(super) fn over(values: impl Iterator<Item = f64>, spread: Spread) -> Option<Self> {
        let finite = values.filter(|value| value.is_finite());
        let range = finite.fold(None, |range: Option<(f64, f64)>, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        let (low, high) = range?;
        let scale = match spread {
            Spread::Linear => {
                let room = if high > low { (high - low) * 0.04 } else { (high.abs() * 0.01).max(1e-9) };
                Self { low: low - room, high: high + room, spread }
            }
            Spread::Logarithmic => {
                let room = libm::pow(high / low, 0.04).max(1.01);
                Self { low: low / room, high: high * room, spread }
            }
        };
        (spread == Spread::Linear || low > 0.0).then_some(scale)
    }

    /// The place of `value`: 0 at the low end, 1 at the high end.
    pub(super) fn place(&self, value: f64) -> f64 {
        match self.spread {
            Spread::Linear => (value - self.low) / (self.high - self.low),
            Spread::Logarithmic => libm::log(value / self.low) / libm::log(self.high / self.low),
        }
    }

    /// At most about six round values within the scale.
    pub(super) fn marks(&self) -> Vec<AxisMark> {
        let values = match self.spread {
            Spread::Logarithmic if self.high / self.low > 8.0 => self.decades(),
            Spread::Logarithmic | Spread::Linear => self.steps(),
        };
        let step = values.windows(2).map(|pair| match pair {
            [first, second] => second - first,
            _ => f64::MAX,
        });
        let step = step.fold(f64::MAX, f64::min);
        let top = values.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
        let tick = |value: &f64| AxisMark { place: self.place(*value), text: compact(*value, step, top) };
        values.iter().map(tick).collect()
    }

    fn steps(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / TICKS_MAX;
        let power = libm::pow(10.0, libm::log10(rough).floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|count| count as f64 * step).collect()
    }

    fn decades(&self) -> Vec<f64> {
        let decades = libm::log10(self.high / self.low);
        let factors: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let first = libm::log10(self.low).floor() as i32;
        let last = libm::log10(self.high).ceil() as i32;
        let powers = (first..=last).map(|exponent| libm::pow(10.0, f64::from(exponent)));
        let values = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
        values.filter(|value| (self.low..=self.high).contains(value)).collect()
    }
}

/// A value short enough for an axis, with as many decimals as tell it from a neighbour `step` away; `top` is
/// the largest value beside it.
fn compact(value: f64, step: f64, top: f64) -> String {
    let (unit, suffix) = match top {
        top if top >= 1e9 => (1e9, "bn"),
        top if top >= 1e6 => (1e6, "M"),
        top if top >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let finest = step / unit;
    let places = (0..9).find(|places| finest * libm::pow(10.0, f64::from(*places)) >= 0.999_999);
    let places = usize::try_from(places.unwrap_or(9)).unwrap_or(9);
    let text = format!("{:.places$}", value.abs() / unit);
    let sign = if value < 0.0 && text.bytes().any(|digit| matches!(digit, b'1'..=b'9')) { "−" } else { "" };
    format!("{sign}{text}{suffix}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(low: f64, high: f64, spread: Spread) -> Vec<String> {
        Scale { low, high, spread }.marks().into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn ticks_are_round_and_short() {
        assert_eq!(
            texts(950_000.0, 1_045_000.0, Spread::Linear),
            ["0.96M", "0.98M", "1.00M", "1.02M", "1.04M"]
        );
        assert_eq!(texts(-12.0, 0.5, Spread::Linear), ["−10", "−5", "0"]);
        assert_eq!(texts(90.0, 2_100.0, Spread::Logarithmic), ["100", "200", "500", "1000", "2000"]);
        assert_eq!(texts(0.101, 0.119, Spread::Linear), ["0.105", "0.110", "0.115"]);
    }

    #[test]
    fn what_cannot_be_drawn_has_no_scale() {
        assert_eq!(Scale::over([].into_iter(), Spread::Linear), None);
        assert_eq!(Scale::over([f64::NAN].into_iter(), Spread::Linear), None);
        assert_eq!(Scale::over([-1.0, 4.0].into_iter(), Spread::Logarithmic), None);
        assert!(Scale::over([7.0].into_iter(), Spread::Linear).is_some());
    }

    proptest! {
        #[test]
        fn every_value_and_every_tick_lies_on_the_axis(
            values in prop::collection::vec(1.0e-6_f64..1.0e9, 1..20), linear in any::<bool>(),
        ) {
            let spread = if linear { Spread::Linear } else { Spread::Logarithmic };
            let scale = Scale::over(values.iter().copied(), spread).unwrap();
            for value in values {
                prop_assert!((0.0..=1.0).contains(&scale.place(value)));
            }
            let marks = scale.marks();
            prop_assert!(marks.len() <= 14, "{} marks", marks.len());
            for tick in marks {
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&tick.place), "{tick:?}");
            }
        }
    }
}
