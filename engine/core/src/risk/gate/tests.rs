//! Unit tests of `gate`.

use super::*;
use crate::asset::{Asset, AssetAmount, AssetPair};
use crate::conductor::{Answerer, ConductorDecision, Question, QuestionId};
use crate::epoch::Epoch;
use crate::event::{
    AccountBeginning, AccountEvent, AccountStatement, Event, Execution, ExecutionReport, Gap, Input,
    ListingChange, MissedAnswer, Output, Submission,
};
use crate::feature::FeatureVector;
use crate::fill::{Fill, Liquidity, TradeId};
use crate::intent::Rationale;
use crate::market::{Aggressor, MarketUpdate, Trade};
use crate::num::Amount;
use crate::regime::Regime;
use crate::state::Opening;

const ONLY: InstrumentId = InstrumentId::new(0);
const NOW: Timestamp = Timestamp::from_nanos(1);

fn price(units: i64) -> Price {
    Price::from_units(units)
}

/// One instrument with ticks of 0.05 and lots of 0.002, marked at `mark`; 1 000 in cash.
fn state(mark: i64) -> State {
    let rules = crate::sample::instrument([2, 3], 5, 2);
    let capital = Money::from_units(1_000 * 10_i128.pow(18));
    let opening = Opening {
        instruments: vec![rules],
        capital,
        bars: None,
        drawdown_max: Ratio::ONE,
        mark: crate::mark::MarkRule::Newest,
    };
    let mut state = State::new(opening);
    let trade = Trade {
        instrument: ONLY,
        venue_at: NOW,
        price: price(mark),
        qty: Qty::from_units(1),
        aggressor: Aggressor::Unknown,
    };
    state.apply(NOW, &Event::Input(Input::Market(MarketUpdate::Trade(trade))));
    state
}

fn gate(limits: RiskLimits) -> RiskGate {
    RiskGate::new(RiskLimits { leverage_max: Ratio::from_units(10_000_000_000), ..limits })
}

fn intent(side: Side, qty: i128, kind: OrderKind) -> OrderIntent {
    let size = Size::Units(Qty::from_units(qty));
    OrderIntent { kind, ..OrderIntent::market(ONLY, side, size, "test") }
}

fn review(gate: &RiskGate, state: &State, intent: &OrderIntent) -> Result<Order, Refusal> {
    gate.review(NOW, state, state.next_order_id(), intent).map(Approved::into_order)
}

fn submit(state: &mut State, order: Order) {
    let submission = Submission { order, because: Rationale::default() };
    state.apply(NOW, &Event::Output(Output::OrderSubmitted(Box::new(submission))));
}

/// Buys or sells at 100.00, as if the order had passed a gate without limits.
fn trade(state: &mut State, side: Side, qty: i128) {
    let order = review(&gate(RiskLimits::default()), state, &intent(side, qty, OrderKind::Market)).unwrap();
    let fill = Fill {
        trade: TradeId::default(),
        price: price(10_000),
        qty: order.qty,
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
    };
    let report = ExecutionReport { order: order.id, venue_at: NOW, execution: Execution::Filled(fill) };
    submit(state, order);
    state.apply(NOW, &Event::Input(Input::Execution(report)));
}

#[test]
fn quantities_go_to_lots_and_every_price_to_a_tick_exits_too() {
    let stop = BracketStop::At;
    let bracket = Bracket { stop_loss: stop(price(9_502)), take_profit: Some(price(10_503)) };
    let wish =
        OrderIntent { bracket: Some(bracket), ..intent(Side::Buy, 1_001, OrderKind::Limit(price(9_998))) };
    let order = review(&gate(RiskLimits::default()), &state(10_000), &wish).unwrap();
    let on_ticks = Bracket { stop_loss: stop(price(9_500)), take_profit: Some(price(10_505)) };
    assert_eq!((order.qty.units(), order.kind), (1_000, OrderKind::Limit(price(10_000))));
    assert_eq!(order.bracket, Some(on_ticks));
    let trailing = |units| BracketStop::Trailing(Ratio::from_units(units));
    let reviewed = |stop_loss| {
        let wish = OrderIntent { bracket: Some(Bracket { stop_loss, ..bracket }), ..wish.clone() };
        review(&gate(RiskLimits::default()), &state(10_000), &wish)
            .map(|order| order.bracket.unwrap().stop_loss)
    };
    assert_eq!(reviewed(trailing(1)), Ok(trailing(1)));
    for wrong in [stop(price(-9)), trailing(0), trailing(-1), trailing(Ratio::ONE.units())] {
        assert_eq!(reviewed(wrong), Err(Refusal::PriceNotPositive), "{wrong:?}");
    }
}

