//! The figures of a recorded run, folded from its events and the market records beside them.
//!
//! They are those the backtest itself answered, but for exposure, which counts orders as filled when their bar opens, and
//! for the price changes of single instruments, which are not folded.

use std::path::PathBuf;

use engine_core::envelope::Seq;
use engine_core::halt::HaltReason;
use engine_core::time::Timestamp;
use replay_replayer::trace::trace;
use replay_simulation::series_feed::OpenDatasets;
use replay_statistics::{BuyAndHold, Recorded, Statistics};

use super::closed_trades::closed_trades;
use super::error::ApplicationError;
use super::recording::Recording;

/// What a recorded run came to.
#[derive(Debug, Clone)]
pub struct RunFigures {
    /// Its figures.
    pub statistics: Statistics,
    /// Halts of trading, with their moments.
    pub halts: Vec<(Timestamp, HaltReason)>,
}

/// Every figure of `recording`; datasets lie in `given`, or where the run noted them.
///
/// # Errors
/// [`ApplicationError`] when run or datasets cannot be read.
pub fn run_figures(recording: &Recording, given: &[PathBuf]) -> Result<RunFigures, ApplicationError> {
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(given, &mut datasets)?;
    let bought_at = recording.all_have_prices_at(&source)?;
    let fee = recording.settings().costs.taker_share();
    let envelopes = recording.reader.envelopes(Seq::FIRST)?;
    let traced = trace(recording.opening_state()?, (fee, bought_at), &mut source, envelopes)?;
    let trades = closed_trades(recording, given)?;
    let nothing = BuyAndHold::new(traced.equity.capital(), 0, 0.0, Timestamp::MIN);
    let recorded = Recorded { equity: &traced.equity, trades: &trades, reference: &nothing };
    let mut statistics = Statistics::of(&recorded);
    let (capital, held) = (traced.holding.capital(), traced.holding.final_equity());
    // Buying and holding was traced apart, so its return is known here and not where the statistics were made.
    if capital > 0.0 {
        statistics.performance.buy_and_hold_return_pct = Some((held / capital - 1.0) * 100.0);
        statistics.undefined.remove("buy_and_hold_return_pct");
    }
    Ok(RunFigures { statistics, halts: traced.halts })
}
