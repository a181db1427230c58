//! The books of an account against plain sums, and reports in every order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::event::{
    CancelRequest, Event, Execution, ExecutionReport, Input, OrderFate, Output, RejectReason, Submission,
    VenueOrder,
};
use crate::fill::{Fill, Liquidity, TradeId};
use crate::intent::Rationale;
use crate::mark::MarkRule;
use crate::market::{Aggressor, MarketUpdate, Side, Trade};
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::{Order, OrderKind, Posting, TimeInForce};
use crate::state::Opening;

mod naive_order;
mod permutations;

/// `BTC` for `USDT`, with prices of 2 decimals and quantities of 5.
pub(super) const COIN: InstrumentId = InstrumentId::new(0);
/// `BNB` for `USDT`, in the same decimals.
const THIRD: InstrumentId = InstrumentId::new(1);

pub(super) fn asset(name: &str) -> Asset {
    Asset::new(name)
}

pub(super) fn of(name: &str, units: i128) -> AssetAmount {
    AssetAmount { asset: asset(name), amount: Amount::from_units(units) }
}

/// A run in two markets with `capital` whole units, whose account has not been read.
pub(super) fn begun(capital: i128) -> State {
    let rules = || crate::sample::instrument([2, 5], 1, 10);
    let mut state = State::new(Opening {
        instruments: vec![rules(), rules()],
        capital: Money::from_units(capital * 10_i128.pow(18)),
        bars: None,
        drawdown_max: Ratio::ONE,
        mark: MarkRule::Newest,
    });
    tell(&mut state, beginning(1));
    state
}

pub(super) fn beginning(epoch: u16) -> AccountEvent {
    let pair = |base: &str| AssetPair { base: asset(base), quote: asset("USDT") };
    AccountEvent::Begun(AccountBeginning { epoch: Epoch::new(epoch), pairs: vec![pair("BTC"), pair("BNB")] })
}

pub(super) fn stated(balances: &[AssetAmount]) -> AccountEvent {
    AccountEvent::Stated(AccountStatement { venue_at: Timestamp::MIN, balances: balances.to_vec() })
}

pub(super) fn tell(state: &mut State, event: AccountEvent) {
    let at = state.now();
    state.apply(at, &Event::Input(Input::Account(Box::new(event))));
}

pub(super) fn report(state: &mut State, order: u64, execution: Execution) {
    let (at, order) = (state.now(), OrderId::new(order));
    let report = ExecutionReport { order, venue_at: at, execution };
    state.apply(at, &Event::Input(Input::Execution(report)));
}

/// Submits the next order: a limit at 100.
pub(super) fn submit(state: &mut State, instrument: InstrumentId, side: Side, qty: i128) -> u64 {
    let (at, id) = (state.now(), state.next_order_id());
    let order = Order {
        id,
        instrument,
        side,
        qty: Qty::from_units(qty),
        kind: OrderKind::Limit(Price::from_units(10_000)),
        tif: TimeInForce::Gtc,
        posting: Posting::Any,
        reach: Reach::Any,
        bracket: None,
        parent: None,
        sibling: None,
        decided_price: Price::from_units(10_000),
    };
    let submission = Submission { order, because: Rationale::new("test") };
    state.apply(at, &Event::Output(Output::OrderSubmitted(Box::new(submission))));
    id.number()
}

pub(super) fn fill(trade: u128, price: i64, qty: i128, fee: i128) -> Execution {
    Execution::Filled(Fill {
        trade: TradeId::new(trade),
        price: Price::from_units(price),
        qty: Qty::from_units(qty),
        fee: Money::from_units(fee),
        liquidity: Liquidity::Taker,
    })
}

fn charged(order: u64, trade: u128, charge: AssetAmount) -> AccountEvent {
    AccountEvent::Charged(FeeCharge { order: OrderId::new(order), trade: TradeId::new(trade), charge })
}

fn mark(state: &mut State, instrument: InstrumentId, price: i64) {
    let at = state.now();
    let trade = Trade {
        instrument,
        venue_at: at,
        price: Price::from_units(price),
        qty: Qty::from_units(1),
        aggressor: Aggressor::Buyer,
    };
    state.apply(at, &Event::Input(Input::Market(MarketUpdate::Trade(trade))));
}

