//! The gateway before a venue that is written down, and before one that is simulated.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks for")]

use engine_core::asset::Asset;
use engine_core::event::{ForeignOrders, Manifest};
use engine_core::instrument::InstrumentId;
use engine_core::market::Side;
use engine_core::num::{Money, Price};
use engine_core::order::{OrderKind, Posting, Reach, TimeInForce};

use super::*;
use crate::account_message::{
    AccountMessage, AccountSnapshot, Balance, Fee, FillReport, OrderReport, OrderStatus, VenueFill,
};
use crate::decimal::decimal;
use crate::order_answer::OrderAnswer;
use crate::outcome::{HaltCause, Outcome, Wait, Words};

mod ended;
mod foreign;
mod pause;
mod simulated;
mod statement;
mod sums;

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_nanos(millis * Span::MILLISECOND.nanos())
}

pub(super) fn run_id() -> RunId {
    RunId::of(&manifest(), at(0))
}

fn manifest() -> Manifest {
    Manifest {
        engine_version: "1".into(),
        mode: "live".into(),
        config_json: "{}".into(),
        strategy: "test".into(),
        instruments: Vec::new(),
        datasets: Vec::new(),
        seed: 0,
        capital: Money::ZERO,
        synthetic: false,
    }
}

pub(super) fn market() -> GatewayMarket {
    let rules = Instrument {
        venue: "test".into(),
        symbol: "BTCUSDT".into(),
        price_decimals: 2,
        qty_decimals: 8,
        tick: Price::from_units(1),
        lot: Qty::from_units(1_000),
        notional_min: Money::ZERO,
    };
    GatewayMarket { rules, pair: AssetPair { base: Asset::new("BTC"), quote: Asset::new("USDT") } }
}

fn order(id: u64) -> Order {
    Order {
        id: OrderId::new(id),
        instrument: InstrumentId::new(0),
        side: Side::Buy,
        qty: Qty::from_units(100_000),
        kind: OrderKind::Limit(Price::from_units(6_400_000)),
        tif: TimeInForce::Gtc,
        posting: Posting::Any,
        reach: Reach::Any,
        bracket: None,
        parent: None,
        sibling: None,
        decided_price: Price::from_units(6_400_000),
    }
}

fn beginning(orders: Vec<StandingOrder>, since: Option<Timestamp>) -> RouteBeginning {
    RouteBeginning { run: run_id(), epoch: Epoch::new(2), orders, since, paused_until: None }
}

/// A gateway that is connected and ready.
fn ready() -> OrderGateway {
    let mut gateway = OrderGateway::new(beginning(Vec::new(), None), vec![market()]);
    gateway.connected(at(0));
    let made = requests(&mut gateway);
    let [(fills, OrderRequest::Fills { .. })] = made.as_slice() else { panic!("{made:?}") };
    gateway.answered(at(0), *fills, OrderAnswer::saying(Vec::new()));
    assert!(gateway.is_ready(), "a run that begins asks for what was traded just before alone");
    gateway
}

fn words(text: &str) -> Words {
    Words { code: None, text: text.to_owned() }
}

fn report(client: u64, name: &str, status: OrderStatus) -> OrderReport {
    let client_id = ClientId::new(run_id(), Epoch::new(2), OrderId::new(client)).map(|id| id.to_string());
    OrderReport { client_id, symbol: Some("BTCUSDT".into()), ..OrderReport::of(name.into(), status, "word") }
}

fn told(report: OrderReport) -> AccountMessage {
    AccountMessage::Order(Box::new(report))
}

fn trade(id: &str, qty: &str, fee: (&str, &str)) -> VenueFill {
    VenueFill {
        trade_id: id.into(),
        price: decimal("64000.00").unwrap(),
        qty: decimal(qty).unwrap(),
        fees: vec![Fee { amount: decimal(fee.0).unwrap(), asset: Some(fee.1.into()) }],
        liquidity: None,
    }
}

