//! How far prices went between two looks, for the excursions of open trades.

use engine_core::instrument::InstrumentId;
use engine_core::num::Price;

use replay_statistics::TradeBook;

/// The prices an instrument went through since the last look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) low: Price,
    pub(super) high: Price,
}

pub(super) const NOWHERE: Range = Range { low: Price::MAX, high: Price::ZERO };

/// Tells the open lots of an instrument what prices went by since the last time.
pub(super) fn flush(ranges: &mut [Range], trades: &mut TradeBook, instrument: InstrumentId) {
    let Some(range) = ranges.get_mut(instrument.index()) else { return };
    let passed = std::mem::replace(range, NOWHERE);
    if passed.high >= passed.low {
        trades.mark(instrument, passed.high, passed.low);
    }
}