#[test]
fn the_first_statement_opens_the_books_and_a_later_one_is_compared() {
    let mut state = begun(1_000);
    assert_eq!(state.account_refusal(COIN, Reach::ReduceOnly), Some(Refusal::AccountUnread));
    tell(&mut state, stated(&[of("BTC", 5), of("USDT", 7)]));
    assert_eq!(state.account_refusal(COIN, Reach::Any), None);
    assert_eq!(state.untold_standing(), Some(AccountDifference { assets: Vec::new() }));
    tell(&mut state, stated(&[of("BTC", 5), of("DUST", 1)]));
    let differences = state.account().unwrap().differences();
    let plain: Vec<_> =
        differences.iter().map(|d| (d.asset.name(), d.ours.units(), d.venue.units())).collect();
    assert_eq!(plain, [("DUST", 0, 1), ("USDT", 7, 0)]);
    assert_eq!(state.account_refusal(COIN, Reach::Any), Some(Refusal::AccountDiffers));
    assert_eq!(state.account_refusal(COIN, Reach::ReduceOnly), None, "what is sold is known");
    tell(&mut state, stated(&[of("BTC", 4), of("USDT", 7)]));
    assert_eq!(state.account_refusal(COIN, Reach::ReduceOnly), Some(Refusal::AccountDiffers));
    assert_eq!(state.account_refusal(THIRD, Reach::ReduceOnly), None);
    tell(
        &mut state,
        AccountEvent::Moved(AssetTransfer {
            venue_at: Timestamp::MIN,
            moved: of("BTC", -1),
            words: "sent".into(),
        }),
    );
    tell(&mut state, stated(&[of("BTC", 4), of("USDT", 7)]));
    assert_eq!(state.account().unwrap().standing(), AccountStanding::Agrees);
    tell(&mut state, stated(&[of("USDT", 9)]));
    let seen = state.account().unwrap().differences().to_vec();
    let accepts = |differences: &[BalanceDifference]| {
        AccountEvent::Accepted(AccountAcceptance {
            by: "owner".into(),
            reason: "a colleague traded".into(),
            differences: differences.to_vec(),
        })
    };
    tell(&mut state, accepts(&seen[1..]));
    assert_eq!(
        state.account().unwrap().standing(),
        AccountStanding::Differs,
        "only what was seen is accepted"
    );
    tell(&mut state, accepts(&seen));
    assert_eq!(state.account_refusal(COIN, Reach::Any), None);
    assert_eq!(state.account().unwrap().balance(&asset("USDT")).units(), 9);
    tell(&mut state, beginning(2));
    assert_eq!(state.account_refusal(COIN, Reach::Any), Some(Refusal::AccountUnread));
    tell(&mut state, stated(&[of("USDT", 8)]));
    assert_eq!(state.account().unwrap().standing(), AccountStanding::Differs, "the books were kept");
}

#[test]
fn a_charge_in_the_coin_that_was_bought_makes_the_position_smaller_and_equity_with_it() {
    let mut state = begun(1_000);
    tell(&mut state, stated(&[of("USDT", 2_000 * 10_i128.pow(18))]));
    mark(&mut state, COIN, 10_000);
    let order = submit(&mut state, COIN, Side::Buy, 100_000);
    // 0.001 of a coin and one unit more than the run can write.
    let taken = 10_i128.pow(15) + 1;
    tell(&mut state, charged(order, 1, of("BTC", taken)));
    report(&mut state, order, fill(1, 10_000, 100_000, 0));
    assert_eq!(state.ledger().position(COIN).qty.units(), 99_899, "never more than is held");
    assert_eq!(state.account().unwrap().balance(&asset("BTC")).units(), 10_i128.pow(18) - taken);
    assert_eq!(state.account().unwrap().balance(&asset("USDT")).units(), 1_900 * 10_i128.pow(18));
    assert_eq!(state.ledger().fees().units(), 101 * 10_i128.pow(15));
    assert_eq!(state.equity().units(), 1_000 * 10_i128.pow(18) - 101 * 10_i128.pow(15));
    assert_eq!(state.equity_from_books(), Some(state.equity()));
    // Told again, as after a lost connection, it counts once.
    tell(&mut state, charged(order, 1, of("BTC", taken)));
    report(&mut state, order, fill(1, 10_000, 100_000, 0));
    assert_eq!(state.ledger().position(COIN).qty.units(), 99_899);
    assert!(state.account().unwrap().charges.is_empty() && state.impossible().is_none());
}

