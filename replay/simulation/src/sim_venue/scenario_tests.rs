//! Given a market and a script of intents, when the run is played, then these fills follow.

use crate::config::{
    BacktestConfig, Costs, EndOfData, FillModel, JournalConfig, Latency, LimitFill, VenueRules,
};
use crate::sim_environment::SimEnvironment;
use engine_core::envelope::{RecordRef, Seq};
use engine_core::event::{Event, Execution, Input, Manifest, Output};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::{Intent, OrderIntent, Size};
use engine_core::machine::{Core, Step};
use engine_core::market::{Aggressor, Bar, BarOpen, MarketUpdate, Quote, Side, Trade};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{Bracket, BracketStop, OrderKind, Posting, Reach, StopLimit, TimeInForce};
use engine_core::risk::RiskLimits;
use engine_core::strategy::{Strategy, View};
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::{Head, Journal, JournalError, Origin};
use engine_runtime::runner::{Observer, SyncPolicy, run};
use replay_history::market_source::{MarketItem, MemorySource};

mod path;

const ONLY: InstrumentId = InstrumentId::new(0);
const UNIT: i64 = 1_000;

/// Proposes each intent after the market message with its number, counted from 1.
struct Script {
    lines: Vec<(usize, OrderIntent)>,
    seen: usize,
}

impl Strategy for Script {
    fn observe(&mut self, _at: Timestamp, event: &Event) {
        let counts = matches!(
            event,
            Event::Input(Input::Market(
                MarketUpdate::Bar(_) | MarketUpdate::Trade(_) | MarketUpdate::Quote(_)
            ))
        );
        self.seen += usize::from(counts);
    }

    fn propose(&self, _view: &View<'_>) -> Vec<Intent> {
        let due = self.lines.iter().filter(|(after, _)| *after == self.seen);
        due.map(|(_, intent)| intent.clone().into()).collect()
    }
}

/// What a scenario looks at: fills as (order, price, qty, nanoseconds) and endings in words.
#[derive(Default)]
struct Seen {
    fills: Vec<(u64, i64, i64, i64)>,
    ends: Vec<(u64, &'static str)>,
    equity: Money,
    imbalance: Money,
}

impl Observer for Seen {
    fn observe(&mut self, core: &Core, _at: Timestamp, event: &Event, _outputs: &[Output]) {
        self.equity = core.state().equity();
        self.imbalance = core.state().ledger().imbalance();
        assert_eq!(core.state().equity_from_books(), Some(self.equity), "equity agrees with the books");
        let Event::Input(Input::Execution(report)) = event else { return };
        let id = report.order.number();
        match report.execution {
            Execution::Filled(fill) => {
                let qty = i64::try_from(fill.qty.units()).unwrap();
                self.fills.push((id, fill.price.units(), qty, report.venue_at.nanos()));
            }
            Execution::Cancelled => self.ends.push((id, "cancelled")),
            Execution::Expired => self.ends.push((id, "expired")),
            Execution::Rejected(_) => self.ends.push((id, "rejected")),
            Execution::Accepted | Execution::Triggered | Execution::Amended(_) => {}
        }
    }
}

pub(crate) struct Forgetful(pub(crate) u64);

impl Journal for Forgetful {
    fn append(&mut self, _origin: Origin, _ticks: u64, step: &Step) -> Result<(), JournalError> {
        self.0 += 1 + step.outputs.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        Ok(Seq::new(self.0))
    }

    fn head(&self) -> Head {
        Head::default()
    }
}

pub(crate) fn config(fill: FillModel) -> BacktestConfig {
    let rules = Instrument {
        venue: "test".into(),
        symbol: "X".into(),
        price_decimals: 2,
        qty_decimals: 3,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    };
    let limits = RiskLimits { drawdown_max: Ratio::ONE, price_collar: Ratio::ONE, ..RiskLimits::default() };
    BacktestConfig {
        strategy: "script".into(),
        config_json: String::new(),
        mark: engine_core::mark::MarkRule::Newest,
        seed: 0,
        capital: Money::from_units(1_000_000 * 10_i128.pow(18)),
        instruments: vec![rules],
        feeds: Vec::new(),
        from: None,
        to: None,
        bars: None,
        fill,
        end: EndOfData::Keep,
        costs: Costs::default(),
        impact: None,
        latency: Latency::default(),
        venue: VenueRules { limit_fill: LimitFill::Touch, ..VenueRules::default() },
        wait_bars_max: 5,
        limits,
        watch: None,
        journal: JournalConfig::default(),
    }
}

fn play(config: &BacktestConfig, items: Vec<MarketUpdate>, script: Vec<(usize, OrderIntent)>) -> Seen {
    let items = items.into_iter().enumerate().map(|(index, update)| MarketItem {
        at: moment(&update),
        update,
        tick: RecordRef { dataset: 0, seq: index as u64 + 1 },
    });
    let manifest = Manifest {
        engine_version: String::new(),
        mode: "backtest".into(),
        config_json: String::new(),
        strategy: String::new(),
        instruments: config.instruments.clone(),
        datasets: Vec::new(),
        seed: 0,
        capital: config.capital,
        synthetic: true,
    };
    let mut environment = SimEnvironment::new(MemorySource::new(items.collect()), config, manifest);
    let mut core = Core::new(config.core(), Box::new(Script { lines: script, seen: 0 }));
    let mut seen = Seen::default();
    run(&mut core, &mut environment, &mut Forgetful(0), &mut seen, SyncPolicy::AtEnd).unwrap();
    assert_eq!(seen.imbalance, Money::ZERO);
    seen
}

fn moment(update: &MarketUpdate) -> Timestamp {
    match update {
        MarketUpdate::Trade(trade) => trade.venue_at,
        MarketUpdate::Quote(quote) => quote.venue_at,
        MarketUpdate::Open(open) => open.open_at,
        MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar) => bar.close_at,
    }
}

