//! Random markets: walks with gaps, ties in time and several instruments, as bars, trades or quotes, or as bars beside
//! trades or quotes.

use std::collections::BTreeMap;
use std::path::Path;

use engine_core::envelope::RecordRef;
use engine_core::instrument::InstrumentId;
use engine_core::market::{Aggressor, Bar, BarOpen, MarketUpdate, Quote, Trade};
use engine_core::num::{Price, Qty};
use engine_core::time::{Span, Timestamp};
use journal_store::dataset::{DatasetWriter, PageOptions};
use journal_store::record::{BarRecord, LAG_UNKNOWN, QuoteRecord, Record, RecordKind, TradeRecord};
use journal_store::series::{BarTime, SeriesInfo, SourceNote};
use proptest::prelude::*;
use replay_history::market_source::MarketItem;
use replay_simulation::config::{FeedConfig, FillModel};

mod signals;

pub(crate) const SECOND: i64 = 1_000_000_000;

/// One step of a walk; what it becomes depends on the fill model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) instrument: u16,
    pub(crate) wait: i64,
    pub(crate) drift: i64,
    pub(crate) spread: i64,
    pub(crate) qty: i64,
}

/// Walks of `instruments` instruments with `count` steps in all.
pub(crate) fn moves(instruments: u16, count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    let wait = prop::sample::select(vec![0, 0, 1_000_000, SECOND, SECOND, 7 * SECOND, 61 * SECOND]);
    let drift = prop_oneof![5 => -60_i64..=60, 3 => -250_i64..=250, 1 => -1_500_i64..=1_500, 1 => Just(0)];
    let step = (0..instruments, wait, drift, 1_i64..=40, 1_i64..=3_000);
    let step =
        step.prop_map(|(instrument, wait, drift, spread, qty)| Move { instrument, wait, drift, spread, qty });
    prop::collection::vec(step, count)
}

/// Which series a record belongs to.
type SeriesKey = (u16, RecordKind);

struct Raw {
    at: i64,
    turn: u8,
    series: SeriesKey,
    seq: u64,
    update: MarketUpdate,
}

/// The records that `moves` become under `model`, known `delay` nanoseconds after they happen.
pub(crate) fn items(model: FillModel, moves: &[Move], delay: i64) -> Vec<MarketItem> {
    let mut raw = match model {
        FillModel::NextOpen | FillModel::SameClose => bars(model, moves),
        FillModel::AtSignal | FillModel::Trades | FillModel::Quotes => ticks(model, moves, delay),
    };
    let ranks = ranks(raw.iter().map(|raw| raw.series));
    raw.sort_by_key(|raw| (raw.at, raw.turn, ranks[&raw.series]));
    let item = |raw: Raw| MarketItem {
        at: Timestamp::from_nanos(raw.at),
        update: raw.update,
        tick: RecordRef { dataset: ranks[&raw.series], seq: raw.seq },
    };
    raw.into_iter().map(item).collect()
}

fn ranks(series: impl Iterator<Item = SeriesKey>) -> BTreeMap<SeriesKey, u16> {
    let present: std::collections::BTreeSet<SeriesKey> = series.collect();
    present.into_iter().zip(0..).collect()
}

fn ticks(model: FillModel, moves: &[Move], delay: i64) -> Vec<Raw> {
    let mut prices = BTreeMap::new();
    let mut counts: BTreeMap<SeriesKey, u64> = BTreeMap::new();
    let mut now = 100 * SECOND;
    let mut forming = signals::Forming::beside(model, moves);
    let raw = moves.iter().flat_map(|step| {
        now += step.wait;
        let price = prices.entry(step.instrument).or_insert(10_000_i64);
        *price = (*price + step.drift).max(200);
        let closed = forming.tick(step, now, *price).map(|bar| {
            let series = (step.instrument, RecordKind::Bars);
            let count = counts.entry(series).or_default();
            *count += 1;
            Raw { at: now + delay, turn: 0, series, seq: *count, update: MarketUpdate::SignalBar(bar) }
        });
        let is_quote = model == FillModel::Quotes && step.qty % 5 != 0;
        let kind = if is_quote { RecordKind::Quotes } else { RecordKind::Trades };
        let count = counts.entry((step.instrument, kind)).or_default();
        *count += 1;
        let update = if is_quote { quote(step, now, *price) } else { trade(step, now, *price) };
        let tick = Raw { at: now + delay, turn: 2, series: (step.instrument, kind), seq: *count, update };
        closed.into_iter().chain([tick])
    });
    raw.collect()
}

