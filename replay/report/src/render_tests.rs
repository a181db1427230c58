//! What the report shows for runs of every kind, read back from its markup.

use engine_core::event::{DatasetRef, Manifest};
use engine_core::fill::Liquidity;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Bar, Side};
use engine_core::num::{Money, Price, Qty};
use engine_core::order::OrderId;
use engine_core::time::{Span, Timestamp};

use super::candles::BYTES_MAX;
use super::{Counted, Ending, FillRule, HaltLine, ReportInput, render, summary_table};
use replay_statistics::{
    BuyAndHold, EquityRecorder, FillFact, PriceCandles, PriceRecorder, Recorded, Statistics, TradeBook,
};

const EVIL: &str = "<script>alert('x')</script>\" onload=\"&";

struct Run {
    manifest: Manifest,
    equity: EquityRecorder,
    reference: BuyAndHold,
    prices: Vec<PriceRecorder>,
    candles: Vec<PriceCandles>,
    trades: TradeBook,
    statistics: Statistics,
}

fn rules(index: usize) -> Instrument {
    Instrument {
        venue: format!("venue{index}"),
        symbol: "BTCUSDT".into(),
        price_decimals: 8,
        qty_decimals: 8,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

fn manifest(instruments: &[Instrument], synthetic: bool) -> Manifest {
    Manifest {
        engine_version: "0.1.0".into(),
        mode: "backtest".into(),
        config_json: r#"{"name":"</pre>"}"#.into(),
        strategy: format!("evil {EVIL}"),
        instruments: instruments.to_vec(),
        datasets: vec![DatasetRef { name: "d".into(), count: 3, digest: [0xab; 32], first: 1, last: 3 }],
        seed: 1,
        capital: Money::from_units(1_000_000 * 10_i128.pow(18)),
        synthetic,
    }
}

/// A run of `bars` hourly bars over `count` instruments that flips its position every `every` bars.
fn run(count: usize, bars: i64, every: i64, synthetic: bool) -> Run {
    let instruments: Vec<Instrument> = (0..count).map(rules).collect();
    let mut equity = EquityRecorder::new(1e6);
    let mut reference = BuyAndHold::new(1e6, count, 0.001, Timestamp::MIN);
    let mut prices = vec![PriceRecorder::new(); count];
    let mut trades = TradeBook::new(&instruments);
    let mut wave = 20_000.0_f64;
    equity.begin(Timestamp::from_nanos(0));
    for bar in 1..=bars {
        let at = Timestamp::from_nanos(bar * Span::HOUR.nanos());
        wave += ((bar * 7_919 % 101) as f64 - 50.0) * 1.37;
        for (index, recorder) in (0_u16..).zip(&mut prices) {
            let id = InstrumentId::new(index);
            recorder.mark(at, wave);
            reference.price(id, at, wave);
            reference.mark(id, wave);
            if bar % every == 0 {
                let side = if bar / every % 2 == 0 { Side::Buy } else { Side::Sell };
                trades.fill(&flip(at, id, side, wave, bar)).unwrap();
            }
        }
        reference.sample(at);
        equity.sample(at, 1e6 + wave, wave, true);
    }
    let statistics = Statistics::of(&Recorded { equity: &equity, trades: &trades, reference: &reference });
    let manifest = manifest(&instruments, synthetic);
    let candles = prices.iter().map(|prices| candles(prices, bars)).collect();
    Run { manifest, equity, reference, prices, candles, trades, statistics }
}

/// The first of [`candles`]: it ends where the chart begins; its open, and how far it went.
const FIRST: [i64; 5] = [0, 2_000_061_803_399, 1_123_456_789, 1_025_850_921, -38_196_600];

/// Candles of hourly bars that use all their eight decimals.
fn candles(prices: &PriceRecorder, bars: i64) -> PriceCandles {
    let mut candles = PriceCandles::over(prices);
    let at = |number: i64| 2_000_000_000_000 + number * 61_803_398_875 % 100_000_000_007 / 1_000 + number;
    for number in 1..=bars {
        let hour = |number: i64| Timestamp::from_nanos(number * Span::HOUR.nanos());
        let (open, close) = (at(number), at(number + 1));
        candles.add(&Bar {
            instrument: InstrumentId::new(0),
            open_at: hour(number - 1),
            close_at: hour(number),
            open: Price::from_units(open),
            high: Price::from_units(open.max(close) + 1_123_456_789),
            low: Price::from_units(open.min(close) - 987_654_321),
            close: Price::from_units(close),
            volume: Qty::from_units(1),
            trades: 0,
        });
    }
    candles
}

fn flip(at: Timestamp, instrument: InstrumentId, side: Side, price: f64, bar: i64) -> FillFact<'static> {
    FillFact {
        at,
        instrument,
        side,
        qty: Qty::from_units(123_456_789),
        price: Price::from_units((price * 1e8) as i64 + bar % 1_000),
        fee: Money::from_units(12_345_678_901_234_567),
        liquidity: Liquidity::Taker,
        order: OrderId::new(bar.unsigned_abs()),
        decided_price: Price::from_units((price * 1e8) as i64),
        reason: "the fast average crossed the slow one from below <now>",
    }
}

fn rendered(run: &Run, optimistic: bool, ending: Ending<'_>) -> String {
    render(&ReportInput {
        manifest: &run.manifest,
        head: "ab".repeat(32).as_str(),
        fill_rule: FillRule { name: "same-close", meaning: "at the close it was decided on.", optimistic },
        ending,
        statistics: &run.statistics,
        equity: &run.equity,
        reference: &run.reference,
        prices: &run.prices,
        candles: &run.candles,
        regimes: &[],
        since: &[],
        trades: &run.trades,
        refusals: &[Counted { what: EVIL.into(), count: 2 }],
        halts: &[HaltLine { at: Timestamp::from_nanos(5), what: EVIL.into() }],
        assumptions: &[EVIL.into()],
        commands: &[super::CommandLine { purpose: EVIL.into(), command: EVIL.into() }],
    })
}

#[test]
fn no_string_of_a_user_becomes_markup() {
    let html = rendered(&run(1, 60, 5, true), true, Ending::Halted(EVIL));
    assert_eq!(html.matches("<script>").count(), 1, "only our own script");
    assert!(html.matches("&lt;script&gt;alert(&#39;x&#39;)").count() >= 6);
    assert!(!html.contains("alert('x')") && !html.contains("onload=\""));
    assert_eq!(html.matches("<pre>").count(), html.matches("</pre>").count());
}

#[test]
fn the_page_asks_the_network_for_nothing() {
    let html = rendered(&run(2, 100, 3, false), false, Ending::Complete);
    for wanting in ["http:", "https:", "//", "src=", "href=", "@import", "url("] {
        let own = html.replace("// ", "");
        assert!(!own.contains(wanting), "{wanting} in the page");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn banners_are_where_they_belong_and_in_every_chart() {
    let run_made_up = run(1, 60, 5, true);
    let html = rendered(&run_made_up, true, Ending::Incomplete("killed"));
    for word in ["SYNTHETIC", "OPTIMISTIC FILLS", "INCOMPLETE"] {
        assert!(html.contains(&format!("<b>{word}</b>")), "{word}");
    }
    let charts = html.matches("<figure>").count();
    assert_eq!(
        html.matches("<span class=\"stamp\">INCOMPLETE · SYNTHETIC · OPTIMISTIC FILLS</span>").count(),
        charts
    );
    assert!(html.contains("<title>INCOMPLETE · SYNTHETIC · OPTIMISTIC FILLS"));
    let plain = rendered(&run(1, 60, 5, false), false, Ending::Complete);
    assert!(!plain.contains("class=\"banner") && !plain.contains("class=\"stamp\""));
}

#[test]
fn forty_thousand_trades_on_eight_instruments_stay_below_a_megabyte() {
    let run = run(8, 10_002, 1, true);
    assert!(run.trades.closed().len() >= 40_000, "{}", run.trades.closed().len());
    let html = rendered(&run, true, Ending::Halted("drawdown"));
    // As if the candles of all eight charts took all they may.
    let told: Vec<usize> =
        html.split("<div data-candles=\"").skip(1).filter_map(|rest| rest.find('"')).collect();
    let room = 8 * BYTES_MAX - told.iter().sum::<usize>();
    assert_eq!(told.len(), 8);
    assert!(html.len() + room < 1_000_000, "{} bytes, and {room}", html.len());
    assert!(html.contains("trades are not shown here") && html.contains("4 more instruments"));
}

#[test]
fn a_run_in_which_nothing_happened_still_makes_a_page() {
    let (equity, trades) = (EquityRecorder::new(1e6), TradeBook::new(&[]));
    let reference = BuyAndHold::new(1e6, 0, 0.0, Timestamp::MIN);
    let statistics = Statistics::of(&Recorded { equity: &equity, trades: &trades, reference: &reference });
    let manifest = manifest(&[], false);
    let (prices, candles) = (Vec::new(), Vec::new());
    let run = Run { manifest, equity, reference, prices, candles, trades, statistics };
    let html = rendered(&run, false, Ending::Complete);
    assert!(html.contains("No trade was closed") && html.contains("Nothing to draw"));
    assert!(!html.contains("NaN") && !html.contains(">inf"));
}

/// What the page tells of the bars of its first chart: candles behind a line of what they are told in.
fn told_of_bars(html: &str) -> (String, Vec<Vec<i64>>) {
    let told = html.split("<div data-candles=\"").nth(1).and_then(|rest| rest.split('"').next());
    let mut rows = told.unwrap().split(';');
    let head = rows.next().unwrap().to_owned();
    let number = |word: &str| if word.is_empty() { 0 } else { i64::from_str_radix(word, 36).unwrap() };
    (head, rows.map(|row| row.split(',').map(number).collect()).collect())
}

#[test]
fn bars_tell_their_four_prices_exactly_and_other_runs_nothing() {
    let (head, rows) = told_of_bars(&rendered(&run(1, 4, 2, false), false, Ending::Complete));
    assert_eq!((head.as_str(), rows.len()), ("8,3600000", 4));
    assert_eq!(rows[0], FIRST);
    let waits: Vec<i64> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(waits, [0, 1, 0, 0], "each an hour behind the one before");
    // Of more bars than columns each candle says of how many it is.
    let (_, rows) = told_of_bars(&rendered(&run(1, 9_000, 2, false), false, Ending::Complete));
    let mut bars = 1;
    let each = rows.iter().map(|row| {
        bars += row.get(5).copied().unwrap_or(0);
        bars
    });
    assert_eq!(each.sum::<i64>(), 9_000);
    let mut ticks = run(1, 60, 5, false);
    ticks.candles = vec![PriceCandles::over(&ticks.prices[0])];
    assert!(!rendered(&ticks, false, Ending::Complete).contains("<div data-candles"));
}

#[test]
fn equal_runs_give_equal_bytes() {
    let once = rendered(&run(2, 500, 7, true), true, Ending::Complete);
    assert_eq!(once, rendered(&run(2, 500, 7, true), true, Ending::Complete));
}

#[test]
fn the_terminal_table_is_aligned_and_says_its_conventions() {
    let table = summary_table(&run(1, 3_000, 50, false).statistics);
    let brackets: Vec<usize> =
        table.lines().filter_map(|line| line.find('[').map(|at| line[..at].chars().count())).collect();
    assert!(brackets.len() > 20 && brackets.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
    assert!(table.contains("[daily returns, risk-free 0, n − 1, × √365]"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 110), "{table}");
}
