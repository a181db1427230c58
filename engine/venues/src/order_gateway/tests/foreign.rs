//! Orders of others that work in a market of the run.

use super::*;

fn by_hand(name: &str, qty: &str, filled: &str, limit: Option<&str>) -> OrderReport {
    OrderReport {
        client_id: Some("web_1".into()),
        side: Some(Side::Sell),
        qty: decimal(qty).ok(),
        filled_qty: decimal(filled).ok(),
        limit: limit.map(|limit| decimal(limit).unwrap()),
        ..report(9, name, OrderStatus::Working)
    }
}

/// What is told when the venue lists `orders` as those that work.
fn listed(gateway: &mut OrderGateway, now: Timestamp, orders: Vec<OrderReport>) -> Vec<ForeignOrders> {
    gateway.ask(now, Purpose::OpenOrders(0));
    let made = requests(gateway);
    let is_list = |(_, request): &&(u64, OrderRequest)| matches!(request, OrderRequest::OpenOrders { .. });
    let (number, _) = made.iter().find(is_list).unwrap();
    gateway.answered(now, *number, OrderAnswer::saying(orders.into_iter().map(told).collect()));
    let mut all = Vec::new();
    while let Some(input) = gateway.take_input() {
        if let Input::Account(event) = input
            && let AccountEvent::Foreign(listed) = *event
        {
            all.push(listed);
        }
    }
    all
}

#[test]
fn orders_of_others_are_told_where_they_have_changed_and_asked_for_when_one_comes_or_goes() {
    let mut gateway = ready();
    assert_eq!(listed(&mut gateway, at(10), Vec::new()), [], "that there is none is no news");
    let ours = report(1, "v1", OrderStatus::Working);
    placed(&mut gateway);
    let orders =
        vec![by_hand("b", "0.50000000", "0.10000000", Some("70000.00")), ours, by_hand("a", "2", "0", None)];
    let first = listed(&mut gateway, at(20), orders.clone());
    let [ForeignOrders { instrument, orders: foreign }] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(instrument.index(), 0);
    let said = foreign.iter().map(|order| (order.name.as_str(), order.price, order.left.units()));
    let expected = [("a", None, 200_000_000), ("b", Some(Price::from_units(7_000_000)), 40_000_000)];
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert_eq!(listed(&mut gateway, at(30), orders), [], "nothing has changed");
    let asks = |gateway: &OrderGateway| {
        gateway.later.iter().filter(|(_, ask)| *ask == Purpose::OpenOrders(0)).count()
    };
    assert_eq!(asks(&gateway), 0, "their own list asks for no other");
    gateway.told(at(40), told(by_hand("b", "0.5", "0.1", None)));
    assert_eq!(asks(&gateway), 0, "it stands as it stood");
    for name in ["c", "d"] {
        gateway.told(at(50), told(by_hand(name, "1", "0", None)));
    }
    assert_eq!(asks(&gateway), 1, "once for as many as come together");
    gateway.later.clear();
    gateway
        .told(at(60), told(OrderReport { status: OrderStatus::Cancelled, ..by_hand("e", "1", "0", None) }));
    assert_eq!(asks(&gateway), 0, "it came and went");
    gateway
        .told(at(70), told(OrderReport { status: OrderStatus::Cancelled, ..by_hand("a", "2", "0", None) }));
    assert_eq!(asks(&gateway), 1);
    gateway.later.clear();
    let last = listed(&mut gateway, at(80), Vec::new());
    assert!(matches!(last.as_slice(), [ForeignOrders { orders, .. }] if orders.is_empty()), "{last:?}");
}

#[test]
fn a_quantity_finer_than_the_run_writes_counts_up_and_a_price_that_it_cannot_write_is_none() {
    let mut gateway = ready();
    let orders = vec![by_hand("a", "0.000000001", "0", Some("70000.001"))];
    let told = listed(&mut gateway, at(10), orders);
    let [ForeignOrders { orders, .. }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((orders[0].left.units(), orders[0].price), (1, None));
    let mut gateway = ready();
    gateway.ask(at(10), Purpose::OpenOrders(0));
    let made = requests(&mut gateway);
    let wide = by_hand("a", "9999999999999999999999999999", "0", None);
    gateway.answered(at(10), made[0].0, OrderAnswer::saying(vec![super::told(wide)]));
    assert_eq!(inputs(&mut gateway), ["halt"]);
}

#[test]
fn a_later_process_of_the_run_ends_trading_and_another_run_is_told_of() {
    let mut gateway = ready();
    let of = |epoch| {
        let client_id = ClientId::new(run_id(), Epoch::new(epoch), OrderId::new(7)).map(|id| id.to_string());
        told(OrderReport { client_id, ..report(7, "theirs", OrderStatus::Filled) })
    };
    gateway.told(at(10), of(1));
    assert!(!inputs(&mut gateway).contains(&"halt".to_owned()), "an earlier process is over");
    gateway.told(at(20), of(3));
    gateway.told(at(30), of(3));
    assert_eq!(inputs(&mut gateway).iter().filter(|word| *word == "halt").count(), 1);
    let manifest = Manifest { seed: 1, ..manifest() };
    let client_id = ClientId::new(RunId::of(&manifest, at(0)), Epoch::new(1), OrderId::new(7));
    let other = OrderReport {
        client_id: client_id.map(|id| id.to_string()),
        ..report(7, "else", OrderStatus::Filled)
    };
    let notices = |gateway: &mut OrderGateway| core::iter::from_fn(|| gateway.take_notice()).count();
    notices(&mut gateway);
    gateway.told(at(40), told(other.clone()));
    gateway.told(at(50), told(other));
    assert_eq!((notices(&mut gateway), inputs(&mut gateway)), (1, Vec::new()));
}