fn trade(step: &Move, now: i64, price: i64) -> MarketUpdate {
    MarketUpdate::Trade(Trade {
        instrument: InstrumentId::new(step.instrument),
        venue_at: Timestamp::from_nanos(now),
        price: Price::from_units(price),
        qty: Qty::from(step.qty),
        aggressor: if step.spread % 2 == 0 { Aggressor::Buyer } else { Aggressor::Seller },
    })
}

fn quote(step: &Move, now: i64, price: i64) -> MarketUpdate {
    MarketUpdate::Quote(Quote {
        instrument: InstrumentId::new(step.instrument),
        venue_at: Timestamp::from_nanos(now),
        bid: Price::from_units(price - step.spread),
        bid_qty: Qty::from(step.qty),
        ask: Price::from_units(price + step.spread),
        ask_qty: Qty::from(3_001 - step.qty),
    })
}

/// Bars of different lengths for different instruments, so that some ends and beginnings coincide.
pub(crate) fn interval(instrument: InstrumentId) -> Span {
    Span::from_nanos([60, 30, 20][instrument.index() % 3] * SECOND)
}

/// How long a bar lasts: one in eight ends early or late, as at outages and changes of the clock.
const fn own_length(step: &Move, length: i64) -> i64 {
    match step.qty % 16 {
        0 => length / 3 + step.spread * 1_000_001,
        1 => length + length / 24,
        _ => length,
    }
}

fn bars(model: FillModel, moves: &[Move]) -> Vec<Raw> {
    let mut desks: BTreeMap<u16, (i64, i64, u64)> = BTreeMap::new();
    let mut raw = Vec::new();
    for step in moves {
        let length = interval(InstrumentId::new(step.instrument)).nanos();
        let own_length = own_length(step, length);
        let (begin, price, count) = desks.entry(step.instrument).or_insert((0, 10_000, 0));
        // A long wait leaves bars out.
        *begin += length * (step.wait / (60 * SECOND));
        let open = (*price + step.drift / 3).max(200);
        let close = (open + step.drift).max(200);
        *count += 1;
        let (open_at, close_at) = (*begin, *begin + own_length);
        let bar = Bar {
            instrument: InstrumentId::new(step.instrument),
            open_at: Timestamp::from_nanos(open_at),
            close_at: Timestamp::from_nanos(close_at),
            open: Price::from_units(open),
            high: Price::from_units(open.max(close) + step.spread),
            low: Price::from_units(open.min(close) - step.spread),
            close: Price::from_units(close),
            volume: Qty::from(step.qty),
            trades: 0,
        };
        let series = (step.instrument, RecordKind::Bars);
        if model == FillModel::NextOpen {
            let announced = BarOpen { instrument: bar.instrument, open_at: bar.open_at, open: bar.open };
            raw.push(Raw {
                at: open_at,
                turn: 1,
                series,
                seq: *count,
                update: MarketUpdate::Open(announced),
            });
        }
        raw.push(Raw { at: close_at, turn: 0, series, seq: *count, update: MarketUpdate::Bar(bar) });
        (*begin, *price) = (close_at, close);
    }
    raw
}

/// Writes `items` as a dataset in pages of `page_bytes`, and says how a run reads it.
pub(crate) fn store(items: &[MarketItem], dir: &Path, page_bytes: usize) -> Vec<FeedConfig> {
    store_as(items, dir, page_bytes, &|instrument| format!("X{}", instrument.index()))
}

