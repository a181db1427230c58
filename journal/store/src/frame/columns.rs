//! Frames of market records as columns: what a run on real time records is trades and quotes, each a little different from the
//! one before.
//!
//! A frame is made again from what it says, so only that is stored, as differences in the order of the frames. Numbers are
//! variable in length, seven bits a byte, those with a sign as zigzag:
//!
//! ```text
//! count                    frames
//! first                    number of the first event
//! kinds            count   kind + 5 × instrument: 0 another frame, 1 to 3 a trade by its taker, 4 a quote
//! crc32                    4 bytes over each 64 frames
//! columns              8   moment of learning, records read, moment of the venue, price (of a quote its bid), spread,
//!                          quantity of a trade, bid for, offered; each: a divisor, then a number for each frame that has one
//! others                   of each other frame its bytes and their number
//! ```

use std::collections::BTreeMap;

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Input};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Aggressor, MarketUpdate, Quote, Trade};
use engine_core::num::{Price, Qty};
use engine_core::time::Timestamp;

use super::{Frame, FrameHeader, Frames, HEAD, encode};
use numbers::Numbers;

mod numbers;

/// Frames under one checksum.
const CHECKED: usize = 64;

const KINDS: u64 = 5;
const OTHER: u64 = 0;
const QUOTE: u64 = 4;

/// The columns in their order.
#[derive(Debug, Clone, Copy)]
enum Column {
    Learned,
    Read,
    Happened,
    Price,
    Spread,
    TradeQty,
    BidQty,
    AskQty,
}

const COLUMNS: usize = 8;

/// What was said last: differences are taken from it.
#[derive(Debug, Default)]
struct Last {
    learned: i128,
    read: i128,
    happened: i128,
    markets: BTreeMap<u16, Market>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Market {
    trade: i128,
    bid: i128,
    spread: i128,
    bid_qty: i128,
    ask_qty: i128,
}

/// The moves from one number to the next.
fn step(last: &mut i128, next: i128) -> Option<i128> {
    let by = next.checked_sub(*last)?;
    *last = next;
    Some(by)
}

/// The other way round.
fn stepped(last: &mut i128, by: i128) -> Option<i128> {
    *last = last.checked_add(by)?;
    Some(*last)
}

const fn kind_of(aggressor: Aggressor) -> u64 {
    match aggressor {
        Aggressor::Unknown => 1,
        Aggressor::Buyer => 2,
        Aggressor::Seller => 3,
    }
}

const fn aggressor_of(kind: u64) -> Aggressor {
    match kind {
        2 => Aggressor::Buyer,
        3 => Aggressor::Seller,
        _ => Aggressor::Unknown,
    }
}

/// The columns of `frames`; nothing where they do not follow each other, or hold no trade and no quote.
pub(super) fn folded(frames: &[u8]) -> Option<Vec<u8>> {
    let mut fold = Fold::default();
    let (mut first, mut crcs) = (None, Vec::new());
    let mut group = crc32fast::Hasher::new();
    for (count, frame) in Frames::new(frames).enumerate() {
        let begin = *first.get_or_insert(frame.seq);
        if begin.checked_add(count as u64) != Some(frame.seq) {
            return None;
        }
        fold.add(&frame)?;
        group.update(frame.bytes);
        if fold.kinds.len().is_multiple_of(CHECKED) {
            crcs.extend(core::mem::take(&mut group).finalize().to_le_bytes());
        }
        fold.bytes += frame.bytes.len();
    }
    if fold.bytes != frames.len() || fold.kinds.iter().all(|kind| *kind == OTHER) {
        return None;
    }
    if !fold.kinds.len().is_multiple_of(CHECKED) {
        crcs.extend(group.finalize().to_le_bytes());
    }
    Some(fold.written(first?, &crcs))
}

/// What is gathered of the frames of a page.
#[derive(Debug, Default)]
struct Fold {
    last: Last,
    kinds: Vec<u64>,
    columns: [Vec<i128>; COLUMNS],
    others: Vec<u8>,
    bytes: usize,
}

impl Fold {
    fn put(&mut self, column: Column, value: i128) {
        if let Some(column) = self.columns.get_mut(column as usize) {
            column.push(value);
        }
    }

    fn add(&mut self, frame: &Frame<'_>) -> Option<()> {
        let said = frame.envelope().filter(|_| frame.is_sound);
        match said {
            Some(Envelope { seq, at, records_read, cause, event: Event::Input(Input::Market(update)) })
                if cause == Cause::Event(seq) =>
            {
                self.record(at, records_read, &update).or_else(|| self.other(frame))
            }
            Some(_) | None => self.other(frame),
        }
    }