#[test]
fn a_charge_in_a_third_coin_costs_what_it_is_worth_or_is_counted_beside_the_run() {
    let mut state = begun(1_000);
    tell(&mut state, stated(&[of("BNB", 10_i128.pow(18)), of("USDT", 2_000 * 10_i128.pow(18))]));
    let order = submit(&mut state, COIN, Side::Buy, 20_000);
    tell(&mut state, charged(order, 1, of("BNB", 10_i128.pow(16))));
    report(&mut state, order, fill(1, 10_000, 10_000, 0));
    assert_eq!(state.ledger().fees(), Money::ZERO, "nothing says yet what it is worth");
    let unvalued: Vec<_> = state.account().unwrap().unvalued_charges().map(|(_, sum)| sum.units()).collect();
    assert_eq!(unvalued, [10_i128.pow(16)]);
    mark(&mut state, THIRD, 60_000);
    tell(&mut state, charged(order, 2, of("BNB", 10_i128.pow(16))));
    report(&mut state, order, fill(2, 10_000, 10_000, 0));
    assert_eq!(state.ledger().fees().units(), 6 * 10_i128.pow(18));
    assert_eq!(state.account().unwrap().balance(&asset("BNB")).units(), 98 * 10_i128.pow(16));
    assert_eq!(state.equity_from_books(), Some(state.equity()));
}

#[test]
fn an_order_without_an_answer_keeps_its_market_closed_until_it_is_known() {
    let mut state = begun(1_000);
    tell(&mut state, stated(&[]));
    let resolved = |state: &mut State| {
        let resolution = state.resolution();
        if let Some(resolution) = resolution {
            let at = state.now();
            state.apply(at, &Event::Output(Output::OrderResolved(resolution)));
        }
        resolution.map(|resolution| (resolution.order.number(), resolution.fate))
    };
    let first = submit(&mut state, COIN, Side::Buy, 100);
    tell(&mut state, AccountEvent::Unanswered(OrderId::new(first)));
    assert_eq!(state.account_refusal(COIN, Reach::ReduceOnly), Some(Refusal::OrderUnanswered));
    assert_eq!(state.account_refusal(THIRD, Reach::Any), None);
    assert_eq!(state.open_order_count(), 1, "it counts with all of it");
    report(&mut state, first, Execution::Accepted);
    assert_eq!(resolved(&mut state), Some((first, OrderFate::Placed)));
    let second = submit(&mut state, COIN, Side::Buy, 100);
    tell(&mut state, AccountEvent::Unanswered(OrderId::new(second)));
    tell(&mut state, AccountEvent::NeverPlaced(OrderId::new(second)));
    assert_eq!(resolved(&mut state), Some((second, OrderFate::NeverPlaced)));
    assert_eq!(state.open_order_count(), 1);
    // The proof was none: the trade is booked, and trading halts.
    report(&mut state, second, fill(9, 10_000, 100, 0));
    assert_eq!(state.ledger().position(COIN).qty.units(), 100);
    assert_eq!(state.impossible(), Some(HaltReason::ImpossibleReport(OrderId::new(second))));
    let third = submit(&mut state, COIN, Side::Sell, 100);
    tell(&mut state, AccountEvent::Unanswered(OrderId::new(third)));
    tell(&mut state, AccountEvent::Named(VenueOrder { order: OrderId::new(third), name: "v3".into() }));
    assert_eq!(resolved(&mut state), Some((third, OrderFate::Placed)));
    assert_eq!(state.account().unwrap().order_named("v3"), Some(OrderId::new(third)));
    // One whose end was asked for meanwhile is as unknown as before.
    let fourth = submit(&mut state, THIRD, Side::Buy, 100);
    let request = CancelRequest { order: OrderId::new(fourth), because: Rationale::new("test") };
    let at = state.now();
    state.apply(at, &Event::Output(Output::CancelRequested(request)));
    tell(&mut state, AccountEvent::Unanswered(OrderId::new(fourth)));
    assert!(state.is_unanswered(OrderId::new(fourth)));
    tell(&mut state, AccountEvent::NeverPlaced(OrderId::new(fourth)));
    assert_eq!(resolved(&mut state), Some((fourth, OrderFate::NeverPlaced)));
    tell(&mut state, AccountEvent::Unanswered(OrderId::new(first)));
    assert!(!state.is_unanswered(OrderId::new(first)), "its answer came before");
}

#[test]
fn a_trade_by_somebody_else_moves_the_account_once_and_not_the_run() {
    let mut state = begun(1_000);
    tell(&mut state, stated(&[of("BTC", 50), of("USDT", 70)]));
    let foreign = |trade| {
        AccountEvent::Traded(ForeignTrade {
            instrument: Some(COIN),
            trade: TradeId::new(trade),
            order: "by hand".into(),
            venue_at: Timestamp::MIN,
            moved: vec![of("BTC", -5), of("USDT", 9), of("USDT", -1)],
        })
    };
    for trade in [1, 1, 2, 1] {
        tell(&mut state, foreign(trade));
    }
    let books = state.account().unwrap();
    assert_eq!((books.balance(&asset("BTC")).units(), books.balance(&asset("USDT")).units()), (40, 86));
    assert_eq!((state.equity(), state.ledger().fills()), (state.ledger().capital(), 0));
}