#[test]
fn the_collar_is_exact_on_the_taking_side_and_open_on_the_other() {
    let limits = RiskLimits { price_collar: Ratio::from_units(10_000_000), ..RiskLimits::default() };
    let at = |units: i64| intent(Side::Buy, 1_000, OrderKind::Limit(price(units)));
    assert!(review(&gate(limits.clone()), &state(10_500), &at(10_605)).is_ok());
    let refused = review(&gate(limits.clone()), &state(10_500), &at(10_610));
    assert!(matches!(refused, Err(Refusal::PriceCollar(Breach { limit, observed })) if observed > limit));
    // 2 000 001 on 200 000 099 is less than a billionth more than one in a hundred, and still more.
    let barely = intent(Side::Buy, 2, OrderKind::Limit(price(202_000_100)));
    let refused = review(&gate(limits.clone()), &state(200_000_099), &barely);
    let breach = Breach { limit: 10_000_000, observed: 10_000_001 };
    assert_eq!(refused, Err(Refusal::PriceCollar(breach)));
    assert!(review(&gate(limits), &state(10_500), &at(5_000)).is_ok());
}

#[test]
fn an_account_that_others_trade_with_too_is_a_limit_beside_the_books_of_the_run() {
    let mut state = state(10_000);
    trade(&mut state, Side::Buy, 4_000);
    let whole = |asset: &str, units: i128| AssetAmount {
        asset: Asset::new(asset),
        amount: Amount::from_units(units * 10_i128.pow(18)),
    };
    let pairs = vec![AssetPair { base: Asset::new("BTC"), quote: Asset::new("USDT") }];
    let balances = vec![whole("BTC", 3), whole("USDT", 300)];
    for event in [
        AccountEvent::Begun(AccountBeginning { epoch: Epoch::new(1), pairs }),
        AccountEvent::Stated(AccountStatement { venue_at: NOW, balances }),
    ] {
        state.apply(NOW, &Event::Input(Input::Account(Box::new(event))));
    }
    let cash = gate(RiskLimits { account: Account::Cash, ..RiskLimits::default() });
    let asked = |side, qty| {
        review(&cash, &state, &intent(side, qty, OrderKind::Market)).map(|order| order.qty.units())
    };
    let money = |units: i128| units * 10_i128.pow(18);
    let breach = Breach { limit: money(300), observed: money(400) };
    assert_eq!(
        (asked(Side::Buy, 3_000), asked(Side::Buy, 4_000)),
        (Ok(3_000), Err(Refusal::Balance(breach)))
    );
    let breach = Breach { limit: 0, observed: -1_000 };
    assert_eq!(
        (asked(Side::Sell, 3_000), asked(Side::Sell, 4_000)),
        (Ok(3_000), Err(Refusal::ShortSale(breach)))
    );
    let exit = OrderIntent { reach: Reach::ReduceOnly, ..intent(Side::Sell, 4_000, OrderKind::Market) };
    assert!(review(&cash, &state, &exit).is_ok(), "what leaves a position is the venue's to judge");
    let all = OrderIntent { size: Size::FreeShare(Ratio::ONE), ..intent(Side::Buy, 1, OrderKind::Market) };
    assert_eq!(review(&cash, &state, &all).map(|order| order.qty.units()), Ok(3_000));
}

