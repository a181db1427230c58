//! A small made-up market, and what an import of it must hold: the truth the files of every source are written from.

use journal_store::record::{BarRecord, QuoteRecord, TradeRecord};

use super::Desk;

/// 2021-03-04T00:00:00Z in seconds.
pub(super) const DAY: i64 = 1_614_816_000;

const E8: i64 = 100_000_000;

/// A bar in units of eight decimals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bar {
    /// When it opens, seconds since the epoch.
    pub(super) at: i64,
    /// Open, high, low, close.
    pub(super) prices: [i64; 4],
    pub(super) volume: i64,
    pub(super) trades: i64,
}

/// A trade in units of eight decimals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trade {
    /// When it happened, milliseconds since the epoch.
    pub(super) at_ms: i64,
    pub(super) price: i64,
    pub(super) qty: i64,
    /// Whether the buyer took.
    pub(super) buy: bool,
}

/// A best bid and offer in units of eight decimals: bid, its quantity, ask, its quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quote {
    pub(super) at_ms: i64,
    pub(super) sides: [i64; 4],
}

/// Bars every `step` seconds; no two of their prices are equal, so that no column can stand for another.
pub(super) fn bars(count: i64, step: i64) -> Vec<Bar> {
    let bar = |number: i64| {
        let open = 10_000 * E8 + number * 1_250_000 + (number % 5) * 70 * E8;
        let prices = [open, open + 31 * E8 + 500_000, open - 27 * E8 - 250_000, open + 9 * E8 + 10_000];
        let volume = (number + 1) * E8 + 12_500_000;
        Bar { at: DAY + number * step, prices, volume, trades: 40 + number }
    };
    (0..count).map(bar).collect()
}

/// Trades a few hundred milliseconds apart.
pub(super) fn trades(count: i64) -> Vec<Trade> {
    let trade = |number: i64| Trade {
        at_ms: DAY * 1_000 + number * 370 + 5,
        price: 9_999 * E8 + (number * 7 % 11) * 5_000_000,
        qty: (number % 9 + 1) * 1_000_000,
        buy: number % 3 == 0,
    };
    (0..count).map(trade).collect()
}

/// Quotes of which each differs from the one before.
pub(super) fn quotes(count: i64) -> Vec<Quote> {
    let quote = |number: i64| {
        let bid = 500 * E8 + (number % 4) * 1_000_000;
        let sizes = [(number % 5 + 1) * 10_000_000, (number % 7 + 1) * 25_000_000];
        Quote { at_ms: DAY * 1_000 + number * 250, sides: [bid, sizes[0], bid + 2_000_000, sizes[1]] }
    };
    (0..count).map(quote).collect()
}

/// `units` of eight decimals as people write them.
pub(super) fn text(units: i64) -> String {
    let digits = format!("{}.{:08}", units / E8, units % E8);
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `units` of eight decimals as a float.
pub(super) fn float(units: i64) -> f64 {
    text(units).parse().unwrap()
}

/// Lines of `rows`, each written by `line`, under `header`.
pub(super) fn lines<T>(header: &str, rows: &[T], line: impl Fn(&T) -> String) -> String {
    let mut all = header.to_owned();
    for row in rows {
        all.push_str(&line(row));
        all.push('\n');
    }
    all
}

/// What was imported is `expected`: rows, first, last, sums, and every row.
#[track_caller]
pub(super) fn holds_bars(desk: &Desk, expected: &[Bar]) {
    let found: Vec<Bar> = desk.bars().iter().map(bar_of).collect();
    let sums = |bars: &[Bar]| {
        bars.iter().fold([0_i128; 3], |[closes, volumes, trades], bar| {
            [
                closes + i128::from(bar.prices[3]),
                volumes + i128::from(bar.volume),
                trades + i128::from(bar.trades),
            ]
        })
    };
    assert_eq!(
        (found.len(), found.first(), found.last()),
        (expected.len(), expected.first(), expected.last())
    );
    assert_eq!(sums(&found), sums(expected));
    assert_eq!(found, expected);
}

fn bar_of(bar: &BarRecord) -> Bar {
    assert_eq!(bar.open_at % 1_000_000_000, 0);
    let prices = [bar.open, bar.high, bar.low, bar.close];
    Bar { at: bar.open_at / 1_000_000_000, prices, volume: bar.volume, trades: i64::from(bar.trades) }
}

/// The same bars of a source that counts no trades.
pub(super) fn uncounted(bars: &[Bar]) -> Vec<Bar> {
    bars.iter().map(|bar| Bar { trades: 0, ..*bar }).collect()
}

/// What was imported is `expected`; `sided` tells whether the source names who took.
#[track_caller]
pub(super) fn holds_trades(desk: &Desk, expected: &[Trade], sided: bool) {
    let trade_of = |trade: &TradeRecord| {
        let side = if sided { if trade.side == 1 { 1 } else { 2 } } else { 0 };
        assert_eq!(trade.side, side, "{trade:?}");
        Trade { at_ms: trade.venue_at / 1_000_000, price: trade.price, qty: trade.qty, buy: trade.side == 1 }
    };
    let found: Vec<Trade> = desk.trades().iter().map(trade_of).collect();
    let expected: Vec<Trade> =
        expected.iter().map(|trade| Trade { buy: trade.buy && sided, ..*trade }).collect();
    let sums = |trades: &[Trade]| {
        trades.iter().fold((0_i128, 0_i128), |(prices, qtys), trade| {
            (prices + i128::from(trade.price), qtys + i128::from(trade.qty))
        })
    };
    assert_eq!(
        (found.len(), found.first(), found.last()),
        (expected.len(), expected.first(), expected.last())
    );
    assert_eq!(sums(&found), sums(&expected));
    assert_eq!(found, expected);
}

/// What was imported is `expected`, each quote `late_ms` after its own moment.
#[track_caller]
pub(super) fn holds_quotes(desk: &Desk, expected: &[Quote], late_ms: i64) {
    let quote_of = |quote: &QuoteRecord| Quote {
        at_ms: quote.venue_at / 1_000_000 - late_ms,
        sides: [quote.bid, quote.bid_qty, quote.ask, quote.ask_qty],
    };
    let found: Vec<Quote> = desk.quotes().iter().map(quote_of).collect();
    let sums = |quotes: &[Quote]| {
        quotes.iter().fold([0_i128; 4], |sums, quote| {
            std::array::from_fn(|side| sums[side] + i128::from(quote.sides[side]))
        })
    };
    assert_eq!(
        (found.len(), found.first(), found.last()),
        (expected.len(), expected.first(), expected.last())
    );
    assert_eq!(sums(&found), sums(expected));
    assert_eq!(found, expected);
}