    fn other(&mut self, frame: &Frame<'_>) -> Option<()> {
        self.kinds.push(OTHER);
        numbers::put(&mut self.others, frame.bytes.len() as u128);
        self.others.extend_from_slice(frame.bytes);
        Some(())
    }

    /// Nothing is put anywhere where it answers nothing.
    fn record(&mut self, at: Timestamp, records_read: u64, update: &MarketUpdate) -> Option<()> {
        let (instrument, happened, kind) = match update {
            MarketUpdate::Trade(trade) => (trade.instrument, trade.venue_at, kind_of(trade.aggressor)),
            MarketUpdate::Quote(quote) => (quote.instrument, quote.venue_at, QUOTE),
            MarketUpdate::Open(_) | MarketUpdate::Bar(_) | MarketUpdate::SignalBar(_) => return None,
        };
        let number = u16::try_from(instrument.index()).ok()?;
        let market = self.last.markets.entry(number).or_default();
        match update {
            MarketUpdate::Trade(trade) => {
                let price = step(&mut market.trade, trade.price.units().into())?;
                self.put(Column::Price, price);
                self.put(Column::TradeQty, trade.qty.units());
            }
            MarketUpdate::Quote(quote) => {
                let (bid, ask) = (i128::from(quote.bid.units()), i128::from(quote.ask.units()));
                let mut next = *market;
                let moves = [
                    (Column::Price, step(&mut next.bid, bid)?),
                    (Column::Spread, step(&mut next.spread, ask.checked_sub(bid)?)?),
                    (Column::BidQty, step(&mut next.bid_qty, quote.bid_qty.units())?),
                    (Column::AskQty, step(&mut next.ask_qty, quote.ask_qty.units())?),
                ];
                *market = next;
                moves.into_iter().for_each(|(column, by)| self.put(column, by));
            }
            MarketUpdate::Open(_) | MarketUpdate::Bar(_) | MarketUpdate::SignalBar(_) => return None,
        }
        self.kinds.push(kind + KINDS * u64::from(number));
        let Last { learned, read, happened: before, .. } = &mut self.last;
        // Numbers of 64 bits, whose differences always fit.
        let learned = step(learned, at.nanos().into()).unwrap_or_default();
        let read = step(read, records_read.into()).unwrap_or_default();
        let happened = step(before, happened.nanos().into()).unwrap_or_default();
        self.put(Column::Learned, learned);
        self.put(Column::Read, read);
        self.put(Column::Happened, happened);
        Some(())
    }

    fn written(&self, first: u64, crcs: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes / 3);
        numbers::put(&mut out, self.kinds.len() as u128);
        numbers::put(&mut out, first.into());
        self.kinds.iter().for_each(|kind| numbers::put(&mut out, (*kind).into()));
        out.extend_from_slice(crcs);
        self.columns.iter().for_each(|column| numbers::put_column(&mut out, column));
        out.extend_from_slice(&self.others);
        out
    }
}

/// The frames that were folded into `bytes`; those before the place where they are damaged. Where a checksum is not met, none
/// of the frames under it is sound.
pub(super) fn unfolded(bytes: &[u8], frames_max: usize) -> Vec<u8> {
    let (mut frames, mut ends) = (Vec::new(), Vec::new());
    let mut numbers = Numbers::new(bytes);
    let Some((seqs, kinds, crcs)) = standings(&mut numbers) else { return frames };
    // What is missing is damage, and what was made before it stands.
    let _ = unfold(&mut numbers, (seqs, &kinds), (&mut frames, &mut ends), frames_max);
    let mut begin = 0;
    for ((group, told), wanted) in ends.chunks(CHECKED).zip(crcs.chunks(4)).zip(kinds.chunks(CHECKED)) {
        let end = group.last().copied().unwrap_or(begin);
        let crc = frames.get(begin..end).map(|frames| crc32fast::hash(frames).to_le_bytes());
        if group.len() != wanted.len() || crc.as_ref().map(<[u8; 4]>::as_slice) != Some(told) {
            spoil(&mut frames, begin, group);
        }
        begin = end;
    }
    frames
}

