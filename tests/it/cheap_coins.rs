//! Coins so cheap that a full order of them outgrows 64 bits: whole backtests over bars, to the last digit.

use std::path::Path;

use engine_application::wiring::error::ApplicationError;
use engine_cli::output::failure::Failure;
use engine_core::halt::HaltReason;
use engine_core::halt::TooLarge;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money};
use engine_core::time::Span;
use journal_store::dataset::{DatasetWriter, PageOptions};
use journal_store::record::{BarRecord, RecordKind};
use journal_store::series::BarTime;
use journal_store::series::SeriesInfo;
use journal_store::series::SourceNote;
use system_tests::{Played, play};

/// Hourly bars of one price each, in units of 10⁻⁸.
fn market(dir: &Path, prices: &[i64]) {
    let info = SeriesInfo {
        venue: "test".into(),
        symbol: "MEME".into(),
        kind: RecordKind::Bars,
        price_decimals: 8,
        qty_decimals: 8,
        interval: Some(Span::HOUR),
        bar_time: Some(BarTime::Open),
        synthetic: true,
    };
    let writer = DatasetWriter::open(dir, PageOptions::default()).unwrap();
    let mut series = writer.series::<BarRecord>(info).unwrap();
    for (hour, price) in (0..).zip(prices.iter().copied()) {
        let (open_at, volume) = (hour * Span::HOUR.nanos(), 1_000);
        let [open, high, low, close] = [price; 4];
        series.push(BarRecord { open_at, open, high, low, close, volume, ..BarRecord::default() }).unwrap();
    }
    series.commit(SourceNote { file: "made".into(), blake3: [0; 32], rows: prices.len() as u64 }).unwrap();
    series.finish().unwrap();
}

/// Holds `size` from the first bar on, of 1 500 000 and at a fee of 0.1 %.
fn held(size: &str, prices: &[i64]) -> Played {
    let dir = tempfile::tempdir().unwrap();
    market(dir.path(), prices);
    let toml = format!(
        r#"
        [run]
        capital = "1500000"
        fill = "same-close"
        [costs]
        taker_fee = "0.1%"
        [risk]
        drawdown_max = 1
        [strategy]
        name = "buy-and-hold"
        size = {{ {size} }}
    "#
    );
    play(&toml, &[dir.path()])
}

fn text(amount: Money) -> String {
    Decimal { units: amount.units(), decimals: MONEY_DECIMALS }.to_string()
}

fn bought_and_left(played: &Played) -> (String, String) {
    assert_eq!((played.counts.orders, played.counts.fills), (1, 1), "{:?}", played.counts);
    let state = played.core.state();
    assert_eq!(state.equity_from_books(), Some(state.equity()));
    let qty = state.instruments()[0].qty_decimal(state.ledger().positions()[0].qty);
    (qty.to_string(), text(state.equity()))
}

const RISING: [i64; 9] = [1_200, 1_300, 1_400, 1_500, 1_600, 1_700, 1_800, 1_900, 2_000];

#[test]
fn a_full_order_of_a_cheap_coin_is_bought_in_full() {
    // 1.5 M × (1 + 0.95 × (2.0 ÷ 1.2 − 1)), less 0.1 % of 1 425 000.
    let played = held(r#"units = "118750000000""#, &RISING);
    assert_eq!(bought_and_left(&played), ("118750000000".to_owned(), "2448575".to_owned()));
}

#[test]
fn a_share_of_equity_in_a_cheap_coin_is_the_share_with_its_fee() {
    // 95 % of 1 500 000 pay for 1 425 000 ÷ 1.001 ÷ 0.000012 coins and their fee.
    let played = held(r#"equity_share = "0.95""#, &RISING);
    let (qty, equity) = bought_and_left(&played);
    assert_eq!((qty.as_str(), equity.as_str()), ("118631368631.36863136", "2447627.37262737262730368"));
}

#[test]
fn a_size_by_notional_is_the_whole_amount() {
    let played = held(r#"notional = "1000000""#, &[110, 220]);
    let (qty, equity) = bought_and_left(&played);
    assert_eq!((qty.as_str(), equity.as_str()), ("909090909090.9090909", "2498999.99999999999999001"));
}

#[test]
fn a_price_at_which_the_position_does_not_fit_halts_and_is_no_result() {
    let beyond = 9_000_000_000_000_000_000;
    let played = held(r#"equity_share = "0.95""#, &[1_200, 1_200, beyond, beyond + 1]);
    let halts: Vec<HaltReason> = played.counts.halts.iter().map(|(_, reason)| *reason).collect();
    assert!(
        matches!(halts[..], [HaltReason::AmountTooLarge(TooLarge::Position { mark, .. })] if mark.units() == beyond),
        "{halts:?}"
    );
    let failure = Failure::from(ApplicationError::unless_all_fits(&played.counts).unwrap_err());
    assert_eq!(failure.document()["error"]["kind"], "amount_too_large");
    assert!(failure.line().contains("what it earned is not known"), "{}", failure.line());
}
