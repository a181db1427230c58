//! The trades of backtesting.py reference runs, recomputed from their entries and exits.

use std::path::PathBuf;

use engine_core::fill::Liquidity;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty, Ratio, parse_decimal};
use engine_core::order::OrderId;
use engine_core::time::Timestamp;
use serde_json::Value;

use super::amount::money_f64;
use super::equity::EquityRecorder;
use super::trade_book::{FillFact, TradeBook};
use super::trade_figures::TradeFigures;

const RUNS: [&str; 4] = [
    "bt_limitdip_BTCUSDT_1h",
    "bt_smacross_bracket_ETHUSDT_1h",
    "bt_smacross_unit_BTCUSDT_1d",
    "bt_smacross_unit_BTCUSDT_1h",
];

/// One line of a `.trades.csv`.
struct Row {
    size: i64,
    prices: [Price; 2],
    moments: [Timestamp; 2],
    profit: f64,
    commission: f64,
    return_share: f64,
}

fn oracle(name: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market/oracle");
    let text = std::fs::read_to_string(root.join(name)).ok();
    if text.is_none() {
        println!("skipped: shared data not found");
    }
    text
}

fn rows(text: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let price = |at: usize| Price::from_units(parse_decimal(cells[at].as_bytes(), 8).unwrap().units);
        let moment = |at: usize| Timestamp::from_millis(cells[at].parse().unwrap()).unwrap();
        Row {
            size: cells[0].parse().unwrap(),
            prices: [price(3), price(4)],
            moments: [moment(10), moment(11)],
            profit: cells[7].parse().unwrap(),
            commission: cells[8].parse().unwrap(),
            return_share: cells[9].parse().unwrap(),
        }
    };
    text.lines().skip(1).map(row).collect()
}

fn rules() -> Instrument {
    Instrument {
        venue: "oracle".into(),
        symbol: "X".into(),
        price_decimals: 8,
        qty_decimals: 8,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

/// A fill of `size` whole units at a commission of 0.1 %; a negative size sells.
fn fill(book: &mut TradeBook, size: i64, price: Price, at: Timestamp) {
    let qty = Qty::from(size.abs() * 100_000_000);
    let notional = rules().notional(price, qty).unwrap();
    let fact = FillFact {
        at,
        instrument: InstrumentId::new(0),
        side: if size > 0 { Side::Buy } else { Side::Sell },
        qty,
        price,
        fee: notional.times(Ratio::from_bps(10).unwrap()).unwrap(),
        liquidity: Liquidity::Taker,
        order: OrderId::new(1),
        decided_price: price,
        reason: "oracle",
    };
    book.fill(&fact).unwrap();
}

/// The book of a run. An exit that another entry follows at once, the other way round, is one fill that
/// flips the position, as our engine would make it.
fn book_of(rows: &[Row]) -> (TradeBook, usize) {
    let mut book = TradeBook::new(&[rules()]);
    let (mut pending, mut flips) = (0, 0);
    for (place, row) in rows.iter().enumerate() {
        if pending == 0 {
            fill(&mut book, row.size, row.prices[0], row.moments[0]);
        }
        let next = rows.get(place + 1).filter(|next| {
            next.moments[0] == row.moments[1] && next.prices[0] == row.prices[1] && next.size == -row.size
        });
        pending = next.map_or(0, |next| next.size);
        flips += usize::from(next.is_some());
        fill(&mut book, pending - row.size, row.prices[1], row.moments[1]);
    }
    (book, flips)
}

/// Open times in milliseconds and closes of a bar file.
fn bars(name: &str) -> Option<Vec<(i64, f64)>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market");
    let Ok(file) = std::fs::File::open(root.join(name)) else {
        println!("skipped: shared data not found");
        return None;
    };
    let text = std::io::read_to_string(zstd::Decoder::new(file).unwrap()).unwrap();
    let bar = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[0].parse().unwrap(), cells[4].parse().unwrap())
    };
    Some(text.lines().skip(1).map(bar).collect())
}