/// Bars of 100 ns from (open, high, low, close), with their opens when the model wants them.
fn bars(fill: FillModel, prices: &[[i64; 4]]) -> Vec<MarketUpdate> {
    let mut updates = Vec::new();
    for (index, [open, high, low, close]) in prices.iter().enumerate() {
        let begin = index as i64 * 100;
        let open_at = Timestamp::from_nanos(begin);
        if fill == FillModel::NextOpen {
            let open = Price::from_units(*open);
            updates.push(MarketUpdate::Open(BarOpen { instrument: ONLY, open_at, open }));
        }
        updates.push(MarketUpdate::Bar(Bar {
            instrument: ONLY,
            open_at,
            close_at: open_at.plus(Span::from_nanos(100)),
            open: Price::from_units(*open),
            high: Price::from_units(*high),
            low: Price::from_units(*low),
            close: Price::from_units(*close),
            volume: Qty::from_units(1),
            trades: 0,
        }));
    }
    updates
}

fn trades(list: &[(i64, i64, i64)]) -> Vec<MarketUpdate> {
    let trade = |(nanos, price, qty): &(i64, i64, i64)| {
        MarketUpdate::Trade(Trade {
            instrument: ONLY,
            venue_at: Timestamp::from_nanos(*nanos),
            price: Price::from_units(*price),
            qty: Qty::from(*qty),
            aggressor: Aggressor::Unknown,
        })
    };
    list.iter().map(trade).collect()
}

pub(crate) fn buy(kind: OrderKind, qty: i64) -> OrderIntent {
    let size = Size::Units(Qty::from(qty));
    OrderIntent { kind, ..OrderIntent::market(ONLY, Side::Buy, size, "scripted") }
}

fn sell(kind: OrderKind, qty: i64) -> OrderIntent {
    OrderIntent { side: Side::Sell, ..buy(kind, qty) }
}

fn price(units: i64) -> Price {
    Price::from_units(units)
}

#[test]
fn a_decision_at_the_close_fills_at_the_next_open_and_never_earlier() {
    let prices = [[100, 110, 90, 105], [107, 120, 100, 118], [119, 119, 119, 119]];
    let seen = play(
        &config(FillModel::NextOpen),
        bars(FillModel::NextOpen, &prices),
        vec![(1, buy(OrderKind::Market, UNIT))],
    );
    assert_eq!(seen.fills, [(1, 107, UNIT, 100)]);
}

#[test]
fn same_close_fills_at_the_price_that_gave_the_signal() {
    let prices = [[100, 110, 90, 105], [107, 120, 100, 118]];
    let seen = play(
        &config(FillModel::SameClose),
        bars(FillModel::SameClose, &prices),
        vec![(1, buy(OrderKind::Market, UNIT))],
    );
    assert_eq!(seen.fills, [(1, 105, UNIT, 100)]);
}

#[test]
fn the_stop_wins_when_stop_and_target_lie_in_one_bar_and_ends_its_sibling() {
    let prices = [[100, 100, 100, 100], [100, 120, 80, 110], [110, 110, 110, 110]];
    let bracket = Some(Bracket { stop_loss: BracketStop::At(price(90)), take_profit: Some(price(115)) });
    let entry = OrderIntent { bracket, ..buy(OrderKind::Market, UNIT) };
    let model = FillModel::NextOpen;
    let seen = play(&config(model), bars(model, &prices), vec![(1, entry)]);
    assert_eq!(seen.fills, [(1, 100, UNIT, 100), (2, 90, UNIT, 199)]);
    assert_eq!(seen.ends, [(3, "cancelled")]);
}