/// The number of the first event, the kind of each frame, and the checksums.
fn standings<'a>(numbers: &mut Numbers<'a>) -> Option<(u64, Vec<u64>, &'a [u8])> {
    let count = usize::try_from(numbers.next()?).ok()?;
    let first = u64::try_from(numbers.next()?).ok()?;
    let kinds: Option<Vec<u64>> = (0..count).map(|_| u64::try_from(numbers.next()?).ok()).collect();
    let crcs = numbers.bytes(count.div_ceil(CHECKED).checked_mul(4)?)?;
    Some((first, kinds?, crcs))
}

/// Makes frames, and notes where each ends.
fn unfold(
    numbers: &mut Numbers<'_>,
    (first, kinds): (u64, &[u64]),
    (frames, ends): (&mut Vec<u8>, &mut Vec<usize>),
    frames_max: usize,
) -> Option<()> {
    let of = |wanted: fn(u64) -> bool| kinds.iter().filter(|kind| wanted(**kind % KINDS)).count();
    let (quotes, records) = (of(|kind| kind == QUOTE), of(|kind| kind != OTHER));
    let trades = records.checked_sub(quotes)?;
    let lengths = [records, records, records, records, quotes, trades, quotes, quotes];
    let mut columns = Vec::with_capacity(COLUMNS);
    for length in lengths {
        columns.push(numbers.column(length)?.into_iter());
    }
    let mut last = Last::default();
    for (seq, kind) in (first..).zip(kinds) {
        if *kind % KINDS == OTHER {
            // A frame without its head is damage.
            let length = usize::try_from(numbers.next()?).ok().filter(|length| *length >= HEAD)?;
            frames.extend_from_slice(numbers.bytes(length)?);
        } else {
            let mut take = |column: Column| columns.get_mut(column as usize)?.next();
            let (header, event) = record(&mut last, (seq, *kind), &mut take)?;
            encode(header, &event, frames).ok()?;
        }
        if frames.len() > frames_max {
            frames.truncate(ends.last().copied().unwrap_or_default());
            return None;
        }
        ends.push(frames.len());
    }
    Some(())
}

/// Makes the frames between `begin` and `ends` fail their checksums.
fn spoil(frames: &mut [u8], begin: usize, ends: &[usize]) {
    let begins = core::iter::once(begin).chain(ends.iter().copied());
    for (begin, _) in begins.zip(ends) {
        if let Some(byte) = frames.get_mut(begin.saturating_add(4)) {
            *byte ^= 0xff;
        }
    }
}

/// The next market record, as `take` answers the next of each column.
fn record(
    last: &mut Last,
    (seq, kind): (u64, u64),
    take: &mut impl FnMut(Column) -> Option<i128>,
) -> Option<(FrameHeader, Event)> {
    let instrument = u16::try_from(kind / KINDS).ok()?;
    let at = stepped(&mut last.learned, take(Column::Learned)?)?;
    let read = stepped(&mut last.read, take(Column::Read)?)?;
    let happened = stepped(&mut last.happened, take(Column::Happened)?)?;
    let market = last.markets.entry(instrument).or_default();
    let price = |units: i128| i64::try_from(units).ok().map(Price::from_units);
    let moment = |nanos: i128| i64::try_from(nanos).ok().map(Timestamp::from_nanos);
    let (instrument, venue_at) = (InstrumentId::new(instrument), moment(happened)?);
    let update = if kind % KINDS == QUOTE {
        let bid = stepped(&mut market.bid, take(Column::Price)?)?;
        let spread = stepped(&mut market.spread, take(Column::Spread)?)?;
        MarketUpdate::Quote(Quote {
            instrument,
            venue_at,
            bid: price(bid)?,
            bid_qty: Qty::from_units(stepped(&mut market.bid_qty, take(Column::BidQty)?)?),
            ask: price(bid.checked_add(spread)?)?,
            ask_qty: Qty::from_units(stepped(&mut market.ask_qty, take(Column::AskQty)?)?),
        })
    } else {
        MarketUpdate::Trade(Trade {
            instrument,
            venue_at,
            price: price(stepped(&mut market.trade, take(Column::Price)?)?)?,
            qty: Qty::from_units(take(Column::TradeQty)?),
            aggressor: aggressor_of(kind % KINDS),
        })
    };
    let seq = Seq::new(seq);
    let records_read = u64::try_from(read).ok()?;
    let header = FrameHeader { seq, at: moment(at)?, records_read, cause: Cause::Event(seq) };
    Some((header, Event::Input(Input::Market(update))))
}

#[cfg(test)]
mod tests;
