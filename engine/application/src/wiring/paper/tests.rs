//! A run with real orders, killed before its order was answered, taken up, and played again from its record.

use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use engine_core::asset::{Asset, AssetAmount, AssetPair};
use engine_core::event::{
    AccountEvent, AccountStatement, Execution, ExecutionReport, Input, SessionMark, VenueOrder,
};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Aggressor, MarketUpdate, Trade};
use engine_core::num::{Amount, Money, Price, Qty};
use engine_core::order::{Order, OrderId};
use engine_core::state::AccountStanding;
use engine_core::time::Timestamp;
use engine_runtime::order_route::{OrderRoute, RouteBeginning};
use engine_runtime::ports::{EffectFailure, EnvironmentError, Fed, Inlet};
use engine_venues::market_venue::{ClockReading, ListingReader, PastReader, Stream, VenueError, WantedRoute};
use engine_venues::recorder::Recorder;
use replay_replayer::fold::Until;

use super::*;
use crate::wiring::recording::Recording;
use crate::wiring::replay::check_again;
use crate::wiring::state_at::state_at;

/// How a process ends once nothing comes any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Killed,
    Interrupted,
}

struct Held {
    coming: VecDeque<(i64, Input)>,
    now: i64,
    ends: Option<Ends>,
    beginnings: Vec<RouteBeginning>,
    placed: Vec<Order>,
}

/// A venue whose words are scripted, and which fills an order when it is asked about it.
#[derive(Clone)]
struct Venue(Arc<Mutex<Held>>);

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(second * 1_000_000_000)
}

