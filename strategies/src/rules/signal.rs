//! From the four rules to calls.
//!
//! While nothing is wanted, a true entry rule enters. While a side is wanted, its exit rule or the other side's entry rule
//! ends it. A rule that is not known does nothing, and neither do two entry rules that are true at once. A position that a
//! stop or a profit target closed is entered again as soon as the entry rule is true.

use engine_core::indicator::Candle;
use engine_core::instrument::Instrument;

use super::program::Program;
use super::tree::Truth;
use crate::sample::Sample;
use crate::signal::{Call, Renewal, Signal, Target};

/// The rules of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideRules {
    /// When to enter; never when absent.
    pub enter: Option<Truth>,
    /// When to leave; only for the other side or by exits when absent.
    pub exit: Option<Truth>,
}

/// What the rules of one side say of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    enters: bool,
    exits: bool,
}

/// Four rules on one market, and the side they last called for.
#[derive(Debug)]
pub struct RuleSignal {
    program: Program,
    reads_volume: bool,
    rules: Instrument,
    target: Target,
    /// Whether the entry rule of the wanted side was true at the sample before.
    entered: bool,
}

impl RuleSignal {
    /// The rules of both sides for the market with these `rules`, before the first sample.
    #[must_use]
    pub fn new(long: &SideRules, short: &SideRules, rules: Instrument) -> Self {
        let never = Truth::Constant(false);
        let all = [&long.enter, &long.exit, &short.enter, &short.exit];
        let program = Program::new(&all.map(|rule| rule.as_ref().unwrap_or(&never)));
        let reads_volume = program.reads_volume();
        Self { program, reads_volume, rules, target: Target::Flat, entered: false }
    }

    /// The sample in plain numbers; its volume, of 128 bits, only where a rule reads it.
    fn candle(&self, sample: &Sample) -> Candle {
        let volume = if self.reads_volume { self.rules.qty_decimal(sample.volume).to_f64() } else { 0.0 };
        Candle {
            open: self.rules.price_f64(sample.open),
            high: self.rules.price_f64(sample.high),
            low: self.rules.price_f64(sample.low),
            close: self.rules.price_f64(sample.close),
            volume,
        }
    }

    /// What rules `enter` and `exit` say; a side that is to be entered and left at once is not entered.
    fn said(&self, enter: usize, exit: usize) -> Said {
        let is_true = |rule| self.program.rule(rule) == Some(true);
        let exits = is_true(exit);
        Said { enters: is_true(enter) && !exits, exits }
    }
}

impl Signal for RuleSignal {
    engine_core::can_be_taken_up!();

    const ENTERS_AGAIN: bool = true;

    fn learn(&mut self, sample: &Sample) -> Option<Call> {
        let candle = self.candle(sample);
        self.program.learn(&candle);
        let (long, short) = (self.said(0, 1), self.said(2, 3));
        let (enters_long, enters_short) = match (long.enters, short.enters) {
            (true, true) => (false, false),
            one => one,
        };
        let leaves = match self.target {
            Target::Flat => false,
            Target::Long => long.exits,
            Target::Short => short.exits,
        };
        let wanted = match self.target {
            _ if enters_long => Target::Long,
            _ if enters_short => Target::Short,
            _ if leaves => Target::Flat,
            Target::Flat | Target::Long | Target::Short => self.target,
        };
        let enters = enters_long || enters_short;
        let was_true = core::mem::replace(&mut self.entered, enters) && wanted == self.target;
        let renewal = match (wanted == self.target, was_true) {
            (true, _) if !enters => return None,
            (true, true) => Renewal::EnterUnlessRefused,
            (true, false) => Renewal::Enter,
            (false, _) => Renewal::Keep,
        };
        let because = match (wanted, core::mem::replace(&mut self.target, wanted)) {
            (Target::Long, _) => "enter_long is true",
            (Target::Short, _) => "enter_short is true",
            (Target::Flat, Target::Short) => "exit_short is true",
            (Target::Flat, Target::Flat | Target::Long) => "exit_long is true",
        };
        Some(Call { target: wanted, renewal, because })
    }
}

engine_core::learned!(RuleSignal { settings: [rules], values: [target, entered], parts: [program] });

#[cfg(test)]
mod tests {
    use engine_core::num::{Money, Price, Qty};

    use super::*;
    use crate::rules::parser::parse;

    fn calls(rules: [&str; 4], closes: &[i64]) -> Vec<(usize, Target, Renewal)> {
        let [long, exit_long, short, exit_short] =
            rules.map(|text| (!text.is_empty()).then(|| parse(text).unwrap()));
        let market = Instrument {
            venue: "test".into(),
            symbol: "X".into(),
            price_decimals: 1,
            qty_decimals: 0,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: Money::ZERO,
        };
        let long = SideRules { enter: long, exit: exit_long };
        let mut signal = RuleSignal::new(&long, &SideRules { enter: short, exit: exit_short }, market);
        let samples = closes.iter().map(|close| Sample::at(Price::from_units(close * 10)));
        let calls = samples
            .enumerate()
            .filter_map(|(at, sample)| signal.learn(&sample).map(|call| (at, call.target, call.renewal)));
        calls.collect()
    }

    #[test]
    fn entries_exits_and_reversals_follow_their_rules() {
        use Renewal::{Enter, EnterUnlessRefused, Keep};
        let long = ["close > 5", "close < 3", "", ""];
        assert_eq!(
            calls(long, &[6, 7, 4, 6, 2, 1, 6]),
            [
                (0, Target::Long, Keep),
                (1, Target::Long, EnterUnlessRefused),
                (3, Target::Long, Enter),
                (4, Target::Flat, Keep),
                (6, Target::Long, Keep)
            ]
        );
        let both = ["close > 5", "", "close < 3", "close == 4"];
        assert_eq!(
            calls(both, &[4, 6, 4, 2, 4, 6, 2]),
            [
                (1, Target::Long, Keep),
                (3, Target::Short, Keep),
                (4, Target::Flat, Keep),
                (5, Target::Long, Keep),
                (6, Target::Short, Keep)
            ]
        );
    }

    #[test]
    fn what_contradicts_itself_or_is_not_known_does_nothing() {
        assert_eq!(calls(["close > 1", "", "close > 2", ""], &[3, 4]), []);
        assert_eq!(calls(["close > 1", "close > 2", "", ""], &[3, 2, 3]).len(), 2);
        assert_eq!(calls(["close > 1 and sma(3) > 0", "", "", ""], &[9, 9]), []);
        assert_eq!(calls(["close > 1 or sma(3) > 0", "", "", ""], &[9, 9, 9]).first().unwrap().0, 2);
    }
}
