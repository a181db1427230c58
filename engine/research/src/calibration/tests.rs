//! Runs that are written event by event from values that are known, and what calibration says of them.

use engine_core::asset::{Asset, AssetAmount, AssetPair};
use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::epoch::Epoch;
use engine_core::event::{
    AccountBeginning, AccountEvent, Event, Execution, ExecutionReport, FeeCharge, Input, OrderSent, Output,
    Submission,
};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::Rationale;
use engine_core::market::{Aggressor, MarketUpdate, Side, Trade};
use engine_core::num::{Amount, Money, Price, Qty};
use engine_core::order::{Order, OrderId, OrderKind, Posting, Reach, TimeInForce};
use engine_core::time::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

use super::figures::fitted;
use super::observations::Observations;
use super::*;

const ONLY: InstrumentId = InstrumentId::new(0);
const MS: f64 = 1e6;
/// Orders of each kind in a run.
const ORDERS: u64 = 60;

/// What a written run is made with.
#[derive(Debug, Clone, Copy)]
struct Known {
    entry: f64,
    response: f64,
    slippage: f64,
    maker_fee: f64,
    taker_fee: f64,
    touched_filled: f64,
    /// How far single latencies and slippages go away from theirs: nothing, or as the markets do.
    is_wild: bool,
    /// By how much the venue's clock is ahead.
    ahead: f64,
}

/// Dice.
struct Chance(ChaCha8Rng);

