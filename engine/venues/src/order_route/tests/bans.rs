//! Pauses that a venue asks for, in large numbers: nothing is asked in one once it is known.
//!
//! An order waits for no answer, so one may be on its way when the word of a pause comes; such requests are counted apart, by
//! how soon they come behind the first that was told.
//!
//! ```text
//! BANS=1000 BANS_WORLDS=16 cargo test -p engine-venues --lib -- --ignored --nocapture bans
//! ```

use super::comparison::on_their_way;
use super::trader::Trader;
use super::trials::{connections, price_in, side_by_side, variable};
use super::*;

/// A run that trades through `bans` pauses of a second each, some of them over the end of a process; answers how many orders it
/// sent, and how many requests were on their way when a pause began.
fn lives(house: &'static TestVenue, seed: u64, bans: u64) -> (usize, u64) {
    let ground = house.begun_in(1, 20, seed);
    let mut process = Process::begin(&ground);
    let mut trader = Trader::new(&ground, seed);
    process.until("the first statement", Process::agrees);
    for _ in 0..bans {
        let span = trader.random().millis_below(700);
        trader.trade(&mut process, &ground, span);
        ground.fault(Fault::Order(OrderFault::OrderBan { secs: 1 })).unwrap();
        let span = trader.random().millis_below(1_400);
        trader.trade(&mut process, &ground, span);
        match trader.random().below(12) {
            0 => {
                // The word of a pause that is not in the record when a process is killed is known to nobody.
                process.live(Duration::from_millis(100));
                process = process.begin_anew(&ground);
            }
            1 => ground.fault(Fault::from_json(r#"{"verb":"drop_conn","how":"fin"}"#).unwrap()).unwrap(),
            _ => {}
        }
    }
    let process = process.settle_anew(&ground);
    (process.orders_sent(), on_their_way(&ground))
}

#[test]
fn a_process_that_ends_while_it_rests_in_a_pause_connects_no_more() {
    let ground = BINANCE.begun_in(1, 5, 7);
    let mut process = Process::begin(&ground);
    process.until("the first statement", Process::agrees);
    process.mark(price_in(&ground, 0));
    ground.fault(Fault::Order(OrderFault::OrderBan { secs: 3 })).unwrap();
    let order = process.place(Side::Buy, OrderKind::Market, 30).unwrap();
    process.until("its refusal", |process| process.core.state().open_order(order).is_none());
    ground.fault(Fault::from_json(r#"{"verb":"drop_conn","how":"fin"}"#).unwrap()).unwrap();
    process.live(Duration::from_millis(600));
    let before = connections(&ground);
    drop(process.leave());
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(connections(&ground), before);
}

#[test]
fn a_run_that_trades_through_pauses_asks_nothing_in_them() {
    lives(&BINANCE, 3, 4);
}

fn lives_side_by_side(house: &'static TestVenue) {
    let (bans, worlds) = (variable("BANS", 1_000), variable("BANS_WORLDS", 16));
    let begun = Instant::now();
    let each = bans.div_ceil(worlds);
    let told = side_by_side(worlds, variable("BANS_SEED", 7), |seed| lives(house, seed, each));
    let (orders, late) = told.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!(
        "{}: {} pauses, {orders} orders, {late} requests on their way when one began, in {:?}",
        house.venue,
        each * worlds,
        begun.elapsed()
    );
}

#[test]
#[ignore = "a long trial"]
fn nothing_is_asked_in_a_thousand_pauses_at_binance() {
    lives_side_by_side(&BINANCE);
}

#[test]
#[ignore = "a long trial"]
fn nothing_is_asked_in_a_thousand_pauses_at_coinbase() {
    lives_side_by_side(&COINBASE);
}

#[test]
#[ignore = "a long trial"]
fn nothing_is_asked_in_a_thousand_pauses_at_kraken() {
    lives_side_by_side(&KRAKEN);
}
