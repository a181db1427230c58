//! What is recorded of a run does not depend on how much of it is drawn.

use engine_core::intent::Size;
use engine_core::market::Side;
use engine_core::num::Qty;
use engine_core::order::{Posting, Reach, TimeInForce};
use journal_store::memory_journal::DigestJournal;
use proptest::prelude::*;
use replay_simulation::backtest::recorder::{RunRecorder, Silent};
use replay_simulation::config::{Costs, FillModel};

use super::market::Move;
use super::script::{Act, Kind, Line, Wish};
use super::{Case, cases, law, loose};

const BAR_MODELS: [FillModel; 2] = [FillModel::NextOpen, FillModel::SameClose];

/// Bars of a stretched market: more than an equity curve keeps, so that its points begin to stand for several.
const BARS: usize = 15_000;
/// Messages from one order at the market to the next, give or take.
const TRADED_EVERY: usize = 17;

/// The same case over and over, in and out of the market by turns, with prices that stand still half of the time;
/// `free` of costs, equity then stands still while positions come and go.
fn stretched(case: &Case, free: bool) -> Case {
    let steps = case.moves.iter().cycle().take(BARS).enumerate();
    let still = |place: usize| place % 60 >= 30;
    let moves =
        steps.map(|(place, step)| if still(place) { Move { drift: 0, spread: 1, ..*step } } else { *step });
    let turns = (0..2 * BARS / TRADED_EVERY).map(|turn| Line {
        after: turn * TRADED_EVERY + turn % 5 + 1,
        act: Act::Place(turn_of_the_market(turn % 2 == 0)),
    });
    let lines = case.lines.iter().copied().chain(turns).collect();
    let costs = if free { Costs::default() } else { case.costs };
    Case { moves: moves.collect(), lines, costs, limits: loose(), ..case.clone() }
}

fn turn_of_the_market(enters: bool) -> Wish {
    Wish {
        instrument: 0,
        side: if enters { Side::Buy } else { Side::Sell },
        size: if enters { Size::Units(Qty::from_units(100)) } else { Size::Position },
        kind: Kind::Market,
        tif: TimeInForce::Gtc,
        posting: Posting::Any,
        reach: Reach::Any,
        bracket: None,
    }
}

/// Equity and trades as a recorder has them that expects `total` market records.
fn recorded(case: &Case, total: u64) -> (String, String) {
    let config = case.config();
    let mut silent = Silent;
    let mut recorder = RunRecorder::new(
        &config.instruments,
        config.capital,
        (0.0, engine_core::time::Timestamp::MIN),
        total,
        &mut silent,
    );
    case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut recorder);
    (format!("{:?}", recorder.equity), format!("{:?} {:?}", recorder.trades.closed(), recorder.counts))
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn fewer_looks_on_charts_leave_equity_and_trades_as_they_are(
        case in cases(&BAR_MODELS), free in any::<bool>(),
    ) {
        let case = stretched(&case, free);
        // A short run is drawn look by look; of a long one most looks are on no chart and go the short way.
        prop_assert_eq!(recorded(&case, 1), recorded(&case, 5_000_000));
    }
}