/// The same with symbols of one's own.
pub(crate) fn store_as(
    items: &[MarketItem],
    dir: &Path,
    page_bytes: usize,
    symbol: &dyn Fn(InstrumentId) -> String,
) -> Vec<FeedConfig> {
    let info = |instrument: u16, kind| SeriesInfo {
        symbol: symbol(InstrumentId::new(instrument)),
        ..info(instrument, kind)
    };
    let series = ranks(items.iter().map(|item| (id_of(item), kind_of(item))));
    let writer = DatasetWriter::open(dir, PageOptions { page_bytes }).unwrap();
    for (instrument, kind) in series.keys() {
        let of_series = items.iter().filter(|item| (id_of(item), kind_of(item)) == (*instrument, *kind));
        let updates = of_series.map(|item| item.update);
        let info = info(*instrument, *kind);
        match kind {
            RecordKind::Trades => write(&writer, info, updates.filter_map(trade_record)),
            RecordKind::Quotes => write(&writer, info, updates.filter_map(quote_record)),
            RecordKind::Bars => write(&writer, info, updates.filter_map(bar_record)),
        }
    }
    let feed = |(instrument, kind): &SeriesKey| FeedConfig {
        series: info(*instrument, *kind).name(),
        dataset: dir.to_path_buf(),
        instrument: *instrument,
    };
    series.keys().map(feed).collect()
}

fn write<R: Record>(writer: &DatasetWriter, info: SeriesInfo, records: impl Iterator<Item = R>) {
    let mut series = writer.series::<R>(info).unwrap();
    records.for_each(|record| series.push(record).unwrap());
    series.commit(SourceNote { file: "random".into(), blake3: [0; 32], rows: 0 }).unwrap();
    series.finish().unwrap();
}

fn info(instrument: u16, kind: RecordKind) -> SeriesInfo {
    let is_bars = kind == RecordKind::Bars;
    SeriesInfo {
        venue: "test".into(),
        symbol: format!("X{instrument}"),
        kind,
        price_decimals: 2,
        qty_decimals: 3,
        interval: is_bars.then(|| interval(InstrumentId::new(instrument))),
        bar_time: is_bars.then_some(BarTime::Open),
        synthetic: true,
    }
}

fn id_of(item: &MarketItem) -> u16 {
    u16::try_from(item.update.instrument().index()).unwrap()
}

const fn kind_of(item: &MarketItem) -> RecordKind {
    match item.update {
        MarketUpdate::Trade(_) => RecordKind::Trades,
        MarketUpdate::Quote(_) => RecordKind::Quotes,
        MarketUpdate::Open(_) | MarketUpdate::Bar(_) | MarketUpdate::SignalBar(_) => RecordKind::Bars,
    }
}

fn stored(qty: Qty) -> i64 {
    i64::try_from(qty.units()).unwrap()
}

fn trade_record(update: MarketUpdate) -> Option<TradeRecord> {
    let MarketUpdate::Trade(trade) = update else { return None };
    let side = match trade.aggressor {
        Aggressor::Unknown => 0,
        Aggressor::Buyer => 1,
        Aggressor::Seller => 2,
    };
    let (price, qty) = (trade.price.units(), stored(trade.qty));
    let venue_at = trade.venue_at.nanos();
    Some(TradeRecord { venue_at, price, qty, lag_us: LAG_UNKNOWN, side })
}

fn quote_record(update: MarketUpdate) -> Option<QuoteRecord> {
    let MarketUpdate::Quote(quote) = update else { return None };
    Some(QuoteRecord {
        venue_at: quote.venue_at.nanos(),
        bid: quote.bid.units(),
        bid_qty: stored(quote.bid_qty),
        ask: quote.ask.units(),
        ask_qty: stored(quote.ask_qty),
        lag_us: LAG_UNKNOWN,
    })
}

fn bar_record(update: MarketUpdate) -> Option<BarRecord> {
    let (MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar)) = update else { return None };
    let length = bar.length();
    let is_odd = length != interval(bar.instrument);
    Some(BarRecord {
        own_length_ns: if is_odd { length.nanos() } else { 0 },
        open_at: bar.open_at.nanos(),
        open: bar.open.units(),
        high: bar.high.units(),
        low: bar.low.units(),
        close: bar.close.units(),
        volume: stored(bar.volume),
        ..BarRecord::default()
    })
}
