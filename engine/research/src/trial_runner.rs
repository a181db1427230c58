//! The runner of many backtests on the same datasets, each over a span of its own, none of them kept.

use std::sync::{Mutex, PoisonError};

use engine_core::halt::HaltReason;
use engine_core::num::{MONEY_DECIMALS, Money, Ratio};
use engine_core::strategy::Strategy;
use engine_core::time::Timestamp;
use replay_simulation::backtest::recorder::Silent;
use replay_simulation::backtest::{Participants, manifest};
use replay_simulation::series_feed::{OpenDatasets, open};
use replay_statistics::significance::path::PathFigures;
use replay_statistics::walk_forward::fold::Window;
use strategies::catalogue::Policy;
use strategies::trading::EntrySize;
use strategies::trading_window::TradingWindow;

use super::trial_run::{TrialRun, play_trial};
use engine_application::config::{Available, ResolveError, RunSettings, policy_of, resolve};
use engine_application::wiring::backtest::resolved_settings;
use engine_application::wiring::conductor::conductor;
use engine_application::wiring::error::ApplicationError;
use journal_store::chain::hex;

/// One run to make: `settings` over `window`, with all history before it to learn from and none to trade in.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// What to run; a model must be pinned.
    pub settings: &'a RunSettings,
    /// The span it trades in.
    pub window: Window,
}

/// What one run came to inside its span.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Daily returns from the first day of the span on, or from the first day of the data.
    pub returns: Vec<f64>,
    /// Their figures; `None` below two days.
    pub figures: Option<PathFigures>,
    /// Closed trades.
    pub trades: usize,
    /// Halts of trading, with their moments.
    pub halts: Vec<(Timestamp, HaltReason)>,
    /// The fingerprint of the run.
    pub head: String,
}

/// Datasets that many threads make runs of.
#[derive(Debug)]
pub struct TrialRunner<'a> {
    available: &'a [Available],
    datasets: Mutex<OpenDatasets>,
}

impl<'a> TrialRunner<'a> {
    /// A runner over what is `available` in `datasets`.
    #[must_use]
    pub const fn new(available: &'a [Available], datasets: OpenDatasets) -> Self {
        Self { available, datasets: Mutex::new(datasets) }
    }

    /// Makes one run.
    ///
    /// # Errors
    /// [`ApplicationError`] when settings and data do not fit together or the data cannot be read.
    pub fn run(&self, job: &Job<'_>) -> Result<Ran, ApplicationError> {
        let mut settings = job.settings.clone();
        settings.run.to = Some(job.window.to);
        let played =
            self.play(&settings, |strategy| Box::new(TradingWindow::new(strategy, job.window.from)))?;
        let returns = played.equity.daily_returns_from(job.window.from);
        Ok(Ran::of(played, returns))
    }

    /// Makes the backtest of `settings` as it is; a model must be pinned.
    ///
    /// # Errors
    /// As [`TrialRunner::run`].
    pub fn run_whole(&self, settings: &RunSettings) -> Result<Ran, ApplicationError> {
        let played = self.play(settings, |strategy| strategy)?;
        let returns = played.equity.daily_returns();
        Ok(Ran::of(played, returns))
    }

    fn play(
        &self,
        settings: &RunSettings,
        within: impl FnOnce(Box<dyn Strategy>) -> Box<dyn Strategy>,
    ) -> Result<TrialRun, ApplicationError> {
        let config = resolve(settings, self.available)?;
        let strategy =
            policy_of(&resolved_settings(&config)?, &config.instruments).map_err(ResolveError::from)?;
        let cast = Participants { conductor: conductor(settings)?, ..within(strategy).into() };
        let data = {
            // The readers stay sound whatever another thread did with them.
            let mut datasets = self.datasets.lock().unwrap_or_else(PoisonError::into_inner);
            open(&config, &mut datasets)?
        };
        if settings.policy.compares_markets() {
            data.of_one_bar_length()?;
        }
        let manifest = manifest(&config, &data);
        play_trial(&config, cast, (data.source, manifest, data.records), &mut Silent)
    }
}

impl Ran {
    fn of(played: TrialRun, returns: Vec<f64>) -> Self {
        let figures = PathFigures::of(returns.iter().copied());
        let (trades, halts, head) = (played.trades, played.halts, hex(&played.head.digest));
        Self { figures, returns, trades, halts, head }
    }
}

/// Makes buying and holding put an equal part of the capital, costs included, into each of so many instruments; the
/// part of one that begins later waits in cash.
pub fn share_out(holding: &mut RunSettings, instruments: usize) {
    // A count of instruments, which are numbered in 16 bits.
    let parts = i128::try_from(instruments).unwrap_or(i128::MAX).max(1);
    let one = i128::from(Ratio::ONE.units());
    let cost = i128::from(holding.costs.reserve().units());
    // Whole cents: amounts are written with at most eighteen digits.
    let cent = 10_i128.pow(u32::from(MONEY_DECIMALS) - 2);
    let part = holding.run.capital.units() / parts / (one + cost) * one / cent * cent;
    if let Policy::BuyAndHold(params) = &mut holding.policy {
        params.trading.size = EntrySize::Notional(Money::from_units(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_their_costs_fit_the_capital() {
        let text = "[run]\ncapital = 1000\n[costs]\ntaker_fee = \"10bps\"\nslippage = \"5bps\"\n\
                    [strategy]\nname = \"buy-and-hold\"\n";
        let mut settings = RunSettings::read_toml("c.toml", text).unwrap();
        share_out(&mut settings, 3);
        let Policy::BuyAndHold(params) = &settings.policy else { panic!("another policy") };
        let part = 333 * 10_i128.pow(18) - 17 * 10_i128.pow(16);
        assert_eq!(params.trading.size, EntrySize::Notional(Money::from_units(part)));
    }
}