#[test]
fn a_stop_that_the_mark_has_passed_is_paid_at_the_mark() {
    let cash = RiskLimits { account: Account::Cash, ..RiskLimits::default() };
    let stop = |units: i64| OrderKind::StopMarket(price(units));
    let refused = review(&gate(cash.clone()), &state(10_000), &intent(Side::Buy, 10_500, stop(9_000)));
    assert!(matches!(refused, Err(Refusal::Balance(_))), "{refused:?}");
    assert!(review(&gate(cash), &state(10_000), &intent(Side::Buy, 9_000, stop(11_000))).is_ok());
}

#[test]
fn a_cash_account_sells_what_it_holds_and_only_to_reduce() {
    let cash = gate(RiskLimits { account: Account::Cash, ..RiskLimits::default() });
    let mut state = state(10_000);
    trade(&mut state, Side::Buy, 2_000);
    let order = review(&cash, &state, &intent(Side::Sell, 2_000, OrderKind::Market)).unwrap();
    assert_eq!(order.reach, Reach::ReduceOnly);
    submit(&mut state, order);
    let again = review(&cash, &state, &intent(Side::Sell, 2, OrderKind::Market));
    assert_eq!(again, Err(Refusal::ShortSale(Breach { limit: 0, observed: -2 })));
}

/// The conductor is asked about the only market and answers with `scale`.
fn conducted(state: &mut State, scale: Ratio) {
    let id = state.next_question_id(ONLY);
    let question = Question {
        id,
        instrument: ONLY,
        regime: Regime::Crisis,
        features: FeatureVector { set: state.digest(), values: Vec::new() },
        answer_by: NOW,
    };
    let decision = ConductorDecision {
        question: id,
        instrument: ONLY,
        weights: vec![Ratio::ONE],
        risk_scale: scale,
        confidence: Ratio::ONE,
        answered_by: Answerer::Rule,
    };
    state.apply(NOW, &Event::Output(Output::ConductorConsulted(Box::new(question))));
    state.apply(NOW, &Event::Input(Input::Conductor(Box::new(decision))));
}

#[test]
fn a_market_without_risk_left_takes_no_new_exposure_and_every_reduction() {
    for account in [Account::Margin, Account::Cash] {
        let gate = gate(RiskLimits { account, ..RiskLimits::default() });
        let mut state = state(10_000);
        let buy = intent(Side::Buy, 2, OrderKind::Market);
        let sell = |qty| intent(Side::Sell, qty, OrderKind::Market);
        trade(&mut state, Side::Buy, 5_000);
        conducted(&mut state, Ratio::from_units(1));
        assert!(review(&gate, &state, &buy).is_ok(), "{account:?}: a share of what the strategy does");
        conducted(&mut state, Ratio::ZERO);
        assert_eq!(review(&gate, &state, &buy), Err(Refusal::NoRiskLeft), "{account:?}");
        let mut stop = review(&gate, &state, &sell(5_000)).unwrap();
        stop.reach = Reach::ReduceOnly;
        stop.kind = OrderKind::StopMarket(price(9_000));
        if account == Account::Margin {
            submit(&mut state, stop);
            assert!(review(&gate, &state, &sell(2_000)).is_ok(), "an exit that works keeps no reduction in");
            assert_eq!(review(&gate, &state, &sell(5_002)), Err(Refusal::NoRiskLeft), "a short is new risk");
            let half = review(&gate, &state, &sell(3_000)).unwrap();
            submit(&mut state, half);
            assert_eq!(review(&gate, &state, &sell(2_002)), Err(Refusal::NoRiskLeft), "together a short");
        }
    }
}

