//! Equity over time, look by look or once for each span.

use engine_core::event::{Event, Input, SessionMark};
use engine_core::market::MarketUpdate;
use engine_core::num::Money;
use engine_core::state::State;
use engine_core::time::{Span, Timestamp};
use replay_export::ExportError;
use replay_export::run_table::Cell;

/// Between two looks on ticks, as in the statistics.
const LOOK_EVERY: Span = Span::MINUTE;

/// What is seen of the account at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    equity: Money,
    cash: Money,
    gross: Option<Money>,
    realised: Money,
    fees: Money,
}

impl Look {
    fn at(state: &State) -> Self {
        let ledger = state.ledger();
        let mut gross = Some(Money::ZERO);
        for (id, rules) in state.instrument_ids().zip(state.instruments()) {
            let qty = ledger.position(id).qty;
            if !qty.is_zero() {
                let held = state.mark(id).and_then(|mark| rules.notional(mark, qty));
                gross = gross.zip(held).and_then(|(sum, held)| sum.plus(held.magnitude()));
            }
        }
        Self {
            equity: state.equity(),
            cash: ledger.cash(),
            gross,
            realised: ledger.realised(),
            fees: ledger.fees(),
        }
    }

    fn row(&self, at: Timestamp) -> Vec<Cell> {
        vec![
            Cell::Moment(at),
            Cell::money(self.equity),
            Cell::money(self.cash),
            self.gross.map_or(Cell::Absent, Cell::money),
            Cell::money(self.realised),
            Cell::money(self.fees),
        ]
    }
}

/// Looks at equity when the statistics of a backtest do: at each bar's close, on ticks at the first of each minute, and
/// at the end. Of several looks at one moment the last counts.
#[derive(Debug, Clone)]
pub(super) struct EquityRows {
    next_tick: Timestamp,
    pending: Option<(Timestamp, Look)>,
    spans: Option<Spans<Look>>,
}

type Out<'a> = &'a mut dyn FnMut(Vec<Cell>) -> Result<(), ExportError>;

impl EquityRows {
    pub(super) fn new(opening: &State, every: Option<Span>) -> Self {
        let spans = every.map(|every| Spans::new(every, Look::at(opening)));
        Self { next_tick: Timestamp::MIN, pending: None, spans }
    }

    pub(super) fn watch(
        &mut self,
        state: &State,
        at: Timestamp,
        event: &Event,
        out: Out<'_>,
    ) -> Result<(), ExportError> {
        match event {
            Event::Input(Input::Market(MarketUpdate::Bar(bar))) => {
                self.begin(bar.open_at);
                self.look(state, bar.close_at, out)
            }
            Event::Input(Input::Market(MarketUpdate::Trade(_) | MarketUpdate::Quote(_)))
                if at >= self.next_tick =>
            {
                self.begin(at);
                self.next_tick = at.floor(LOOK_EVERY).plus(LOOK_EVERY);
                self.look(state, at, out)
            }
            Event::Input(Input::Session(SessionMark::Closed | SessionMark::Interrupted)) => {
                self.look(state, at, out)
            }
            Event::Input(_) | Event::Output(_) => Ok(()),
        }
    }

    fn begin(&mut self, at: Timestamp) {
        if let Some(spans) = &mut self.spans {
            spans.begin(at);
        }
    }

    fn look(&mut self, state: &State, at: Timestamp, out: Out<'_>) -> Result<(), ExportError> {
        if self.pending.is_some_and(|(pending, _)| pending != at) {
            self.settle(out)?;
        }
        self.pending = Some((at, Look::at(state)));
        Ok(())
    }

    fn settle(&mut self, out: Out<'_>) -> Result<(), ExportError> {
        let Some((at, look)) = self.pending.take() else { return Ok(()) };
        match &mut self.spans {
            None => out(look.row(at)),
            Some(spans) => spans.push(at, look, &mut |at, look| out(look.row(at))),
        }
    }

    /// Writes what is left when the record has ended.
    pub(super) fn finish(mut self, out: Out<'_>) -> Result<(), ExportError> {
        self.settle(out)?;
        match self.spans {
            None => Ok(()),
            Some(spans) => spans.last.map_or(Ok(()), |at| out(spans.value.row(at))),
        }
    }
}

/// The value at the end of each span of time since 1970; a span in which nothing was seen ends as the one before, and
/// the moment between two spans belongs to the one that ends.
#[derive(Debug, Clone)]
struct Spans<T> {
    every: Span,
    ends_at: Option<Timestamp>,
    value: T,
    last: Option<Timestamp>,
}

impl<T: Copy> Spans<T> {
    const fn new(every: Span, opening: T) -> Self {
        Self { every, ends_at: None, value: opening, last: None }
    }

    /// Says when the first span begins; further calls change nothing.
    fn begin(&mut self, at: Timestamp) {
        if self.ends_at.is_none() {
            self.ends_at = Some(at.floor(self.every).plus(self.every));
        }
    }

    fn push<E>(
        &mut self,
        at: Timestamp,
        value: T,
        out: &mut dyn FnMut(Timestamp, T) -> Result<(), E>,
    ) -> Result<(), E> {
        self.begin(at);
        while let Some(end) = self.ends_at.filter(|end| at > *end) {
            out(end, self.value)?;
            self.ends_at = Some(end.plus(self.every));
        }
        self.value = value;
        self.last = Some(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use replay_statistics::EquityRecorder;

    use super::*;

    fn ends(every: Span, begin: i64, looks: &[(i64, f64)]) -> Vec<(Timestamp, f64)> {
        let mut spans = Spans::new(every, 100.0);
        spans.begin(Timestamp::from_nanos(begin));
        let mut rows = Vec::new();
        for (at, value) in looks {
            let pushed = spans.push(Timestamp::from_nanos(*at), *value, &mut |at, value| {
                rows.push((at, value));
                Ok::<(), ()>(())
            });
            pushed.unwrap();
        }
        rows.extend(spans.last.map(|at| (at, spans.value)));
        rows
    }

    #[test]
    fn the_look_at_midnight_ends_the_day_and_an_empty_day_ends_as_the_one_before() {
        let day = Span::DAY.nanos();
        let rows = ends(Span::DAY, 0, &[(5, 90.0), (day, 80.0), (3 * day + 1, 70.0)]);
        let at = |days: i64| Timestamp::from_nanos(days * day);
        let last = Timestamp::from_nanos(3 * day + 1);
        assert_eq!(rows, [(at(1), 80.0), (at(2), 80.0), (at(3), 80.0), (last, 70.0)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_row_a_day_is_the_daily_close_of_the_statistics(
            begin in 0_i64..100, steps in prop::collection::vec((1_i64..60, 1.0_f64..1e6), 1..80),
        ) {
            let hour = Span::HOUR.nanos();
            let mut recorder = EquityRecorder::new(100.0);
            recorder.begin(Timestamp::from_nanos(begin * hour));
            let mut at = begin * hour;
            let mut looks = Vec::new();
            for (hours, value) in steps {
                at += hours * hour;
                recorder.sample(Timestamp::from_nanos(at), value, 0.0, false);
                looks.push((at, value));
            }
            let values: Vec<f64> = ends(Span::DAY, begin * hour, &looks).iter().map(|row| row.1).collect();
            prop_assert_eq!(values, recorder.daily_closes());
        }
    }
}
