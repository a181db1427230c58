//! Round trips out of fills, against the ledger and against plain arithmetic.

use engine_core::fill::Liquidity;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::ledger::{Ledger, open_profit};
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty};
use engine_core::order::OrderId;
use engine_core::time::Timestamp;
use proptest::prelude::*;

use super::trade_book::{FillFact, TradeBook, TradeBookError};
use super::trade_figures::{TradeFigures, exit_reasons};

const ONLY: InstrumentId = InstrumentId::new(0);

fn rules() -> Instrument {
    Instrument {
        venue: "test".into(),
        symbol: "X".into(),
        price_decimals: 2,
        qty_decimals: 3,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

fn fact(at: i64, side: Side, price: i64, qty: i64, fee: i128) -> FillFact<'static> {
    FillFact {
        at: Timestamp::from_nanos(at),
        instrument: ONLY,
        side,
        qty: Qty::from(qty),
        price: Price::from_units(price),
        fee: Money::from_units(fee),
        liquidity: Liquidity::Taker,
        order: OrderId::new(at.unsigned_abs()),
        decided_price: Price::from_units(price),
        reason: "because",
    }
}

fn book_of(facts: &[FillFact<'_>]) -> TradeBook {
    let mut book = TradeBook::new(&[rules()]);
    for fact in facts {
        book.fill(fact).unwrap();
    }
    book
}

#[test]
fn what_a_book_began_with_is_closed_first_at_its_average_price() {
    let mut book = TradeBook::new(&[rules()]);
    book.carry(ONLY, Qty::from_units(-1_000), Price::from_units(12_000), Timestamp::from_nanos(5));
    book.fill(&fact(9, Side::Buy, 11_000, 1_500, 30)).unwrap();
    let [trade] = book.closed() else { panic!("one trade, not {}", book.closed().len()) };
    assert_eq!((trade.side, trade.qty.units(), trade.entry_at.nanos()), (Side::Sell, 1_000, 5));
    assert_eq!((trade.entry_order.number(), trade.fees.units()), (0, 20));
    assert_eq!(trade.profit(&rules()).units(), 10 * 10_i128.pow(18) - 20);
    assert!(book.reasons_of(trade).0.contains("average price"));
    assert_eq!((book.carried(), book.open(ONLY).count()), (1, 1));
}

#[test]
fn a_flip_closes_and_opens_and_the_remainder_of_the_fee_goes_to_the_opening() {
    let book = book_of(&[fact(1, Side::Buy, 10_000, 1_000, 30), fact(2, Side::Sell, 11_000, 3_000, 10)]);
    let [trade] = book.closed() else { panic!("one trade, not {}", book.closed().len()) };
    assert_eq!((trade.side, trade.qty.units(), trade.fees.units()), (Side::Buy, 1_000, 30 + 3));
    assert_eq!(trade.profit(&rules()).units(), 10 * 10_i128.pow(18) - 33);
    let lots: Vec<_> = book.open(ONLY).collect();
    assert_eq!(
        (lots.len(), lots[0].side, lots[0].qty.units(), lots[0].fee.units()),
        (1, Side::Sell, 2_000, 7)
    );
}

#[test]
fn a_partial_close_takes_the_oldest_lots_and_makes_a_trade_of_each_portion() {
    let book = book_of(&[
        fact(1, Side::Buy, 100, 10, 100),
        fact(2, Side::Buy, 200, 10, 100),
        fact(3, Side::Sell, 300, 15, 99),
    ]);
    let parts: Vec<_> = book
        .closed()
        .iter()
        .map(|trade| (trade.entry_price.units(), trade.qty.units(), trade.fees.units()))
        .collect();
    assert_eq!(parts, [(100, 10, 100 + 66), (200, 5, 50 + 33)]);
    let left: Vec<_> = book.open(ONLY).map(|lot| (lot.qty.units(), lot.fee.units())).collect();
    assert_eq!(left, [(5, 50)]);
}

#[test]
fn excursions_run_from_the_entry_of_each_lot_to_its_exit() {
    let mut book = TradeBook::new(&[rules()]);
    let range = |book: &mut TradeBook, high, low| {
        book.mark(ONLY, Price::from_units(high), Price::from_units(low));
    };
    range(&mut book, 9_999, 1);
    book.fill(&fact(1, Side::Buy, 1_000, 10, 0)).unwrap();
    range(&mut book, 1_100, 900);
    book.fill(&fact(2, Side::Buy, 1_000, 10, 0)).unwrap();
    range(&mut book, 1_050, 950);
    book.fill(&fact(3, Side::Sell, 1_200, 20, 0)).unwrap();
    let seen: Vec<_> =
        book.closed().iter().map(|trade| (trade.lowest.units(), trade.highest.units())).collect();
    assert_eq!(seen, [(900, 1_200), (950, 1_200)]);
}

#[test]
fn slippage_is_what_the_fill_cost_against_the_decision() {
    let slipped = |side, price, decided| {
        let fill = FillFact { decided_price: Price::from_units(decided), ..fact(1, side, price, 2_000, 0) };
        book_of(&[fill]).traffic(ONLY).slippage.units()
    };
    let one = 10_i128.pow(18);
    assert_eq!(slipped(Side::Buy, 10_100, 10_000), 2 * one);
    assert_eq!(slipped(Side::Sell, 9_900, 10_000), 2 * one);
    assert_eq!(slipped(Side::Sell, 10_100, 10_000), -2 * one);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut book = TradeBook::new(&[rules()]);
    let huge = fact(1, Side::Buy, i64::MAX, i64::MAX, 0);
    assert_eq!(book.fill(&huge), Err(TradeBookError::Overflow));
    let stranger = FillFact { instrument: InstrumentId::new(3), ..fact(1, Side::Buy, 1, 1, 0) };
    assert_eq!(book.fill(&stranger), Err(TradeBookError::UnknownInstrument(3)));
    assert_eq!((book.open(ONLY).count(), book.traffic(ONLY).fills), (0, 0));
}

#[test]
fn figures_of_four_trades_are_as_counted_by_hand() {
    // Profits 100, −50, 0 and 30 on notionals of 1 000, 1 000, 1 000 and 1 000 (short).
    let book = book_of(&[
        fact(1_000_000_000, Side::Buy, 100_000, 1_000, 0),
        fact(3_000_000_000, Side::Sell, 110_000, 1_000, 0),
        fact(3_000_000_000, Side::Buy, 100_000, 1_000, 0),
        fact(4_000_000_000, Side::Sell, 95_000, 1_000, 0),
        fact(5_000_000_000, Side::Buy, 100_000, 1_000, 0),
        fact(6_000_000_000, Side::Sell, 100_000, 1_000, 0),
        fact(7_000_000_000, Side::Sell, 100_000, 1_000, 0),
        fact(11_000_000_000, Side::Buy, 97_000, 1_000, 0),
    ]);
    let figures = TradeFigures::of(&book);
    let near = |ours: Option<f64>, expected: f64| {
        let ours = ours.unwrap();
        assert!((ours - expected).abs() < 1e-12, "{ours} is not {expected}");
    };
    assert_eq!((figures.trades, figures.long_trades, figures.short_trades), (4, 3, 1));
    near(figures.win_rate_pct, 50.0);
    near(figures.profit_factor, 130.0 / 50.0);
    near(figures.expectancy, 20.0);
    near(figures.average_trade_pct, 2.0);
    near(figures.median_trade_pct, 1.5);
    near(figures.payoff, 65.0 / 50.0);
    // 0.5 − 0.5 / 1.3
    near(figures.kelly_pct, 11.538461538461537);
    // p = [100, -50, 0, 30]; sqrt(4) * mean(p) / std(p, ddof=1)
    near(figures.sqn, 0.6377928041432807);
    near(figures.held_mean_s, 2.0);
    near(figures.held_median_s, 1.5);
    near(figures.short_win_rate_pct, 100.0);
    assert_eq!((figures.wins_in_a_row, figures.losses_in_a_row), (1, 1));
    let exits = exit_reasons(&book);
    assert_eq!((exits.len(), exits[0].reason.as_str(), exits[0].trades), (1, "because", 4));
}

#[test]
fn without_trades_and_without_losers_ratios_are_not_defined() {
    let none = TradeFigures::of(&book_of(&[]));
    assert_eq!((none.win_rate_pct, none.profit_factor, none.sqn, none.kelly_pct), (None, None, None, None));
    let winners = book_of(&[fact(1, Side::Buy, 100, 10, 0), fact(2, Side::Sell, 200, 10, 0)]);
    let winners = TradeFigures::of(&winners);
    assert_eq!((winners.profit_factor, winners.payoff, winners.sqn), (None, None, None));
    assert_eq!(winners.win_rate_pct, Some(100.0));
}

proptest! {
    #[test]
    fn closed_profit_and_open_profit_are_what_the_ledger_earned(
        trades in prop::collection::vec(
            (1_i64..1_000_000, 1_i64..100_000, any::<bool>(), -500_i128..5_000), 1..80,
        ),
        mark in 1_i64..1_000_000,
    ) {
        let rules = rules();
        let mut ledger = Ledger::new(Money::ZERO, 1);
        let mut book = TradeBook::new(std::slice::from_ref(&rules));
        for (at, (price, qty, buy, fee)) in (1..).zip(trades) {
            let side = if buy { Side::Buy } else { Side::Sell };
            let fact = fact(at, side, price, qty, fee);
            book.fill(&fact).unwrap();
            let fill = engine_core::fill::Fill {
                trade: engine_core::fill::TradeId::default(),
                price: fact.price, qty: fact.qty, fee: fact.fee, liquidity: fact.liquidity,
            };
            ledger.book(ONLY, &rules, side, &fill).unwrap();
        }
        let mark = Price::from_units(mark);
        let position = ledger.position(ONLY);
        let open_value = open_profit(position, &rules, mark).unwrap();
        let earned = position.realised.units() - position.fees.units() + open_value.units();
        let closed: i128 = book.closed().iter().map(|trade| trade.profit(&rules).units()).sum();
        let open: i128 = book.open(ONLY).map(|lot| {
            let step = i128::from(mark.units() - lot.entry_price.units());
            let signed = lot.side.signed(lot.qty).units();
            step * signed * rules.money_factor() - lot.fee.units()
        }).sum();
        prop_assert_eq!(closed + open, earned);
        let held: i128 = book.open(ONLY).map(|lot| lot.side.signed(lot.qty).units()).sum();
        prop_assert_eq!(held, position.qty.units());
        prop_assert_eq!(book.traffic(ONLY).volume, position.turnover);
    }
}
