//! What doing nothing would have earned: buy at the first mark, hold to the last.

use engine_core::instrument::InstrumentId;
use engine_core::time::Timestamp;

use super::curve::Curve;

#[derive(Debug, Clone, Copy, Default)]
struct Holding {
    first: f64,
    last: f64,
    units: f64,
}

/// Buy-and-hold of every instrument of a run, beside the strategy.
///
/// The capital is divided equally among the instruments. Each part waits in cash until its instrument's
/// first mark, then buys for all of it, the fee paid once out of the part; nothing is sold at the end.
/// Fractions of a lot are allowed.
#[derive(Debug, Clone)]
pub struct BuyAndHold {
    part: f64,
    fee: f64,
    holdings: Vec<Holding>,
    /// Parts still in cash.
    waiting: usize,
    curve: Curve,
}

impl BuyAndHold {
    /// A reference for `instruments` instruments with `capital` in the settlement currency; `fee` is the
    /// share of the notional that buying costs, as in 0.001.
    #[must_use]
    pub fn new(capital: f64, instruments: usize, fee: f64) -> Self {
        let part = capital / instruments.max(1) as f64;
        Self {
            part,
            fee,
            holdings: vec![Holding::default(); instruments],
            waiting: instruments,
            curve: Curve::new(),
        }
    }

    /// Takes note of a price; the first positive one is what the part is bought at.
    #[inline]
    pub fn mark(&mut self, instrument: InstrumentId, price: f64) {
        let Some(holding) = self.holdings.get_mut(instrument.index()) else { return };
        if price > 0.0 {
            if holding.first <= 0.0 {
                self.waiting -= 1;
                holding.first = price;
                holding.units = self.part / (price * (1.0 + self.fee));
            }
            holding.last = price;
        }
    }

    /// Whether every part has been bought: from then on only the marks matter at which the value is asked for.
    #[must_use]
    pub const fn is_invested(&self) -> bool {
        self.waiting == 0
    }

    /// Adds the value at `at` to the curve; call where equity is sampled.
    #[inline]
    pub fn sample(&mut self, at: Timestamp) {
        let value = self.value();
        self.curve.push(at, value);
    }

    /// What the holdings and the parts still waiting are worth.
    #[must_use]
    pub fn value(&self) -> f64 {
        let worth = |holding: &Holding| match holding.first > 0.0 {
            true => holding.units * holding.last,
            false => self.part,
        };
        self.holdings.iter().map(worth).sum()
    }

    /// Return of the whole on the capital: 0.1 is ten per cent; `None` before any mark.
    #[must_use]
    pub fn return_share(&self) -> Option<f64> {
        let capital = self.part * self.holdings.len() as f64;
        let bought = self.holdings.iter().any(|holding| holding.first > 0.0);
        (bought && capital > 0.0).then(|| self.value() / capital - 1.0)
    }

    /// Last mark over first mark, minus one, without any cost; `None` before any mark.
    #[must_use]
    pub fn price_change(&self, instrument: InstrumentId) -> Option<f64> {
        let holding = self.holdings.get(instrument.index()).filter(|holding| holding.first > 0.0)?;
        Some(holding.last / holding.first - 1.0)
    }

    /// The value over time, decimated.
    #[must_use]
    pub const fn curve(&self) -> &Curve {
        &self.curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_waits_for_its_first_mark_and_pays_once() {
        let (first, second) = (InstrumentId::new(0), InstrumentId::new(1));
        let mut reference = BuyAndHold::new(1_000.0, 2, 0.25);
        assert_eq!(reference.return_share(), None);
        reference.mark(first, 10.0);
        assert!((reference.value() - (400.0 + 500.0)).abs() < 1e-12);
        reference.mark(second, 5.0);
        reference.mark(second, 10.0);
        reference.mark(first, 0.0);
        assert!((reference.value() - (400.0 + 800.0)).abs() < 1e-12);
        assert!((reference.return_share().unwrap() - 0.2).abs() < 1e-12);
        assert!((reference.price_change(second).unwrap() - 1.0).abs() < 1e-12);
        reference.mark(InstrumentId::new(9), 3.0);
        assert_eq!(reference.price_change(InstrumentId::new(9)), None);
    }
}