/// Equity at every close of runs whose trades fill at the open of a bar or inside it, half of the commission
/// (0.1 % a side) paid at the entry.
fn equity_of(rows: &[Row], bars: &[(i64, f64)]) -> EquityRecorder {
    let mut recorder = EquityRecorder::new(1e6);
    let step = bars[1].0 - bars[0].0;
    recorder.begin(Timestamp::from_millis(bars[0].0).unwrap());
    let (mut entered, mut closed, mut profit) = (0, 0, 0.0);
    for (open, close) in bars {
        let past = |moment: Timestamp| moment <= Timestamp::from_millis(*open).unwrap();
        while rows.get(closed).is_some_and(|row| past(row.moments[1])) {
            profit += rows[closed].profit;
            closed += 1;
        }
        while rows.get(entered).is_some_and(|row| past(row.moments[0])) {
            entered += 1;
        }
        let open_profit = |row: &Row| {
            let entry = rules().price_f64(row.prices[0]);
            row.size as f64 * (close - entry) - row.size.abs() as f64 * entry * 0.001
        };
        let held: f64 = rows[closed..entered].iter().map(open_profit).sum();
        let at = Timestamp::from_millis(open + step).unwrap();
        recorder.sample(at, 1e6 + profit + held, 0.0, entered > closed);
    }
    recorder
}

#[test]
fn return_and_drawdown_of_the_reference_runs_come_out_equal() {
    for run in RUNS {
        let (Some(trades), Some(figures)) =
            (oracle(&format!("{run}.trades.csv")), oracle(&format!("{run}.json")))
        else {
            return;
        };
        let document: Value = serde_json::from_str(&figures).unwrap();
        let Some(bars) = bars(document["data_file"].as_str().unwrap()) else { return };
        let equity = equity_of(&rows(&trades), &bars);
        let stats = |name: &str| document["stats"][name].as_f64().unwrap();
        let falls = equity.falls();
        assert_close((equity.final_equity() / 1e6 - 1.0) * 100.0, stats("Return [%]"), run);
        assert_close(falls.deepest.unwrap().depth() * 100.0, stats("Max. Drawdown [%]"), run);
    }
}

fn assert_close(ours: f64, expected: f64, what: &str) {
    assert!((ours - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {ours} is not {expected}");
}

#[test]
fn every_trade_of_the_reference_runs_comes_out_equal() {
    let mut flips_seen = 0;
    for run in RUNS {
        let Some(text) = oracle(&format!("{run}.trades.csv")) else { return };
        let rows = rows(&text);
        let (book, flips) = book_of(&rows);
        flips_seen += flips;
        assert_eq!(book.closed().len(), rows.len(), "{run}");
        assert_eq!(book.open(InstrumentId::new(0)).count(), 0, "{run}");
        for (place, (row, (trade, rules))) in rows.iter().zip(book.trades()).enumerate() {
            let what = format!("{run} trade {place}");
            assert_eq!([trade.entry_at, trade.exit_at], row.moments, "{what}");
            assert_eq!([trade.entry_price, trade.exit_price], row.prices, "{what}");
            assert_eq!(trade.side.signed(trade.qty).units(), i128::from(row.size) * 100_000_000, "{what}");
            assert_close(money_f64(trade.profit(rules)), row.profit, &what);
            assert_close(money_f64(trade.fees), row.commission, &what);
            assert_close(trade.return_share(rules), row.return_share, &what);
        }
    }
    assert!(flips_seen > 1_000, "only {flips_seen} flips");
}

#[test]
fn the_figures_of_the_reference_runs_come_out_equal() {
    for run in RUNS {
        let (Some(trades), Some(figures)) =
            (oracle(&format!("{run}.trades.csv")), oracle(&format!("{run}.json")))
        else {
            return;
        };
        let document: Value = serde_json::from_str(&figures).unwrap();
        let (book, _) = book_of(&rows(&trades));
        let ours = TradeFigures::of(&book);
        let compared = [
            ("Win Rate [%]", ours.win_rate_pct),
            ("Best Trade [%]", ours.best_trade_pct),
            ("Worst Trade [%]", ours.worst_trade_pct),
            // backtesting.py calls the mean of returns expectancy; its average trade is a geometric mean.
            ("Expectancy [%]", ours.average_trade_pct),
            ("SQN", ours.sqn),
            ("Kelly Criterion", ours.kelly_pct.map(|kelly| kelly / 100.0)),
        ];
        for (name, value) in compared {
            let expected = document["stats"][name].as_f64().unwrap();
            assert_close(value.unwrap(), expected, &format!("{run} {name}"));
        }
        assert_close(ours.trades as f64, document["stats"]["# Trades"].as_f64().unwrap(), run);
        assert_close(ours.gross_profit + ours.gross_loss, document["sum_pnl"].as_f64().unwrap(), run);
        let fees = book.traffic(InstrumentId::new(0)).taker_fees;
        assert_close(money_f64(fees), document["sum_commission"].as_f64().unwrap(), run);
    }
}