#[test]
fn a_stop_that_the_open_jumps_over_fills_at_the_open() {
    let prices = [[100, 100, 100, 100], [100, 101, 99, 100], [70, 75, 65, 72]];
    let bracket = Some(Bracket { stop_loss: BracketStop::At(price(90)), take_profit: None });
    let entry = OrderIntent { bracket, ..buy(OrderKind::Market, UNIT) };
    let model = FillModel::NextOpen;
    let seen = play(&config(model), bars(model, &prices), vec![(1, entry)]);
    assert_eq!(seen.fills, [(1, 100, UNIT, 100), (2, 70, UNIT, 200)]);
}

#[test]
fn closing_by_signal_cancels_the_exits_of_the_position() {
    let prices = [[100; 4], [100; 4], [104, 130, 70, 100], [100; 4]];
    let bracket = Some(Bracket { stop_loss: BracketStop::At(price(90)), take_profit: Some(price(120)) });
    let entry = OrderIntent { bracket, ..buy(OrderKind::Market, UNIT) };
    let model = FillModel::NextOpen;
    let exit = OrderIntent::close(ONLY, Side::Sell, "scripted");
    let seen = play(&config(model), bars(model, &prices), vec![(1, entry), (2, exit)]);
    assert_eq!(seen.fills, [(1, 100, UNIT, 100), (4, 104, UNIT, 200)]);
    assert_eq!(seen.ends, [(2, "cancelled"), (3, "cancelled")]);
}

#[test]
fn an_exit_born_inside_a_bar_can_stop_out_there_but_not_take_profit() {
    let prices = [[100; 4], [100, 130, 80, 100], [100, 125, 99, 100]];
    let bracket = Some(Bracket { stop_loss: BracketStop::None, take_profit: Some(price(120)) });
    let entry = OrderIntent { bracket, ..buy(OrderKind::Limit(price(90)), UNIT) };
    let model = FillModel::NextOpen;
    let seen = play(&config(model), bars(model, &prices), vec![(1, entry)]);
    assert_eq!(seen.fills, [(1, 90, UNIT, 199), (2, 120, UNIT, 299)]);
}

#[test]
fn a_trailing_stop_follows_the_highs_and_fills_on_the_way_back() {
    let prices = [[100; 4], [100, 200, 100, 200], [200, 201, 185, 190], [190, 190, 150, 160]];
    let trail = OrderKind::TrailingStop(Ratio::from_units(100_000_000));
    let exit = OrderIntent { reach: Reach::ReduceOnly, ..sell(trail, UNIT) };
    let model = FillModel::SameClose;
    let seen = play(&config(model), bars(model, &prices), vec![(1, buy(OrderKind::Market, UNIT)), (2, exit)]);
    assert_eq!(seen.fills, [(1, 100, UNIT, 100), (2, 181, UNIT, 399)]);
}

#[test]
fn a_stop_limit_waits_at_its_limit_once_woken_beyond_it() {
    let prices = [[100; 4], [100, 112, 100, 111], [111, 112, 104, 105]];
    let kind = OrderKind::StopLimit(StopLimit { trigger: price(110), limit: price(106) });
    let model = FillModel::SameClose;
    let seen = play(&config(model), bars(model, &prices), vec![(1, buy(kind, UNIT))]);
    assert_eq!(seen.fills, [(1, 106, UNIT, 299)]);
}

#[test]
fn on_trades_only_data_later_than_the_arrival_fills() {
    let mut config = config(FillModel::Trades);
    config.latency = Latency { feed: Span::ZERO, entry: Span::from_nanos(15), response: Span::from_nanos(3) };
    let tape = trades(&[(10, 100, UNIT), (20, 101, UNIT), (25, 102, UNIT), (30, 103, UNIT)]);
    let seen = play(&config, tape, vec![(1, buy(OrderKind::Market, UNIT))]);
    // Decided at 10, at the venue at 25: the trade of that very moment is not later.
    assert_eq!(seen.fills, [(1, 103, UNIT, 30)]);
}

#[test]
fn a_trade_fills_no_more_than_its_own_size() {
    let config = config(FillModel::Trades);
    let tape = trades(&[(10, 100, UNIT), (20, 101, 400), (30, 102, 500), (40, 103, UNIT)]);
    let seen = play(&config, tape, vec![(1, buy(OrderKind::Market, UNIT))]);
    assert_eq!(seen.fills, [(1, 101, 400, 20), (1, 102, 500, 30), (1, 103, 100, 40)]);
}

