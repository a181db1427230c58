//! What is refused before anything is sent.

use std::sync::{Arc, Mutex};

use engine_core::asset::AssetPair;
use engine_core::instrument::InstrumentId;
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{Bracket, BracketStop, Order, OrderId, OrderKind, Posting, Reach, TimeInForce};
use engine_runtime::order_route::RouteBeginning;
use engine_runtime::ports::{EffectFailure, EnvironmentError, Inlet};

use super::*;

const CONFIG: &str = "[run]\ncapital = \"1000\"\n[[data]]\nvenue = \"binance\"\nsymbol = \"X\"\nkind = \"trades\"\n\
                      [risk]\naccount = \"cash\"\n[live]\nws_url = \"ws://127.0.0.1:9\"\nrest_url = \"http://127.0.0.1:9\"\n\
                      orders_url = \"ws://localhost:9/ws-api\"\n[strategy]\nname = \"buy-and-hold\"\n";

fn checked(from: &str, to: &str) -> Result<(), String> {
    assert!(CONFIG.contains(from), "{from}");
    let settings = RunSettings::read_toml("live.toml", &CONFIG.replace(from, to)).unwrap();
    check(&settings, "binance").map_err(|error| error.to_string())
}

#[test]
fn a_run_on_the_loopback_with_a_cash_account_may_send_orders() {
    assert_eq!(checked("", ""), Ok(()));
}

#[test]
fn every_place_of_a_run_lies_on_the_loopback_or_its_operator_accepts_otherwise() {
    let cases = [
        ("orders_url = \"ws://localhost:9/ws-api\"\n", ""),
        ("ws://localhost:9/ws-api", "wss://ws-api.binance.com/ws-api/v3"),
        ("ws://127.0.0.1:9", "wss://stream.binance.com"),
        ("rest_url = \"http://127.0.0.1:9\"\n", ""),
    ];
    for (from, to) in cases {
        let refused = checked(from, to).unwrap_err();
        assert!(refused.contains("--i-accept-no-kill-switch"), "{refused}");
        let text = CONFIG.replace(from, to).replace("[live]\n", "[live]\naccepts_no_kill_switch = true\n");
        let settings = RunSettings::read_toml("live.toml", &text).unwrap();
        assert!(check(&settings, "binance").is_ok(), "{text}");
    }
}

#[test]
fn what_is_not_sent_to_a_real_venue_is_refused_with_the_reason() {
    let refused = checked("account = \"cash\"", "account = \"margin\"").unwrap_err();
    assert!(refused.contains("spot"), "{refused}");
}

#[test]
fn policies_with_exits_are_traded() {
    for exit in ["stop_loss = \"2%\"", "trailing_stop = \"2%\"", "take_profit = \"2%\""] {
        let text = CONFIG.replace("name = \"buy-and-hold\"", &format!("name = \"buy-and-hold\"\n{exit}"));
        let settings = RunSettings::read_toml("live.toml", &text).unwrap();
        let at = |venue: &str| check(&settings, venue).map_err(|error| error.to_string());
        assert_eq!((at("binance"), at("kraken")), (Ok(()), Ok(())));
        let refused = at("coinbase").err().is_some_and(|words| words.contains("stops with a limit alone"));
        assert_eq!(refused, exit.contains("stop"), "{exit}");
    }
}

#[test]
fn what_an_operator_accepts_is_kept_with_the_run_and_nowhere_else() {
    let text = CONFIG.replace("[live]\n", "[live]\naccepts_no_kill_switch = true\n");
    let mut settings = RunSettings::read_toml("live.toml", &text).unwrap();
    settings.run.mode = Some(crate::config::RunMode::Paper);
    assert!(!crate::config::canonical(&settings).contains("kill_switch"));
    settings.run.mode = Some(crate::config::RunMode::Live);
    let kept = crate::config::canonical(&settings);
    assert!(kept.contains("accepts_no_kill_switch"), "{kept}");
    let read = RunSettings::read_canonical(&kept).unwrap();
    assert!(read.live.accepts_no_kill_switch && read.run.mode == Some(crate::config::RunMode::Live));
}

/// A way of orders that keeps what it is handed.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<OrderId>>>);

impl OrderRoute for Kept {
    fn pairs(&self) -> Vec<AssetPair> {
        Vec::new()
    }

    fn begin(&mut self, _beginning: RouteBeginning, _inlet: Inlet) -> Result<(), EnvironmentError> {
        Ok(())
    }

    fn place(&mut self, order: &Order) -> Result<(), EffectFailure> {
        self.0.lock().unwrap().push(order.id);
        Ok(())
    }

    fn cancel(&mut self, order: OrderId) -> Result<(), EffectFailure> {
        self.0.lock().unwrap().push(order);
        Ok(())
    }

    fn amend(&mut self, order: OrderId, _qty: Qty) -> Result<(), EffectFailure> {
        self.0.lock().unwrap().push(order);
        Ok(())
    }
}

fn order(number: u64) -> Order {
    Order {
        id: OrderId::new(number),
        instrument: InstrumentId::new(0),
        side: Side::Buy,
        qty: Qty::from_units(1_500),
        kind: OrderKind::Limit(Price::from_units(2_000)),
        tif: TimeInForce::Gtc,
        posting: Posting::Any,
        reach: Reach::Any,
        bracket: None,
        parent: None,
        sibling: None,
        decided_price: Price::from_units(2_000),
    }
}

#[test]
fn an_order_that_its_venue_is_not_sent_ends_before_the_route() {
    let kept = Kept::default();
    let mut route = CheckedRoute::new("binance", Box::new(kept.clone()), None);
    route.place(&order(1)).unwrap();
    let kind = OrderKind::TrailingStop(Ratio::ONE);
    let refused = route.place(&Order { kind, ..order(2) }).unwrap_err();
    assert!(refused.reason.contains("trailing stops"), "{refused}");
    let bracket = Some(Bracket { stop_loss: BracketStop::At(Price::from_units(1)), take_profit: None });
    route.place(&Order { bracket, ..order(3) }).unwrap();
    route.amend(OrderId::new(1), Qty::from(1)).unwrap_err();
    route.cancel(OrderId::new(1)).unwrap();
    assert_eq!(*kept.0.lock().unwrap(), [1, 3, 1].map(OrderId::new));
}

#[test]
fn a_dry_run_hands_nothing_over_and_says_what_it_would_have() {
    let (kept, said) = (Kept::default(), Arc::new(Mutex::new(Vec::new())));
    let notes = Arc::clone(&said);
    let notices: Notices = Arc::new(move |line: &str| notes.lock().unwrap().push(line.to_owned()));
    let rules = Instrument {
        venue: "binance".into(),
        symbol: "X".into(),
        price_decimals: 2,
        qty_decimals: 3,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    };
    let mut route = DryRun::new(Box::new(kept.clone()), &[rules], notices);
    let unsent = route.place(&order(1)).unwrap_err();
    assert_eq!(unsent.reason, "dry run: not sent");
    route.cancel(OrderId::new(1)).unwrap_err();
    assert!(kept.0.lock().unwrap().is_empty());
    let said = said.lock().unwrap();
    assert_eq!(said[0], "dry run: would send order 1: buy 1.5 X at 20 or better");
    assert_eq!(said[1], "dry run: would cancel order 1");
}
