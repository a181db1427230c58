//! The tables of a recorded run, written row by row.

use std::io::Write;
use std::path::PathBuf;

use engine_core::envelope::{Envelope, Seq};
use engine_core::instrument::Instrument;
use engine_core::time::Span;
use journal_store::event_span::EventSpan;
use replay_export::ExportFormat;
use replay_export::run_table::{
    Cell, DecisionRows, FillRows, OrderRows, RegimeRows, RunTable, RunTableWriter,
};
use replay_replayer::fold::{Start, Until, fold_watched};
use replay_simulation::series_feed::OpenDatasets;
use replay_statistics::{RoundTrip, TradeBook};

use super::closed_trades::follow_trades;
use super::error::ApplicationError;
use super::recording::Recording;

mod equity;
mod positions;

use equity::EquityRows;
use positions::PositionRows;

/// Which table of a run, and how it is written.
#[derive(Debug, Clone, Copy)]
pub struct TableRequest<'a> {
    /// Which.
    pub table: RunTable,
    /// How.
    pub format: ExportFormat,
    /// Of equity one row for each span of this length; each look of the statistics when absent.
    pub every: Option<Span>,
    /// Where the datasets of the run lie now, when they were moved.
    pub datasets: &'a [PathBuf],
}

/// Writes a table of `recording` to `out`; answers how many rows it has.
///
/// # Errors
/// [`ApplicationError::Request`] for `every` of a table that is no series, [`ApplicationError::Export`] when the rows
/// cannot be written, and when run or datasets cannot be read.
pub fn export_table(
    recording: &Recording,
    request: &TableRequest<'_>,
    out: &mut (dyn Write + Send),
) -> Result<u64, ApplicationError> {
    let instruments = recording.manifest.instruments.clone();
    if request.every.is_some_and(|every| !every.is_positive() || request.table != RunTable::Equity) {
        let line = "export a table of a run: --every is a span above zero, as in 1d, for --what equity";
        return Err(ApplicationError::Request(line.to_owned()));
    }
    let mut writer = RunTableWriter::new(request.table, request.format, &instruments, out)?;
    match request.table {
        RunTable::Equity => equity_rows(recording, request, &mut writer)?,
        RunTable::Positions => position_rows(recording, request, &mut writer)?,
        RunTable::Trades => trade_rows(recording, request, &mut writer)?,
        RunTable::Fills => {
            let mut fills = FillRows::new(instruments);
            each_event(recording, &mut writer, |envelope| fills.event(envelope))?;
        }
        RunTable::Regimes => {
            let regimes = RegimeRows::new(instruments);
            each_event(recording, &mut writer, |envelope| regimes.event(envelope))?;
        }
        RunTable::Orders => {
            let mut orders = OrderRows::new(instruments);
            each_event(recording, &mut writer, |envelope| orders.event(envelope))?;
            orders.still_open().into_iter().try_for_each(|row| writer.row(row))?;
        }
        RunTable::Decisions => {
            let mut decisions = DecisionRows::new(instruments);
            each_event(recording, &mut writer, |envelope| decisions.event(envelope))?;
            decisions.still_open().into_iter().try_for_each(|row| writer.row(row))?;
        }
    }
    Ok(writer.finish()?)
}

fn each_event(
    recording: &Recording,
    writer: &mut RunTableWriter<'_>,
    mut row_of: impl FnMut(&Envelope) -> Option<Vec<Cell>>,
) -> Result<(), ApplicationError> {
    for envelope in recording.reader.envelopes(Seq::FIRST)? {
        if let Some(row) = row_of(&envelope?) {
            writer.row(row)?;
        }
    }
    Ok(())
}

fn equity_rows(
    recording: &Recording,
    request: &TableRequest<'_>,
    writer: &mut RunTableWriter<'_>,
) -> Result<(), ApplicationError> {
    let opening = recording.opening_state()?;
    let mut rows = EquityRows::new(&opening, request.every);
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(request.datasets, &mut datasets)?;
    let recorded = recording.reader.envelopes(Seq::FIRST)?;
    let start = Start { state: opening, seq: 0 };
    fold_watched(start, &mut source, recorded, Until::End, |state, at, event| {
        rows.watch(state, at, event, &mut |row| writer.row(row))?;
        Ok::<(), ApplicationError>(())
    })?;
    rows.finish(&mut |row| writer.row(row))?;
    Ok(())
}

fn position_rows(
    recording: &Recording,
    request: &TableRequest<'_>,
    writer: &mut RunTableWriter<'_>,
) -> Result<(), ApplicationError> {
    let mut rows = PositionRows::new(recording.manifest.instruments.len());
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(request.datasets, &mut datasets)?;
    let recorded = recording.reader.envelopes(Seq::FIRST)?;
    let start = Start { state: recording.opening_state()?, seq: 0 };
    fold_watched(start, &mut source, recorded, Until::End, |state, at, event| {
        rows.watch(state, at, event).into_iter().try_for_each(|row| writer.row(row))?;
        Ok::<(), ApplicationError>(())
    })?;
    Ok(())
}

fn trade_rows(
    recording: &Recording,
    request: &TableRequest<'_>,
    writer: &mut RunTableWriter<'_>,
) -> Result<(), ApplicationError> {
    let mut number = 0;
    follow_trades(recording, EventSpan::WHOLE, request.datasets, |book| {
        for trade in book.take_closed() {
            number += 1;
            let Some(rules) = book.instruments().get(trade.instrument.index()) else { continue };
            writer.row(trade_row(number, book, &trade, rules))?;
        }
        Ok::<(), ApplicationError>(())
    })?;
    Ok(())
}

fn trade_row(number: u64, book: &TradeBook, trade: &RoundTrip, rules: &Instrument) -> Vec<Cell> {
    let (entry_reason, exit_reason) = book.reasons_of(trade);
    vec![
        Cell::Count(number),
        Cell::instrument(rules),
        Cell::text(trade.direction()),
        Cell::qty(rules, trade.qty),
        Cell::Moment(trade.entry_at),
        Cell::Moment(trade.exit_at),
        Cell::price(rules, trade.entry_price),
        Cell::price(rules, trade.exit_price),
        Cell::money(trade.profit(rules)),
        Cell::money(trade.fees),
        Cell::Float(trade.return_share(rules) * 100.0),
        Cell::Float(trade.adverse_excursion() * 100.0),
        Cell::Float(trade.favourable_excursion() * 100.0),
        Cell::Float(trade.held().nanos() as f64 / 1e9),
        Cell::Count(trade.entry_order.number()),
        Cell::Count(trade.exit_order.number()),
        Cell::text(entry_reason),
        Cell::text(exit_reason),
    ]
}