#[test]
fn immediate_or_cancel_takes_what_there_is_and_fill_or_kill_all_or_nothing() {
    let config = config(FillModel::Trades);
    let tape = trades(&[(10, 100, UNIT), (20, 101, 400), (30, 102, UNIT)]);
    let ioc = OrderIntent { tif: TimeInForce::Ioc, ..buy(OrderKind::Market, UNIT) };
    let fok = OrderIntent { tif: TimeInForce::Fok, ..buy(OrderKind::Market, UNIT) };
    let seen = play(&config, tape.clone(), vec![(1, ioc)]);
    assert_eq!((seen.fills, seen.ends), (vec![(1, 101, 400, 20)], vec![(1, "expired")]));
    let seen = play(&config, tape, vec![(1, fok)]);
    assert_eq!((seen.fills, seen.ends), (vec![], vec![(1, "expired")]));
}

#[test]
fn a_limit_fills_only_when_traded_through_unless_touch_is_chosen() {
    let mut config = config(FillModel::Trades);
    let tape = trades(&[(10, 100, UNIT), (20, 98, UNIT), (30, 97, UNIT), (40, 99, UNIT)]);
    let order = buy(OrderKind::Limit(price(98)), UNIT);
    config.venue.limit_fill = LimitFill::Through;
    let seen = play(&config, tape.clone(), vec![(1, order.clone())]);
    assert_eq!(seen.fills, [(1, 98, UNIT, 30)]);
    config.venue.limit_fill = LimitFill::Touch;
    assert_eq!(play(&config, tape, vec![(1, order)]).fills, [(1, 98, UNIT, 20)]);
}

#[test]
fn post_only_is_rejected_when_it_would_take_and_good_till_date_expires() {
    let config = config(FillModel::Trades);
    let tape = trades(&[(10, 100, UNIT), (20, 100, UNIT), (30, 100, UNIT)]);
    let post = OrderIntent { posting: Posting::PostOnly, ..buy(OrderKind::Limit(price(101)), UNIT) };
    assert_eq!(play(&config, tape.clone(), vec![(1, post)]).ends, [(1, "rejected")]);
    let until = TimeInForce::Gtd(Timestamp::from_nanos(25));
    let dated = OrderIntent { tif: until, ..buy(OrderKind::Limit(price(90)), UNIT) };
    assert_eq!(play(&config, tape, vec![(1, dated)]).ends, [(1, "expired")]);
}

#[test]
fn a_stop_is_woken_by_one_trade_and_filled_by_a_later_one() {
    let config = config(FillModel::Trades);
    let tape = trades(&[(10, 100, UNIT), (20, 105, UNIT), (30, 111, UNIT), (40, 114, UNIT)]);
    let seen = play(&config, tape, vec![(1, buy(OrderKind::StopMarket(price(110)), UNIT))]);
    assert_eq!(seen.fills, [(1, 114, UNIT, 40)]);
}

#[test]
fn quotes_fill_at_the_far_side_and_costs_are_charged_apart() {
    let mut config = config(FillModel::Quotes);
    config.costs = Costs {
        taker_fee: Ratio::from_units(1_000_000),
        slippage: Ratio::from_units(10_000_000),
        ..Costs::default()
    };
    let quote = |nanos: i64, bid: i64, ask: i64| {
        MarketUpdate::Quote(Quote {
            instrument: ONLY,
            venue_at: Timestamp::from_nanos(nanos),
            bid: price(bid),
            bid_qty: Qty::from(10 * UNIT),
            ask: price(ask),
            ask_qty: Qty::from(10 * UNIT),
        })
    };
    let tape = vec![quote(10, 9_900, 10_100), quote(20, 9_900, 10_000), quote(30, 9_900, 10_000)];
    let seen = play(&config, tape, vec![(1, buy(OrderKind::Market, UNIT))]);
    // Ask 100.00 and 1 % slippage make 101.00; the fee is 0.1 % of that; the mid is 99.50.
    assert_eq!(seen.fills, [(1, 10_100, UNIT, 20)]);
    let lost = config.capital.minus(seen.equity).unwrap();
    assert_eq!(lost.units(), (101 - 99) * 10_i128.pow(18) - 5 * 10_i128.pow(17) + 101 * 10_i128.pow(15));
}

#[test]
fn positions_are_closed_at_the_end_when_asked() {
    let prices = [[100; 4], [100, 120, 100, 115]];
    for (end, expected) in [(EndOfData::Flatten, 115), (EndOfData::FlattenAtLastOpen, 100)] {
        let mut config = config(FillModel::NextOpen);
        config.end = end;
        let market = bars(config.fill, &prices);
        let seen = play(&config, market, vec![(1, buy(OrderKind::Market, UNIT))]);
        assert_eq!(seen.fills.last(), Some(&(2, expected, UNIT, 200)));
    }
}
