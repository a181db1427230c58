//! Frames of market records as columns: what a run on real time records is trades and quotes, each a little different from the
//! one before.
//!
//! A frame is made again from what it says, so only that is stored, in bincode: of trades and quotes the differences in the
//! order of the frames, every other frame as it is.

use std::collections::BTreeMap;

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Input};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Aggressor, MarketUpdate, Quote, Trade};
use engine_core::num::{Price, Qty};
use engine_core::time::Timestamp;

use super::{Frame, FrameHeader, Frames, HEAD, encode};
use crate::coding;

/// Frames under one checksum.
const CHECKED: usize = 64;

const KINDS: u64 = 5;
const OTHER: u64 = 0;
const QUOTE: u64 = 4;

/// What differs from frame to frame: moment of learning, records read, moment of the venue; price (of a quote its bid), spread,
/// and the quantity of a trade, bid for and offered.
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

/// What is stored of the frames of a page.
#[derive(serde::Serialize, serde::Deserialize, Debug, Default)]
struct Columns {
    /// The number of the first event.
    first: u64,
    /// Of each frame its kind + 5 × instrument: 0 another frame, 1 to 3 a trade by its taker, 4 a quote.
    kinds: Vec<u64>,
    /// CRC32 over each 64 frames.
    crcs: Vec<[u8; 4]>,
    /// In the order of [`Column`]: the greatest number that divides all of a column, and what they are times that.
    columns: [(i128, Vec<i128>); 8],
    /// The bytes of every other frame.
    others: Vec<Vec<u8>>,
}

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

/// The greatest divisor of both; the other where one is zero.
const fn common(mut left: u128, mut right: u128) -> u128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

/// Divides a column by what all of it is divided by: ticks, lots and milliseconds are stored as few digits.
fn divide((divisor, values): &mut (i128, Vec<i128>)) {
    let all =
        values.iter().fold(0, |all, value| if all == 1 { 1 } else { common(all, value.unsigned_abs()) });
    // A divisor of 2^127 would be no signed number; what it divides is stored whole.
    *divisor = i128::try_from(all).unwrap_or(1).max(1);
    values.iter_mut().for_each(|value| *value /= *divisor);
}

/// The columns of `frames`; nothing where they do not follow each other, or hold no trade and no quote.
pub(super) fn folded(frames: &[u8]) -> Option<Vec<u8>> {
    let mut fold = Fold::default();
    let mut bytes = 0;
    for (count, frame) in Frames::new(frames).enumerate() {
        if count == 0 {
            fold.to.first = frame.seq;
        }
        if fold.to.first.checked_add(count as u64) != Some(frame.seq) {
            return None;
        }
        fold.add(&frame);
        bytes += frame.bytes.len();
        fold.ends.push(bytes);
    }
    let Fold { mut to, ends, .. } = fold;
    if bytes != frames.len() || to.kinds.iter().all(|kind| *kind == OTHER) {
        return None;
    }
    to.crcs = checksums(frames, &ends);
    to.columns.iter_mut().for_each(divide);
    let mut out = Vec::new();
    coding::encode(to, &mut out).ok()?;
    Some(out)
}

/// The checksums of frames that end at `ends`.
fn checksums(frames: &[u8], ends: &[usize]) -> Vec<[u8; 4]> {
    let mut begin = 0;
    let checksum = |group: &[usize]| {
        let end = group.last().copied().unwrap_or(begin);
        let checked = frames.get(begin..end).unwrap_or_default();
        begin = end;
        crc32fast::hash(checked).to_le_bytes()
    };
    ends.chunks(CHECKED).map(checksum).collect()
}

/// What is gathered of the frames of a page.
#[derive(Debug, Default)]
struct Fold {
    last: Last,
    to: Columns,
    /// Where each frame ends.
    ends: Vec<usize>,
}

impl Fold {
    fn put(&mut self, column: Column, value: i128) {
        if let Some((_, values)) = self.to.columns.get_mut(column as usize) {
            values.push(value);
        }
    }

    fn add(&mut self, frame: &Frame<'_>) {
        let said = frame.envelope().filter(|_| frame.is_sound);
        let is_record = said.is_some_and(|Envelope { seq, at, records_read, cause, event }| {
            let Event::Input(Input::Market(update)) = event else { return false };
            cause == Cause::Event(seq) && self.record(at, records_read, &update).is_some()
        });
        if !is_record {
            self.to.kinds.push(OTHER);
            self.to.others.push(frame.bytes.to_vec());
        }
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
        self.to.kinds.push(kind + KINDS * u64::from(number));
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
}

/// The frames that were folded into `bytes`. Where a checksum is not met, none of the frames under it is sound.
pub(super) fn unfolded(bytes: &[u8], frames_max: usize) -> Vec<u8> {
    let (mut frames, mut ends) = (Vec::new(), Vec::new());
    let Ok(Columns { first, kinds, crcs, columns, others }) = coding::decode(bytes) else { return frames };
    // What is missing is damage, and what was made before it stands.
    let _ = unfold((first, &kinds), (columns, others), (&mut frames, &mut ends), frames_max);
    let (found, mut begin) = (checksums(&frames, &ends), 0);
    for (place, (group, wanted)) in ends.chunks(CHECKED).zip(kinds.chunks(CHECKED)).enumerate() {
        if group.len() != wanted.len() || crcs.get(place) != found.get(place) {
            spoil(&mut frames, begin, group);
        }
        begin = group.last().copied().unwrap_or(begin);
    }
    frames
}

/// Makes frames, and notes where each ends.
fn unfold(
    (first, kinds): (u64, &[u64]),
    (columns, others): ([(i128, Vec<i128>); 8], Vec<Vec<u8>>),
    (frames, ends): (&mut Vec<u8>, &mut Vec<usize>),
    frames_max: usize,
) -> Option<()> {
    let mut columns =
        columns.map(|(divisor, values)| values.into_iter().map(move |value| value.checked_mul(divisor)));
    let (mut last, mut others) = (Last::default(), others.into_iter());
    for (seq, kind) in (first..).zip(kinds) {
        if *kind % KINDS == OTHER {
            // A frame without its head is damage.
            frames.extend(others.next().filter(|frame| frame.len() >= HEAD)?);
        } else {
            let mut take = |column: Column| columns.get_mut(column as usize)?.next()?;
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