impl Chance {
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// A latency around `middle`, which is its median: skewed as those of networks, or away by a third of a millisecond.
    fn latency(&mut self, middle: f64, is_wild: bool) -> f64 {
        if !is_wild {
            return middle + self.between(-0.3, 0.3) * MS;
        }
        let normal: f64 = (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0;
        middle * libm::exp(0.3 * normal)
    }
}

fn known(chance: &mut Chance, is_wild: bool) -> Known {
    Known {
        entry: chance.between(20.0, 120.0) * MS,
        response: chance.between(5.0, 60.0) * MS,
        slippage: chance.between(1e-4, 1e-3),
        maker_fee: (chance.between(100.0, 900.0)).round() * 1e-6,
        taker_fee: (chance.between(500.0, 2_000.0)).round() * 1e-6,
        touched_filled: if chance.uniform() < 0.5 { 0.15 } else { 0.85 },
        is_wild,
        ahead: 0.0,
    }
}

fn rules() -> Instrument {
    Instrument {
        venue: "test".into(),
        symbol: "BTCUSDT".into(),
        price_decimals: 2,
        qty_decimals: 5,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

/// A run as it is written, unsorted.
struct Written {
    known: Known,
    chance: Chance,
    events: Vec<(f64, Event)>,
}

impl Written {
    fn of(known: Known, seed: u64) -> Vec<Envelope> {
        let chance = Chance(ChaCha8Rng::seed_from_u64(seed));
        let mut written = Self { known, chance, events: Vec::new() };
        let pairs = vec![AssetPair { base: Asset::new("BTC"), quote: Asset::new("USDT") }];
        let begun = AccountEvent::Begun(AccountBeginning { epoch: Epoch::default(), pairs });
        written.note(0.0, Event::Input(Input::Account(Box::new(begun))));
        let mut price = 6_000_000_i64;
        for number in 1..=ORDERS * 2 {
            // A price of its own for each order, long before and behind it.
            price += (written.chance.uniform() * 2_001.0) as i64 - 1_000;
            let begins = number as f64 * 2_000.0 * MS;
            written.print(begins, price);
            let decided = begins + written.chance.between(400.0, 500.0) * MS;
            match number % 2 {
                0 => written.market_order(number, decided, price),
                _ => written.limit_order(number, decided, price),
            }
        }
        written.events.sort_by(|one, other| one.0.total_cmp(&other.0));
        let numbered = (1..).zip(written.events);
        let envelopes = numbered.map(|(seq, (at, event))| {
            let (seq, at) = (Seq::new(seq), Timestamp::from_nanos(at as i64));
            Envelope { seq, at, records_read: 0, cause: Cause::Event(seq), event }
        });
        envelopes.collect()
    }

    fn note(&mut self, at: f64, event: Event) {
        self.events.push((at, event));
    }

    /// The moment as the venue writes it: by its own clock, cut to the millisecond.
    fn venue_at(&self, at: f64) -> Timestamp {
        Timestamp::from_nanos((((at + self.known.ahead) / MS).floor() * MS) as i64)
    }

    fn print(&mut self, at: f64, price: i64) {
        let trade = Trade {
            instrument: ONLY,
            venue_at: self.venue_at(at),
            price: Price::from_units(price),
            qty: Qty::from_units(1_000),
            aggressor: Aggressor::Unknown,
        };
        self.note(at + 3.0 * MS, Event::Input(Input::Market(MarketUpdate::Trade(trade))));
    }

    /// An order that is decided, sent and accepted; when the venue had it, and how long that took to be told.
    fn sent(&mut self, number: u64, decided: f64, side: Side, kind: OrderKind, price: i64) -> [f64; 2] {
        let order = Order {
            id: OrderId::new(number),
            instrument: ONLY,
            side,
            qty: qty(number),
            kind,
            tif: TimeInForce::Gtc,
            posting: Posting::Any,
            reach: Reach::Any,
            bracket: None,
            parent: None,
            sibling: None,
            decided_price: Price::from_units(price),
        };
        let submission = Submission { order, because: Rationale::default() };
        self.note(decided, Event::Output(Output::OrderSubmitted(Box::new(submission))));
        let entry = self.chance.latency(self.known.entry, self.known.is_wild);
        let wire_at = Timestamp::from_nanos((decided + entry * 0.1) as i64);
        let sent = AccountEvent::Sent(OrderSent { order: OrderId::new(number), wire_at });
        self.note(decided + entry * 0.1, Event::Input(Input::Account(Box::new(sent))));
        let told = self.response();
        self.report(number, [decided + entry, told], Execution::Accepted);
        [decided + entry, told]
    }

    fn response(&mut self) -> f64 {
        self.chance.latency(self.known.response, self.known.is_wild)
    }

    fn report(&mut self, number: u64, [at, response]: [f64; 2], execution: Execution) {
        let report = ExecutionReport { order: OrderId::new(number), venue_at: self.venue_at(at), execution };
        self.note(at + response, Event::Input(Input::Execution(report)));
    }

    fn market_order(&mut self, number: u64, decided: f64, price: i64) {
        let (known, side) = (self.known, side(number));
        let arrived = self.sent(number, decided, side, OrderKind::Market, price);
        let worse = match known.is_wild {
            true => known.slippage * -libm::log(1.0 - self.chance.uniform()),
            false => known.slippage,
        };
        let away = (price as f64 * worse).round() as i64;
        let paid = match side {
            Side::Buy => price + away,
            Side::Sell => price - away,
        };
        // One answer tells of both, as venues do.
        self.trade(number, arrived, paid, Liquidity::Taker);
    }

    /// An order that is touched once, and then passed by the market without having traded, or trades at the touch.
    fn limit_order(&mut self, number: u64, decided: f64, price: i64) {
        let side = side(number);
        let (limit, beyond) = match side {
            Side::Buy => (price - 5_000, price - 5_001),
            Side::Sell => (price + 5_000, price + 5_001),
        };
        self.sent(number, decided, side, OrderKind::Limit(Price::from_units(limit)), price);
        let touched = decided + 700.0 * MS;
        self.print(touched, limit);
        if self.chance.uniform() < self.known.touched_filled {
            let told = self.response();
            self.trade(number, [touched + MS, told], limit, Liquidity::Maker);
        } else {
            self.print(touched + 100.0 * MS, beyond);
            let told = self.response();
            self.trade(number, [touched + 100.0 * MS, told], limit, Liquidity::Maker);
        }
    }

    fn trade(&mut self, number: u64, told: [f64; 2], price: i64, liquidity: Liquidity) {
        let [at, _] = told;
        let (qty, trade) = (qty(number), TradeId::new(u128::from(number)));
        let rate = match liquidity {
            Liquidity::Maker => self.known.maker_fee,
            Liquidity::Taker => self.known.taker_fee,
        };
        let cut = |amount: f64| (amount * 1e8 + 1e-6).floor() as i128 * 10_i128.pow(10);
        let (base, price) = (qty.units() as f64 / 1e5, Price::from_units(price));
        let notional = base * price.units() as f64 / 100.0;
        // Half of the trades are charged in the coin, the others in cash.
        let fee = match side(number) {
            Side::Buy => {
                let asset = Asset::new("BTC");
                let charge = AssetAmount { asset, amount: Amount::from_units(cut(base * rate)) };
                let charge = FeeCharge { order: OrderId::new(number), trade, charge };
                self.note(at, Event::Input(Input::Account(Box::new(AccountEvent::Charged(charge)))));
                Money::ZERO
            }
            Side::Sell => Money::from_units(cut(notional * rate)),
        };
        self.report(number, told, Execution::Filled(Fill { trade, price, qty, fee, liquidity }));
    }
}

/// Buys and sales take turns within each kind.
const fn side(number: u64) -> Side {
    if number % 4 < 2 { Side::Buy } else { Side::Sell }
}

/// Sizes of all kinds.
fn qty(number: u64) -> Qty {
    Qty::from_units(i128::from(1_000 + number * 7_919 % 9_000))
}

fn of(envelopes: &[Envelope]) -> Calibration {
    let mut observations = Observations::default();
    observations.add(&[rules()], true, || Ok(envelopes.iter().cloned().map(Ok))).unwrap();
    fitted(observations, Vec::new())
}

/// Whether the interval of a figure holds the truth.
fn holds(calibration: &Calibration, name: &str, truth: f64) -> bool {
    calibration.figure(name).unwrap().estimate.unwrap().holds(truth)
}

/// Delays and slippage are constants, as those of an exchange that was told them, and away from them by what a machine adds. What
/// the milliseconds of the venue and the ticks of the price hide is part of the intervals, so that none may miss.
#[test]
fn known_latencies_slippage_and_fees_are_recovered_in_twenty_of_twenty_runs() {
    for seed in 1..=20 {
        let known = known(&mut Chance(ChaCha8Rng::seed_from_u64(1_000 + seed)), false);
        let calibration = of(&Written::of(known, seed));
        let expected = [
            ("entry", known.entry),
            ("response", known.response),
            ("sent_to_venue", known.entry * 0.9),
            ("slippage", known.slippage),
            ("slippage_from_decision", known.slippage),
            ("maker_fee", known.maker_fee),
            ("taker_fee", known.taker_fee),
        ];
        for (name, truth) in expected {
            let figure = calibration.figure(name).unwrap();
            assert!(
                holds(&calibration, name, truth),
                "seed {seed}: {name} is {truth}, and not in {figure:?}"
            );
            let Estimate { low, high, .. } = figure.estimate.unwrap();
            let allowed = if figure.unit == Unit::Nanos { 2.5 * MS } else { truth * 0.02 };
            assert!(high - low < allowed, "seed {seed}: {name} is hardly known: {figure:?}");
        }
        let limit_fill = calibration.settings().find(|(setting, _)| setting.key == "limit_fill").unwrap();
        let right = if known.touched_filled > 0.5 { "\"touch\"" } else { "\"through\"" };
        assert_eq!(limit_fill.1, right, "seed {seed}: {known:?}");
    }
}

/// Where every latency and slippage is drawn from a wide distribution, one interval in twenty misses, and no more.
#[test]
fn of_two_hundred_wild_runs_nineteen_of_twenty_intervals_hold_the_truth() {
    let names =
        ["entry", "response", "decided_to_sent", "slippage", "touched_filled", "maker_fee", "taker_fee"];
    let mut held = names.map(|name| (name, 0));
    for seed in 1..=200 {
        let known = known(&mut Chance(ChaCha8Rng::seed_from_u64(5_000 + seed)), true);
        let calibration = of(&Written::of(known, seed));
        let Known { entry, response, slippage, touched_filled, maker_fee, taker_fee, .. } = known;
        let truths = [entry, response, entry * 0.1, slippage, touched_filled, maker_fee, taker_fee];
        for ((name, held), truth) in held.iter_mut().zip(truths) {
            *held += usize::from(holds(&calibration, name, truth));
        }
    }
    println!("{held:?}");
    for (name, held) in held {
        assert!((178..=200).contains(&held), "{name}: {held} of 200");
    }
}

#[test]
fn a_clock_that_is_ahead_moves_entry_and_response_apart_and_leaves_their_sum() {
    let plain = known(&mut Chance(ChaCha8Rng::seed_from_u64(3)), false);
    let ahead = Known { ahead: 250.0 * MS, ..plain };
    let calibration = of(&Written::of(ahead, 3));
    assert!(holds(&calibration, "entry", plain.entry + 250.0 * MS));
    assert!(holds(&calibration, "response", plain.response - 250.0 * MS));
    let round_trip = calibration.figure("round_trip").unwrap().estimate.unwrap().value;
    assert!((round_trip - plain.entry - plain.response).abs() < 0.2 * MS, "{round_trip} {plain:?}");
    let [low, high] = calibration.clock_ahead.unwrap();
    assert!((low..=high).contains(&(250.0 * MS)) && low > 0.0, "{low} {high}");
    assert!(calibration.remarks.iter().any(|remark| remark.contains("so they do differ")));
    let toml = calibration.toml();
    assert!(toml.contains("# Left out: response: it is below nothing, so the clocks"), "{toml}");
}

#[test]
fn too_few_orders_set_nothing_and_say_how_many_are_needed() {
    let known = known(&mut Chance(ChaCha8Rng::seed_from_u64(4)), false);
    let few: Vec<Envelope> = Written::of(known, 4).into_iter().take(110).collect();
    let calibration = of(&few);
    let entry = calibration.figure("entry").unwrap();
    assert!(entry.count > 0 && entry.estimate.is_none(), "{entry:?}");
    assert!(entry.shortage().unwrap().contains("20 are needed"));
    let set: Vec<&str> = calibration.settings().map(|(setting, _)| setting.key).collect();
    assert_eq!(set, ["feed"], "the feed alone was seen often enough");
    assert!(calibration.toml().contains("# Left out: taker_fee: "));
}