/// Everything told so far, a word each.
fn inputs(gateway: &mut OrderGateway) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(input) = gateway.take_input() {
        all.push(match input {
            Input::Account(event) => match *event {
                AccountEvent::Charged(charge) => format!("charged {}", charge.charge.amount),
                AccountEvent::Traded(foreign) => format!("foreign {}", foreign.order),
                AccountEvent::Stated(statement) => format!("stated {}", statement.balances.len()),
                event => event.kind().to_owned(),
            },
            Input::Execution(report) => match report.execution {
                Execution::Filled(fill) => format!("filled {}", fill.qty.units()),
                other => format!("{other:?}").to_lowercase(),
            },
            Input::EffectFailed(failed) => format!("failed {:?}", failed.act).to_lowercase(),
            Input::Operator(_) => "halt".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    all
}

/// Everything that waits to be written, pause or no pause.
fn requests(gateway: &mut OrderGateway) -> Vec<(u64, OrderRequest)> {
    core::iter::from_fn(|| gateway.take_request(at(1_000_000_000))).collect()
}

fn sent(gateway: &mut OrderGateway, now: Timestamp) -> Vec<u64> {
    let numbers: Vec<u64> = requests(gateway).into_iter().map(|(number, _)| number).collect();
    numbers.iter().for_each(|number| gateway.sent(now, *number));
    numbers
}

/// Places order 1 and answers the number of its request, which was sent.
fn placed(gateway: &mut OrderGateway) -> u64 {
    gateway.place(at(1), &order(1)).unwrap();
    let made = requests(gateway);
    let [(number, OrderRequest::Place(new))] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((new.qty.to_string().as_str(), new.client_id.len()), ("0.001", 36));
    gateway.sent(at(2), *number);
    assert_eq!(inputs(gateway), ["order_sent"]);
    *number
}

#[test]
fn an_order_that_trades_on_arrival_is_named_charged_and_filled() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    let fill = FillReport {
        order_id: "v1".into(),
        symbol: "BTCUSDT".into(),
        side: Side::Buy,
        fill: trade("7", "0.0004", ("0.00000040", "BTC")),
        venue_at: at(3),
    };
    let part = OrderReport {
        filled_qty: Some(decimal("0.0004").unwrap()),
        ..report(1, "v1", OrderStatus::PartiallyFilled)
    };
    let messages = vec![AccountMessage::Fill(fill), told(part)];
    gateway.answered(at(4), number, OrderAnswer { outcome: Outcome::Answered, messages, next_page: None });
    assert_eq!(inputs(&mut gateway), ["order_named", "charged 0.0000004", "filled 40000"]);
    // The stream tells the same trade, and then the rest of the order.
    let again = OrderReport {
        last_fill: Some(trade("7", "0.0004", ("0.00000040", "BTC"))),
        ..report(1, "v1", OrderStatus::PartiallyFilled)
    };
    let rest = OrderReport {
        last_fill: Some(trade("8", "0.0006", ("0.05", "USDT"))),
        ..report(1, "v1", OrderStatus::Filled)
    };
    [again.clone(), rest, again].into_iter().for_each(|report| gateway.told(at(5), told(report)));
    assert_eq!(inputs(&mut gateway), ["filled 60000"], "and never accepted once it has filled");
}

#[test]
fn a_fill_that_was_missed_is_asked_for() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.answered(
        at(3),
        number,
        OrderAnswer {
            outcome: Outcome::Answered,
            messages: vec![told(report(1, "v1", OrderStatus::Working))],
            next_page: None,
        },
    );
    assert_eq!(inputs(&mut gateway), ["order_named", "accepted"]);
    let ahead = OrderReport {
        filled_qty: Some(decimal("0.0005").unwrap()),
        last_fill: Some(trade("9", "0.0002", ("0", "USDT"))),
        ..report(1, "v1", OrderStatus::PartiallyFilled)
    };
    gateway.told(at(4), told(ahead));
    assert_eq!(inputs(&mut gateway), ["filled 20000"]);
    let asked = requests(&mut gateway);
    assert!(
        matches!(asked.as_slice(), [(_, OrderRequest::Fills { since: crate::order_request::FillsSince::Order(name), .. })] if name == "v1"),
        "{asked:?}"
    );
}

#[test]
fn every_outcome_of_a_new_order_means_one_thing() {
    let cases: [(Outcome, &[&str]); 7] = [
        (
            Outcome::Rejected(words("Account has insufficient balance")),
            &["order_explained", "rejected(nobalance)"],
        ),
        (
            Outcome::Rejected(words("Order would immediately match and take.")),
            &["order_explained", "rejected(wouldtake)"],
        ),
        (Outcome::Alive(words("Duplicate order sent.")), &["order_unanswered"]),
        (Outcome::Unknown(words("timeout")), &["order_unanswered"]),
        (
            Outcome::Wait(Wait::For(Span::SECOND), words("slow")),
            &["venue_paused", "failed place(orderid(1))"],
        ),
        (Outcome::ResyncClock(words("timestamp")), &["failed place(orderid(1))"]),
        (Outcome::Halt(HaltCause::Key, words("revoked")), &["halt", "failed place(orderid(1))"]),
    ];
    for (outcome, expected) in cases {
        let mut gateway = ready();
        let number = placed(&mut gateway);
        gateway.answered(at(3), number, OrderAnswer::bare(outcome.clone()));
        assert_eq!(inputs(&mut gateway), expected, "{outcome:?}");
        assert!(requests(&mut gateway).is_empty(), "nothing is ever sent again");
    }
}