#[test]
fn a_missed_answer_leaves_the_floor_of_the_risk_and_a_gap_what_there_was() {
    let gate = gate(RiskLimits::default());
    let buy = intent(Side::Buy, 2, OrderKind::Market);
    let mut state = state(10_000);
    let missed = MissedAnswer { question: QuestionId(1), instrument: ONLY, risk_scale: Ratio::ZERO };
    state.apply(NOW, &Event::Output(Output::ConductorMissed(missed)));
    assert_eq!(review(&gate, &state, &buy), Err(Refusal::NoRiskLeft), "no answer has ever come");
    conducted(&mut state, Ratio::ONE);
    assert!(review(&gate, &state, &buy).is_ok());
    conducted(&mut state, Ratio::ZERO);
    let gap = Gap { instrument: ONLY, after: NOW, until: NOW };
    state.apply(NOW, &Event::Output(Output::GapFound(gap)));
    assert_eq!(review(&gate, &state, &buy), Err(Refusal::NoRiskLeft), "nothing is known behind a gap");
}

#[test]
fn an_exit_that_fills_first_makes_a_later_order_cross() {
    let limit = Money::from_units(200 * 10_i128.pow(18));
    let bounded = gate(RiskLimits { position_notional_max: Some(limit), ..RiskLimits::default() });
    let mut state = state(10_000);
    trade(&mut state, Side::Sell, 2_000);
    let turn = intent(Side::Buy, 4_000, OrderKind::Market);
    let entry = review(&bounded, &state, &turn).unwrap();
    let stop = OrderKind::StopMarket(price(10_500));
    let exit = Order {
        kind: stop,
        qty: Qty::from_units(2_000),
        reach: Reach::ReduceOnly,
        parent: Some(OrderId::new(1)),
        ..entry
    };
    submit(&mut state, exit);
    // Alone it would bring the position from -2 to 2; after the exit, from 0 to 4.
    assert!(matches!(review(&bounded, &state, &turn), Err(Refusal::Position(_))));
}

#[test]
fn an_order_that_only_lowers_a_position_passes_limits_that_the_market_has_broken() {
    let limit = Money::from_units(10_i128.pow(18));
    let leverage_max = Ratio::from_units(1);
    let bounded =
        gate(RiskLimits { position_notional_max: Some(limit), leverage_max, ..RiskLimits::default() });
    let mut state = state(10_000);
    trade(&mut state, Side::Buy, 2_000);
    let sell = |qty| review(&bounded, &state, &intent(Side::Sell, qty, OrderKind::Market));
    assert!(sell(500).is_ok() && sell(2_000).is_ok());
    assert!(matches!(sell(4_500), Err(Refusal::Position(_))), "it would turn the position");
    let more = review(&bounded, &state, &intent(Side::Buy, 500, OrderKind::Market));
    assert!(matches!(more, Err(Refusal::Position(_))), "{more:?}");
}

#[test]
fn a_market_without_a_positive_price_is_no_market() {
    let refused =
        review(&gate(RiskLimits::default()), &state(0), &intent(Side::Buy, 1_000, OrderKind::Market));
    assert_eq!(refused, Err(Refusal::NoMarket));
}

#[test]
fn what_its_venue_does_not_trade_is_only_left() {
    let gate = gate(RiskLimits::default());
    let mut state = state(10_000);
    trade(&mut state, Side::Buy, 2_000);
    let change = ListingChange {
        instrument: ONLY,
        tick: price(5),
        lot: Qty::from_units(2),
        notional_min: Money::ZERO,
        status: TradingStatus::Halted,
    };
    state.apply(NOW, &Event::Input(Input::Listing(Box::new(change))));
    let more = intent(Side::Buy, 2, OrderKind::Market);
    assert_eq!(review(&gate, &state, &more), Err(Refusal::NotTrading));
    let less = OrderIntent { reach: Reach::ReduceOnly, ..intent(Side::Sell, 2_000, OrderKind::Market) };
    assert!(review(&gate, &state, &less).is_ok(), "its venue says what it makes of that");
    let trading = ListingChange { status: TradingStatus::Trading, tick: price(100), ..change };
    state.apply(NOW, &Event::Input(Input::Listing(Box::new(trading))));
    let order = review(&gate, &state, &intent(Side::Buy, 2, OrderKind::Limit(price(9_930)))).unwrap();
    assert_eq!(order.kind, OrderKind::Limit(price(9_900)), "on the step of now");
}
