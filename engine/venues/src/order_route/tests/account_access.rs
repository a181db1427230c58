//! What a key may do, a clock that is off, and limits that are nearly used up.

use fake_exchange::{AccountSettings, Permission};

use super::*;

fn refusal(at: &'static TestVenue, permissions: Vec<Permission>) -> Option<String> {
    let ground = at.begun_with(at.account(permissions));
    let venue = ground.venue();
    let instruments = venue.instruments(&[at.symbol.to_owned()]).unwrap();
    let key = VenueKey::from_text(at.venue, "test", at.secret).unwrap();
    let wanted = WantedRoute {
        is_new: true,
        instruments: &instruments,
        key: &key,
        orders_url: None,
        interruption: &Interruption::default(),
        notices: Arc::new(|_| {}),
    };
    venue.order_route(&wanted).err().map(|error| error.to_string())
}

#[test]
fn a_key_that_can_do_more_than_look_and_trade_or_less_is_refused_before_anything_is_sent() {
    let (read, trade, withdraw) = (Permission::Read, Permission::Trade, Permission::Withdraw);
    for at in [&BINANCE, &COINBASE] {
        assert_eq!(refusal(at, vec![read, trade]), None);
        let refused = refusal(at, vec![read, trade, withdraw]).unwrap();
        assert!(refused.contains("move assets out"), "{refused}");
        assert!(refusal(at, vec![read]).unwrap().contains("may not trade"));
        let unknown = refusal(at, Vec::new()).unwrap();
        assert!(unknown.contains("does not say what the key may do"), "{unknown}");
    }
}

#[test]
fn a_clock_that_is_off_is_learned_of_and_orders_go_on() {
    let running = BINANCE.begun(None);
    let mut process = Process::begin(&running);
    process.until("the first statement", Process::agrees);
    for ms in [4_000, -4_000] {
        running.fault(Fault::ClockSkew { ms }).unwrap();
        process.mark(price_of(&running));
        let begun = Instant::now();
        loop {
            let order = process.place(Side::Buy, OrderKind::Market, 50).unwrap();
            process.until("an answer", |process| process.core.state().open_order(order).is_none());
            let is_of = |input: &Input| matches!(input, Input::Execution(report) if report.order == order);
            if process.told.iter().any(is_of) {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{ms}: {:?}", process.told.last());
            process.take_in(Duration::from_millis(200));
        }
    }
    running.fault(Fault::ClockSkew { ms: 0 }).unwrap();
    process.settle(&running);
}

#[test]
fn where_the_limits_are_nearly_used_up_new_orders_are_refused_and_ends_are_sent() {
    let account = BINANCE.account(vec![Permission::Read, Permission::Trade]);
    let running = BINANCE.begun_with(AccountSettings { orders_per_10s: 10, ..account });
    let mut process = Process::begin(&running);
    process.until("the first statement", Process::agrees);
    let price = price_of(&running);
    process.mark(price);
    let far = OrderKind::Limit(Price::from_units(price / 2));
    let (mut resting, mut refused) = (Vec::new(), 0);
    for _ in 0..30 {
        let order = process.place(Side::Buy, far, 50).unwrap();
        process.until("an answer", |process| {
            process.core.state().open_order(order).is_none_or(|open| open.status == Status::Accepted)
        });
        match process.core.state().open_order(order) {
            Some(_) => resting.push(order),
            None => refused += 1,
        }
    }
    assert!(refused > 0 && !resting.is_empty(), "{refused} refused, {} rest", resting.len());
    for order in resting {
        process.cancel(order);
        process.until("its end", |process| process.core.state().open_order(order).is_none());
    }
    assert_eq!(running.truth().requests_in_bans().unwrap(), 0);
    process.settle(&running);
}