#[test]
fn never_placed_needs_the_full_proof() {
    let mut gateway = ready();
    placed(&mut gateway);
    gateway.disconnected(at(10));
    assert_eq!(inputs(&mut gateway), ["order_unanswered"]);
    gateway.connected(at(20));
    let (mut asked, mut queries, mut never_at) = (0, 0, None);
    for now in (20..60_000).step_by(20) {
        gateway.tick(at(now));
        for (number, request) in requests(&mut gateway) {
            gateway.sent(at(now), number);
            asked += 1;
            let answer = match request {
                OrderRequest::Query { .. } => {
                    queries += 1;
                    OrderAnswer::bare(Outcome::NotFound(words("Order does not exist.")))
                }
                OrderRequest::Balances => {
                    let snapshot = AccountSnapshot { balances: Vec::new(), may_trade: None, venue_at: None };
                    OrderAnswer {
                        outcome: Outcome::Answered,
                        messages: vec![AccountMessage::Snapshot(snapshot)],
                        next_page: None,
                    }
                }
                _ => OrderAnswer { outcome: Outcome::Answered, messages: Vec::new(), next_page: None },
            };
            gateway.answered(at(now), number, answer);
        }
        for told in inputs(&mut gateway) {
            if told == "order_never_placed" {
                never_at = never_at.or(Some(now));
            } else {
                assert!(
                    never_at.is_some() && told == "stated 0",
                    "{told}: no statement while an order is in doubt"
                );
            }
        }
    }
    let never_at = never_at.expect("it is proven in the end");
    assert!((15_000..20_000).contains(&never_at), "{never_at}");
    assert!(queries >= 7 && asked < 40, "{queries} queries, {asked} requests");
}

#[test]
fn an_order_of_an_earlier_process_is_asked_for_and_a_trade_by_hand_is_told_as_one() {
    let standing = |id, name: Option<&str>| StandingOrder {
        order: order(id),
        epoch: Epoch::new(1),
        name: name.map(str::to_owned),
        filled: Qty::ZERO,
    };
    let orders = vec![standing(1, Some("v1")), standing(2, None)];
    let mut gateway = OrderGateway::new(beginning(orders, Some(at(0))), vec![market()]);
    gateway.connected(at(1_000));
    assert!(!gateway.is_ready() && gateway.place(at(1_001), &order(3)).is_err());
    assert_eq!(inputs(&mut gateway), ["order_unanswered"]);
    let made = requests(&mut gateway);
    let [(listed, OrderRequest::OpenOrders { .. }), (fills, OrderRequest::Fills { .. })] = made.as_slice()
    else {
        panic!("{made:?}")
    };
    gateway.answered(at(1_001), *listed, OrderAnswer::saying(Vec::new()));
    let made = requests(&mut gateway);
    let [(query, OrderRequest::Query { .. })] = made.as_slice() else { panic!("{made:?}") };
    let client = |id| ClientId::new(run_id(), Epoch::new(1), OrderId::new(id)).map(|id| id.to_string());
    let over = OrderReport { client_id: client(1), ..report(1, "v1", OrderStatus::Cancelled) };
    gateway.answered(
        at(1_002),
        *query,
        OrderAnswer { outcome: Outcome::Answered, messages: vec![told(over)], next_page: None },
    );
    assert_eq!(inputs(&mut gateway), ["cancelled"]);
    let by = |name: &str, id: &str| {
        AccountMessage::Fill(FillReport {
            order_id: name.into(),
            symbol: "BTCUSDT".into(),
            side: Side::Sell,
            fill: trade(id, "0.0001", ("0.0064", "USDT")),
            venue_at: at(1),
        })
    };
    let messages = vec![by("v1", "1"), by("hand", "2"), by("v2", "3")];
    gateway.answered(
        at(1_003),
        *fills,
        OrderAnswer { outcome: Outcome::Answered, messages, next_page: None },
    );
    assert_eq!(inputs(&mut gateway), ["filled 10000"], "of the others nobody knows yet whose they are");
    let lookups = requests(&mut gateway);
    assert_eq!(lookups.len(), 2);
    let hand = OrderReport { client_id: Some("web_1".into()), ..report(9, "hand", OrderStatus::Filled) };
    gateway.answered(
        at(1_004),
        lookups[0].0,
        OrderAnswer { outcome: Outcome::Answered, messages: vec![told(hand)], next_page: None },
    );
    assert_eq!(inputs(&mut gateway), ["foreign hand"]);
    assert!(!gateway.is_ready());
    let ours = OrderReport { client_id: client(2), ..report(2, "v2", OrderStatus::PartiallyFilled) };
    gateway.answered(
        at(1_005),
        lookups[1].0,
        OrderAnswer { outcome: Outcome::Answered, messages: vec![told(ours)], next_page: None },
    );
    assert_eq!(inputs(&mut gateway), ["order_named", "filled 10000"]);
    assert!(gateway.is_ready());
}
