//! Runs with real orders that are killed at random instants: while they start, take up, connect, trade and put segments away.
//! Every order of the exchange is one of the record, every trade is in it once, and books and exchange agree.
//!
//! A few kills are part of every test run. The long form, so many in several runs side by side:
//!
//! ```text
//! LIVE_KILLS=1000 LIVE_KILLS_RUNS=8 cargo test -p engine-cli --test program -- --ignored --nocapture live_kills
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use engine_core::client_id::ClientId;
use engine_core::envelope::Seq;
use engine_core::event::{Event, Execution, Input, Output};
use engine_core::order::OrderId;
use fake_exchange::Running;
use journal_store::run::RunReader;

use super::live_faults::{begun, held, units};
use super::live_venue::{BINANCE, CONFIG};
use super::paper::{Random, variable};
use super::paper_faults::set_off;
use crate::folder::Folder;

/// Bars of a tenth of a second or so, so that there is always something to do.
const BARS: &str = "rule = \"ticks\"\ncount = 4";
const EXITS: &str = "stop_loss = \"0.01%\"\ntake_profit = \"0.01%\"\n";

/// Most processes live no longer than so many milliseconds, and many do not live to trade.
const LIFE_MAX_MS: u64 = 3_500;

/// One of so many lives longer: an order in doubt is known behind fifteen seconds of one process, and nothing is entered before.
const LONG_LIFE_EVERY: u64 = 12;
const LONG_LIFE_MS: u64 = 20_000;

/// The orders and trades of a record.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    orders: BTreeSet<OrderId>,
    /// How many trades of each order.
    trades: BTreeMap<OrderId, usize>,
}

/// Every order that was submitted, and every trade of one that was told, each once.
fn recorded(folder: &Folder) -> Told {
    let reader = RunReader::open(&folder.path("P")).unwrap();
    let (mut orders, mut trades) = (BTreeSet::new(), BTreeSet::new());
    for envelope in reader.envelopes(Seq::FIRST).unwrap() {
        let event = envelope.unwrap().event;
        if let Event::Output(Output::OrderSubmitted(submission)) = &event {
            orders.insert(submission.order.id);
        }
        if let Event::Input(Input::Execution(report)) = &event
            && let Execution::Filled(fill) = report.execution
        {
            trades.insert((report.order, fill.trade));
        }
    }
    let mut told = Told { orders, trades: BTreeMap::new() };
    trades.into_iter().for_each(|(order, _)| *told.trades.entry(order).or_default() += 1);
    told
}

/// Compares the record with what the exchange has; answers how many orders and trades there are.
fn judge(folder: &Folder, exchange: &Running) -> (usize, usize) {
    let told = recorded(folder);
    let id_of = |text: &str| text.parse::<ClientId>().unwrap().order();
    let orders = exchange.truth().orders().unwrap();
    let mut seen = BTreeSet::new();
    for order in &orders {
        let id = id_of(&order.client_id);
        assert!(told.orders.contains(&id), "{order:?} is nobody's");
        assert!(seen.insert(id), "{order:?} stands twice");
    }
    let mut made = BTreeMap::new();
    for fill in exchange.truth().fills().unwrap() {
        *made.entry(id_of(&fill.client_id)).or_default() += 1;
    }
    assert_eq!(told.trades, made, "each trade is recorded, and no other");
    let open = folder.answer("orders P");
    let open: BTreeSet<String> = open["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| order["client_id"].as_str().unwrap().to_owned())
        .collect();
    let works = orders.iter().filter(|order| order.status.is_open());
    let works: BTreeSet<String> = works.map(|order| order.client_id.to_string()).collect();
    assert_eq!(open, works, "what works there is what the record says");
    let balances = folder.answer("balances P");
    let rows = balances["balances"].as_array().unwrap();
    let ours = rows.iter().map(|row| (row["asset"].as_str().unwrap(), row["amount"].as_str().unwrap()));
    let ours: BTreeMap<String, i128> = ours.map(|(asset, text)| (asset.to_owned(), units(text))).collect();
    assert_eq!(ours, held(exchange), "every asset to the last unit");
    (orders.len(), made.values().sum())
}

/// Ends the run once its books and the venue's statement say the same.
fn settle(folder: &Folder) {
    for seconds in [5, 25, 40, 60, 60] {
        let answer = folder.answer(&format!("live live.toml --run P --for {seconds}s"));
        let balances = folder.json("balances P", 0);
        if balances["standing"] == "agrees" {
            let checked = folder.answer("replay P --check");
            assert_eq!((&checked["same"], &checked["head"]), (&true.into(), &answer["head"]), "{checked}");
            return;
        }
    }
    panic!("{}", folder.json("balances P", 0));
}

/// A run that is killed so often; answers how many orders and trades it had.
fn lives(seed: u64, kills: u64) -> (usize, usize) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let exchange = BINANCE.exchange_with(&[("USDT", "10000")]);
    let config = format!("{CONFIG}{EXITS}").replace("BARS", BARS);
    let folder = BINANCE.ground_with(&exchange, &config);
    for _ in 0..kills {
        let mut child = begun(&folder);
        set_off(&exchange, &format!(r#"{{"verb":"partial","n":{}}}"#, 1 + random.below(4)));
        let longer_ms = if random.below(LONG_LIFE_EVERY) == 0 { LONG_LIFE_MS } else { 0 };
        std::thread::sleep(Duration::from_millis(longer_ms + random.below(LIFE_MAX_MS)));
        assert_eq!(child.try_wait().unwrap(), None, "seed {seed}: it ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Nothing is traded between the end of the last process and the comparison.
    set_off(&exchange, r#"{"verb":"halt","symbol":"BTCUSDT"}"#);
    settle(&folder);
    judge(&folder, &exchange)
}

#[test]
fn a_run_with_real_orders_that_is_killed_loses_nothing() {
    println!("{:?}", lives(7, 3));
}

#[test]
#[ignore = "takes minutes"]
fn a_thousand_kills_of_runs_with_real_orders_lose_nothing() {
    let (kills, runs) = (variable("LIVE_KILLS", 1_000), variable("LIVE_KILLS_RUNS", 8));
    let (seed, each) = (variable("LIVE_KILLS_SEED", 7), kills.div_ceil(runs));
    let begun = Instant::now();
    let told: Vec<(usize, usize)> = std::thread::scope(|scope| {
        let lives: Vec<_> = (seed..seed + runs).map(|seed| scope.spawn(move || lives(seed, each))).collect();
        lives.into_iter().map(|life| life.join().unwrap()).collect()
    });
    let (orders, trades) = told.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("{} kills, {orders} orders, {trades} trades in {:?}", each * runs, begun.elapsed());
}