fn rules() -> Instrument {
    Instrument {
        venue: "binance".into(),
        symbol: "X".into(),
        price_decimals: 2,
        qty_decimals: 3,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

impl Venue {
    fn refused<T>(&self) -> Result<T, VenueError> {
        Err(VenueError::Orders { venue: "binance".into(), reason: "it is scripted".into() })
    }

    fn script(&self, from: i64, ends: Ends) {
        let instrument = InstrumentId::new(0);
        let connected = Input::Feed(FeedStatus { instrument, condition: FeedCondition::Connected });
        let trade = |second| {
            let (price, aggressor) = (Price::from_units(2_000), Aggressor::Buyer);
            let trade = Trade { instrument, venue_at: at(second), price, qty: Qty::from(1), aggressor };
            (second, Input::Market(MarketUpdate::Trade(trade)))
        };
        let mut held = self.0.lock().unwrap();
        held.coming = [(from, connected)].into_iter().chain((from + 1..from + 4).map(trade)).collect();
        (held.ends, held.now) = (Some(ends), from);
    }
}

impl InputFeed for Venue {
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Fed, EnvironmentError> {
        let mut held = self.0.lock().unwrap();
        let Some((second, input)) = held.coming.pop_front() else {
            return match held.ends.take() {
                Some(Ends::Killed) => Err(EnvironmentError::SourceBroken { reason: "killed".into() }),
                Some(Ends::Interrupted) => {
                    Ok(Fed::Input(at(held.now), Input::Session(SessionMark::Interrupted)))
                }
                None => Ok(Fed::End),
            };
        };
        if let Some(until) = until.filter(|until| at(second) > *until) {
            held.coming.push_front((second, input));
            return Ok(Fed::Nothing(at(held.now).max(until)));
        }
        held.now = second;
        Ok(Fed::Input(at(second), input))
    }

    fn ready(&mut self) -> Result<Option<(Timestamp, MarketUpdate)>, EnvironmentError> {
        Ok(None)
    }

    fn inlet(&self) -> Option<Inlet> {
        Some(Box::new(|_| true))
    }
}

impl OrderRoute for Venue {
    fn pairs(&self) -> Vec<AssetPair> {
        vec![AssetPair { base: Asset::new("X"), quote: Asset::new("USDT") }]
    }

    fn begin(&mut self, beginning: RouteBeginning, _inlet: Inlet) -> Result<(), EnvironmentError> {
        let mut held = self.0.lock().unwrap();
        let (now, mut told) = (held.now, Vec::new());
        let mut amounts = vec![("USDT", Amount::of_money(Money::from_units(1_000 * 10_i128.pow(18))))];
        for standing in &beginning.orders {
            let (order, qty) = (standing.order.id, standing.order.qty);
            let (trade, price) = (TradeId::new(7), Price::from_units(2_000));
            let fill = Fill { trade, price, qty, fee: Money::ZERO, liquidity: Liquidity::Taker };
            let report =
                |execution| Input::Execution(ExecutionReport { order, venue_at: at(now), execution });
            let named = AccountEvent::Named(VenueOrder { order, name: "V".to_owned() });
            told.push(Input::Account(Box::new(AccountEvent::Unanswered(order))));
            told.push(Input::Account(Box::new(named)));
            told.push(report(Execution::Filled(fill)));
            let paid = Amount::of_money(rules().notional(price, qty).unwrap()).negated().unwrap();
            amounts[0].1 = amounts[0].1.plus(paid).unwrap();
            amounts.push(("X", Amount::of_qty(qty, 3).unwrap()));
        }
        let balances =
            amounts.into_iter().map(|(name, amount)| AssetAmount { asset: Asset::new(name), amount });
        let stated = AccountStatement { venue_at: at(now), balances: balances.collect() };
        told.push(Input::Account(Box::new(AccountEvent::Stated(stated))));
        for input in told.into_iter().rev() {
            held.coming.push_front((now, input));
        }
        held.beginnings.push(beginning);
        Ok(())
    }

    fn place(&mut self, order: &Order) -> Result<(), EffectFailure> {
        self.0.lock().unwrap().placed.push(order.clone());
        Ok(())
    }

    fn cancel(&mut self, _order: OrderId) -> Result<(), EffectFailure> {
        Ok(())
    }

    fn amend(&mut self, _order: OrderId, _qty: Qty) -> Result<(), EffectFailure> {
        Ok(())
    }
}

impl MarketVenue for Venue {
    fn name(&self) -> &str {
        "binance"
    }

    fn now(&self) -> Timestamp {
        at(self.0.lock().unwrap().now)
    }

    fn clock(&self) -> Result<ClockReading, VenueError> {
        self.refused()
    }

    fn instruments(&self, _symbols: &[String]) -> Result<Vec<Instrument>, VenueError> {
        Ok(vec![rules()])
    }

    fn listings(&self, _instruments: &[Instrument]) -> ListingReader {
        Box::new(|| Ok(Vec::new()))
    }

    fn past_bars(&self, _interval: Span) -> Result<PastReader, VenueError> {
        self.refused()
    }

    fn feed(&self, _wanted: &WantedFeed<'_>) -> Result<Box<dyn InputFeed>, VenueError> {
        Ok(Box::new(self.clone()))
    }

    fn record(&self, _dir: &Path, _streams: &[Stream], _notices: &Notices) -> Result<Recorder, VenueError> {
        self.refused()
    }

    fn playback(&self, _wanted: &WantedPlayback<'_>) -> Result<Box<dyn InputFeed>, VenueError> {
        Ok(Box::new(self.clone()))
    }

    fn order_route(&self, _wanted: &WantedRoute<'_>) -> Result<Box<dyn OrderRoute>, VenueError> {
        Ok(Box::new(self.clone()))
    }
}

struct Nobody;

impl StatusSink for Nobody {
    fn told(&mut self, _status: &LiveStatus) {}
}

fn settings(dir: &Path) -> RunSettings {
    let key = dir.join("account.toml");
    std::fs::write(&key, "api_key = \"name\"\nsecret = \"text\"\n").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[run]\ncapital = \"1000\"\n[[data]]\nvenue = \"binance\"\nsymbol = \"X\"\nkind = \"trades\"\n\
         [risk]\naccount = \"cash\"\n[journal]\nsnapshot_every = 4\n[live]\nws_url = \"ws://127.0.0.1:9\"\n\
         rest_url = \"http://127.0.0.1:9\"\norders_url = \"ws://127.0.0.1:9\"\nlistings_every = \"0s\"\n\
         credentials = {:?}\n[strategy]\nname = \"buy-and-hold\"\n",
        key.display().to_string()
    );
    RunSettings::read_toml("live.toml", &text).unwrap()
}

#[test]
fn an_order_that_a_killed_run_may_have_sent_is_asked_for_and_the_run_plays_again() {
    let dir = tempfile::tempdir().unwrap();
    let (run, key, settings) = (dir.path().join("run"), dir.path().join("key"), settings(dir.path()));
    let (coming, beginnings, placed) = (VecDeque::new(), Vec::new(), Vec::new());
    let venue = Venue(Arc::new(Mutex::new(Held { coming, now: 1, ends: None, beginnings, placed })));
    let interruption = Interruption::default();
    let process = |from, ends, sending| {
        venue.script(from, ends);
        let request = PaperRequest {
            settings: &settings,
            venue: &venue,
            run: &run,
            key: Some(&key),
            interruption: &interruption,
            notices: Arc::new(|_: &str| {}),
            frames: None,
            playback: None,
            speed: None,
        };
        PreparedPaper::with_real_orders(&request, sending).unwrap().play(&mut Nobody)
    };
    process(1, Ends::Killed, Sending::Real).unwrap_err();
    assert_eq!(venue.0.lock().unwrap().placed.len(), 1);
    let ended = process(20, Ends::Interrupted, Sending::Real).unwrap();
    assert!(ended.taken_up > 0 && ended.status.counts.fills == 1, "{:?}", ended.status);
    let held = venue.0.lock().unwrap();
    let [first, second] = &held.beginnings[..] else { panic!("{:?}", held.beginnings) };
    assert_eq!((first.epoch.number(), first.orders.len(), first.since), (1, 0, None));
    assert_eq!((second.epoch.number(), second.run), (2, first.run));
    assert_eq!(second.orders.iter().map(|standing| &standing.order).collect::<Vec<_>>(), [&held.placed[0]]);
    assert_eq!(held.placed.len(), 1, "nothing is sent twice");
    drop(held);
    let recording = Recording::open(&run).unwrap();
    assert!(recording.is_live() && recording.has_real_orders());
    let (report, _) = check_again(&recording, &[]).unwrap();
    assert_eq!((report.difference, report.events), (None, ended.head.count));
    let folded = state_at(&recording, Until::End, &[]).unwrap();
    let books = folded.state.account().unwrap();
    assert_eq!(books.standing(), AccountStanding::Agrees);
    assert_eq!(books.epoch().number(), 2);
    // The same record is no run on paper.
    let paper = PaperRequest {
        settings: &settings,
        venue: &venue,
        run: &run,
        key: Some(&key),
        interruption: &interruption,
        notices: Arc::new(|_: &str| {}),
        frames: None,
        playback: None,
        speed: None,
    };
    let refused = PreparedPaper::new(&paper).unwrap_err().to_string();
    assert!(refused.contains("another kind"), "{refused}");
}