#[test]
fn a_state_without_an_account_has_the_fingerprint_it_always_had() {
    let rules = || crate::sample::instrument([2, 5], 1, 10);
    let opening = || Opening {
        instruments: vec![rules(), rules()],
        capital: Money::ZERO,
        bars: None,
        drawdown_max: Ratio::ONE,
        mark: MarkRule::Newest,
    };
    let (plain, mut with) = (State::new(opening()), State::new(opening()));
    assert_eq!(plain.digest(), with.digest());
    tell(&mut with, beginning(1));
    assert_ne!(plain.digest(), with.digest());
    tell(&mut with, stated(&[of("X", i128::MAX)]));
    let before = with.account().cloned();
    tell(
        &mut with,
        AccountEvent::Moved(AssetTransfer {
            venue_at: Timestamp::MIN,
            moved: of("X", 1),
            words: String::new(),
        }),
    );
    assert_eq!(with.impossible(), Some(HaltReason::AmountTooLarge(TooLarge::Balance)));
    assert_eq!(with.account().cloned(), before);
}

#[derive(Debug, Clone)]
enum Step {
    Traded { is_third: bool, is_buy: bool, price: i64, qty: i128, fee: i128, charge: Option<(usize, i128)> },
    Moved(usize, i128),
}

const NAMES: [&str; 4] = ["BTC", "BNB", "USDT", "DUST"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let charge = prop::option::of((0_usize..4, -10_i128.pow(12)..10_i128.pow(17)));
    let traded = (
        any::<bool>(),
        any::<bool>(),
        1_i64..10_i64.pow(9),
        1_i128..10_i128.pow(9),
        -1_000_i128..10_i128.pow(18),
        charge,
    )
        .prop_map(|(is_third, is_buy, price, qty, fee, charge)| Step::Traded {
            is_third,
            is_buy,
            price,
            qty,
            fee,
            charge,
        });
    let moved = (0_usize..4, any::<i64>()).prop_map(|(name, units)| Step::Moved(name, i128::from(units)));
    prop::collection::vec(prop_oneof![4 => traded, 1 => moved], 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_balance_is_the_sum_of_what_moved_it(steps in steps()) {
        let mut state = begun(1_000_000);
        tell(&mut state, stated(&[]));
        let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
        for (trade, step) in (1_u128..).zip(steps) {
            match step {
                Step::Moved(name, units) => {
                    *sums.entry(NAMES[name]).or_default() += units;
                    let moved = of(NAMES[name], units);
                    tell(&mut state, AccountEvent::Moved(AssetTransfer { venue_at: Timestamp::MIN, moved, words: "w".into() }));
                }
                Step::Traded { is_third, is_buy, price, qty, fee, charge } => {
                    let (instrument, base) = if is_third { (THIRD, "BNB") } else { (COIN, "BTC") };
                    let side = if is_buy { Side::Buy } else { Side::Sell };
                    let order = submit(&mut state, instrument, side, qty);
                    if let Some((name, units)) = charge {
                        *sums.entry(NAMES[name]).or_default() -= units;
                        tell(&mut state, charged(order, trade, of(NAMES[name], units)));
                    }
                    report(&mut state, order, fill(trade, price, qty, fee));
                    let sign = if is_buy { 1 } else { -1 };
                    *sums.entry(base).or_default() += sign * qty * 10_i128.pow(13);
                    // 2 and 5 decimals together leave 11 of money.
                    *sums.entry("USDT").or_default() -= sign * i128::from(price) * qty * 10_i128.pow(11) + fee;
                }
            }
            prop_assert_eq!(state.impossible(), None);
            for (name, units) in &sums {
                prop_assert_eq!(state.account().unwrap().balance(&asset(name)).units(), *units);
            }
            prop_assert_eq!(state.ledger().imbalance(), Money::ZERO);
            prop_assert_eq!(state.equity_from_books(), Some(state.equity()));
        }
        let stand: Vec<AssetAmount> = sums.iter().map(|(name, units)| of(name, *units)).collect();
        tell(&mut state, stated(&stand));
        prop_assert_eq!(state.account().unwrap().standing(), AccountStanding::Agrees);
    }
}
