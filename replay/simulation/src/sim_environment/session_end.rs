//! How a session ends once its data has.

use engine_core::event::{Input, OperatorCommand, SessionMark};
use engine_core::market::{BarOpen, MarketUpdate};
use engine_core::time::Timestamp;
use engine_runtime::ports::{EnvironmentError, Origin};

use super::{Next, SimEnvironment, Stage};
use crate::config::{EndOfData, FillModel};
use replay_history::market_source::{Arrival, MarketItem, MarketSource};

impl<S: MarketSource> SimEnvironment<S> {
    /// The moment of the last input.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the session can be ended early: it has been opened, its data has not ended, no bar is being walked and
    /// nothing waits for another bar of this moment.
    pub(crate) fn can_be_interrupted(&self) -> bool {
        self.stage == Stage::Data && self.path_at.is_none() && self.close_wait.is_empty()
    }

    /// When the next market record or other input from outside comes; notes that none does. Of a source that waits,
    /// the present moment if that is `until`, or a message arrives, before anything comes.
    pub(super) fn read_ahead(
        &mut self,
        until: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, EnvironmentError> {
        if let Some((at, _)) = &self.told {
            return Ok(Some(*at));
        }
        if self.ahead.is_none() {
            let due = [until, self.messages.next_at()].into_iter().flatten().min();
            match self.source.wait(due)? {
                // What came late is learned now, and stands behind everything that is due by now.
                Arrival::Record(item) => self.ahead = Some(MarketItem { at: item.at.max(self.now), ..item }),
                Arrival::Told(at, input) => {
                    let at = at.max(self.now);
                    self.told = Some((at, input));
                    return Ok(Some(at));
                }
                Arrival::Nothing(now) => return Ok(Some(now)),
                Arrival::End => {
                    self.stage = if self.stage == Stage::Data { Stage::Drained } else { self.stage };
                }
            }
        }
        Ok(self.ahead.as_ref().map(|item| item.at))
    }

    /// Hands on what the source was told; with the wish to end the session nothing comes after it.
    pub(super) fn tell(&mut self, at: Timestamp, input: Input) -> Next {
        if matches!(input, Input::Session(SessionMark::Interrupted)) {
            self.stage = Stage::Interrupted;
        }
        if let Input::Listing(change) = &input {
            self.venue.relist(change);
        }
        self.lend(at, input, Origin::Own)
    }

    /// Behind the end that an operator gave it, a session goes on where its source says so.
    pub(super) fn go_on(&mut self) -> Result<Next, EnvironmentError> {
        match self.source.wait(None)? {
            Arrival::Told(at, input) if matches!(*input, Input::Session(SessionMark::Resumed)) => {
                self.stage = Stage::Data;
                Ok(self.lend(at, *input, Origin::Own))
            }
            Arrival::Record(_) | Arrival::Told(..) | Arrival::Nothing(_) | Arrival::End => {
                self.stage = Stage::Over;
                Ok(Next::End)
            }
        }
    }

    /// The inputs that end a session, in their order.
    pub(super) fn finish(&mut self) -> Next {
        match self.stage {
            Stage::Opening | Stage::Data | Stage::Drained => {
                self.stage = Stage::Flatten;
                Next::Again
            }
            Stage::Flatten => {
                self.stage = Stage::LastOpen;
                if self.end == EndOfData::Keep {
                    return Next::Again;
                }
                self.lend(self.now, Input::Operator(OperatorCommand::Flatten), Origin::Own)
            }
            Stage::LastOpen => self.last_open(),
            Stage::Closing => {
                self.stage = Stage::Over;
                self.lend(self.now, Input::Session(SessionMark::Closed), Origin::Own)
            }
            Stage::Interrupted | Stage::Over => Next::End,
        }
    }

    /// Under `next-open` the closing orders wait for an open that never comes; this one is made for them. On
    /// trades and quotes they wait for a message that never comes, and get the last one again.
    fn last_open(&mut self) -> Next {
        if self.end != EndOfData::Keep && matches!(self.model, FillModel::Trades | FillModel::Quotes) {
            self.venue.close_out(self.now, &mut self.reports);
            if !self.reports.is_empty() {
                // The engine may answer; what it sends then gets the last message too.
                self.send_reports(self.now);
                return Next::Again;
            }
        }
        let next = self.last_bars.iter_mut().find_map(Option::take);
        let (Some(bar), true) = (next, self.end != EndOfData::Keep && self.model == FillModel::NextOpen)
        else {
            self.stage = Stage::Closing;
            return Next::Again;
        };
        let open = match self.end {
            EndOfData::FlattenAtLastOpen => bar.open,
            EndOfData::Flatten | EndOfData::Keep => bar.close,
        };
        let open = BarOpen { instrument: bar.instrument, open_at: self.now, open };
        self.venue.on_open(open.instrument, open.open);
        self.lend(self.now, Input::Market(MarketUpdate::Open(open)), Origin::Own)
    }
}
