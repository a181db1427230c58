//! What the core concluded, counted as it goes by.

use engine_core::event::Output;
use engine_core::num::Qty;
use engine_core::time::Timestamp;

use super::{LiveOrder, RunRecorder, refusal_name};

impl RunRecorder<'_> {
    #[cold]
    pub(super) fn output(&mut self, at: Timestamp, output: &Output) {
        match output {
            Output::OrderSubmitted(submission) => {
                self.counts.orders += 1;
                let live = LiveOrder { submission: submission.clone(), filled: Qty::ZERO };
                self.live.insert(submission.order.id, live);
            }
            Output::OrderRefused(refused) => {
                *self.counts.refusals.entry(refusal_name(&refused.reason)).or_default() += 1;
            }
            Output::BarClosed(_) => self.counts.bars_built += 1,
            Output::Signalled(_) => self.counts.signals += 1,
            Output::TradingHalted(reason) => self.counts.halts.push((at, *reason)),
            Output::RegimeChanged(change) => {
                self.counts.regime_changes += 1;
                self.regimes.change(change.instrument, at, change.reading.regime);
            }
            Output::GapFound(_) => self.counts.gaps += 1,
            Output::ConductorConsulted(_) => self.counts.questions += 1,
            Output::ConductorMissed(_) => self.counts.missed_answers += 1,
            Output::CancelRequested(_)
            | Output::AmendRequested(_)
            | Output::FlatWanted(_)
            | Output::TradingResumed
            | Output::AccountDiffers(_)
            | Output::AccountAgrees
            | Output::OrderResolved(_)
            | Output::Postponed(_)
            | Output::CheckpointTaken(_) => {}
        }
    }
}
