//! What was held after each fill.

use engine_core::event::{Event, Execution, Input};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::ledger::open_profit;
use engine_core::state::State;
use engine_core::time::Timestamp;
use replay_export::run_table::Cell;

/// Finds the positions that a fill changed.
#[derive(Debug, Clone)]
pub(super) struct PositionRows {
    fills: Vec<u64>,
}

impl PositionRows {
    pub(super) fn new(instruments: usize) -> Self {
        Self { fills: vec![0; instruments] }
    }

    /// The rows of the positions that `event` changed; none for a report that the ledger did not book.
    pub(super) fn watch(&mut self, state: &State, at: Timestamp, event: &Event) -> Vec<Vec<Cell>> {
        let Event::Input(Input::Execution(report)) = event else { return Vec::new() };
        if !matches!(report.execution, Execution::Filled(_)) {
            return Vec::new();
        }
        let mut rows = Vec::new();
        for ((id, rules), seen) in state.instrument_ids().zip(state.instruments()).zip(&mut self.fills) {
            let fills = state.ledger().position(id).fills;
            if fills != *seen {
                *seen = fills;
                rows.push(row(state, at, id, rules));
            }
        }
        rows
    }
}

fn row(state: &State, at: Timestamp, id: InstrumentId, rules: &Instrument) -> Vec<Cell> {
    let position = state.ledger().position(id);
    let mark = state.mark(id);
    let notional = mark.and_then(|mark| rules.notional(mark, position.qty));
    let profit = mark.and_then(|mark| open_profit(position, rules, mark));
    vec![
        Cell::Moment(at),
        Cell::instrument(rules),
        Cell::qty(rules, position.qty),
        Cell::money(position.cost),
        mark.map_or(Cell::Absent, |mark| Cell::price(rules, mark)),
        notional.map_or(Cell::Absent, Cell::money),
        profit.map_or(Cell::Absent, Cell::money),
        Cell::money(position.realised),
        Cell::money(position.fees),
        Cell::money(position.turnover),
        Cell::Count(position.fills),
        Cell::money(state.equity()),
    ]
}
