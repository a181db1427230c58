//! The two benchmark workloads through the core alone: exact fills and equity.

use std::io::Read;
use std::path::PathBuf;

use engine_core::effect::Effect;
use engine_core::event::{Execution, ExecutionReport, Input, Manifest, SessionMark};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::machine::{Core, CoreConfig, Step, Timing};
use engine_core::market::{Bar, BarOpen, MarketUpdate, Side};
use engine_core::num::{Money, Price, Qty, Ratio, parse_decimal};
use engine_core::order::{Order, OrderId, OrderKind};
use engine_core::regime::DetectorKind;
use engine_core::risk::RiskLimits;
use engine_core::time::{Span, Timestamp};
use serde_json::Value;
use strategies::catalogue;
use strategies::sample::Source;
use strategies::trading::RunFacts;

pub(crate) const ONLY: InstrumentId = InstrumentId::new(0);

/// One executed order: the bar it filled in, its side and its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) bar: usize,
    pub(crate) side: Side,
    pub(crate) price: Price,
}

/// A core and a venue without latency, fees on taking only.
pub(crate) struct Bench {
    pub(crate) core: Core,
    fee: Ratio,
    at: Timestamp,
    working: Vec<Order>,
    pub(crate) done: Vec<Done>,
    pub(crate) bar: usize,
}

pub(crate) fn instrument() -> Instrument {
    Instrument {
        venue: "test".into(),
        symbol: "X".into(),
        price_decimals: 8,
        qty_decimals: 8,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

pub(crate) fn wide_limits(fee: Ratio) -> RiskLimits {
    RiskLimits {
        leverage_max: Ratio::from_units(1_000_000_000_000),
        orders_per_minute_max: u32::MAX,
        drawdown_max: Ratio::ONE,
        taker_cost: fee,
        ..RiskLimits::default()
    }
}

pub(crate) fn manifest() -> Manifest {
    Manifest {
        engine_version: String::new(),
        mode: "backtest".into(),
        config_json: String::new(),
        strategy: String::new(),
        instruments: Vec::new(),
        datasets: Vec::new(),
        seed: 0,
        capital: Money::ZERO,
        synthetic: false,
    }
}

impl Bench {
    pub(crate) fn new(strategy: &Value, timing: Timing, capital: i128, limits: RiskLimits) -> Self {
        let instruments = vec![instrument()];
        let facts = RunFacts {
            instruments: &instruments,
            source: Source::Bars,
            seed: 1,
            detector: DetectorKind::default(),
        };
        let strategy = catalogue::build(strategy.as_object().unwrap(), &facts).unwrap();
        let fee = limits.taker_cost;
        let capital = Money::from_units(capital * 10_i128.pow(18));
        let core = Core::new(
            CoreConfig {
                instruments,
                capital,
                bars: None,
                mark: engine_core::mark::MarkRule::Newest,
                timing,
                wait_bars_max: 5,
                limits,
                watch: None,
            },
            strategy,
        );
        let mut bench =
            Self { core, fee, at: Timestamp::default(), working: Vec::new(), done: Vec::new(), bar: 0 };
        bench.step(Input::Session(SessionMark::Opened(Box::new(manifest()))));
        bench
    }

    /// One input; the orders it causes go to the book.
    pub(crate) fn step(&mut self, input: Input) -> Step {
        let step = self.core.step(self.at, input);
        for effect in step.outputs.iter().filter_map(Effect::of) {
            match effect {
                Effect::Place(order) => self.working.push(order),
                Effect::Cancel(id) => {
                    self.working.retain(|order| order.id != id);
                    self.report(id, Execution::Cancelled);
                }
                Effect::Amend(..) | Effect::Consult(_) => {}
            }
        }
        step
    }

    pub(crate) fn report(&mut self, order: OrderId, execution: Execution) {
        self.step(Input::Execution(ExecutionReport { order, venue_at: self.at, execution }));
    }

    pub(crate) fn orders(&self) -> &[Order] {
        &self.working
    }

    /// Fills `order` in full at `price`.
    pub(crate) fn fill(&mut self, order: &Order, price: Price) {
        let notional = self.core.state().instrument(ONLY).unwrap().notional(price, order.qty).unwrap();
        let fee = notional.times(self.fee).unwrap();
        let fill =
            Fill { trade: TradeId::default(), price, qty: order.qty, fee, liquidity: Liquidity::Taker };
        self.working.retain(|other| other.id != order.id);
        self.done.push(Done { bar: self.bar, side: order.side, price });
        self.report(order.id, Execution::Filled(fill));
    }

    /// Fills every market order at `price`.
    pub(crate) fn fill_market(&mut self, price: Price) {
        while let Some(order) = self.working.iter().find(|order| order.kind == OrderKind::Market).cloned() {
            self.fill(&order, price);
        }
    }

    /// Fills buy limits the bar reaches, at the better of limit and open.
    pub(crate) fn fill_limits(&mut self, bar: &Bar) {
        let hit = |order: &Order| {
            let OrderKind::Limit(limit) = order.kind else { return None };
            let reached = order.side == Side::Buy && bar.low <= limit;
            reached.then_some(limit.min(bar.open))
        };
        let hits: Vec<_> =
            self.working.iter().filter_map(|order| Some((order.clone(), hit(order)?))).collect();
        for (order, price) in hits {
            self.fill(&order, price);
        }
    }

    /// One bar of history: open, what fills within it, close.
    pub(crate) fn bar(&mut self, bar: Bar) -> Step {
        let open = BarOpen { instrument: ONLY, open_at: bar.open_at, open: bar.open };
        self.at = bar.open_at.max(self.at);
        self.step(Input::Market(MarketUpdate::Open(open)));
        self.fill_market(bar.open);
        self.at = bar.close_at.max(self.at);
        self.fill_limits(&bar);
        let step = self.step(Input::Market(MarketUpdate::Bar(bar)));
        self.bar += 1;
        step
    }
}

/// Rows of a stored file as bars of a minute; `None`, with a word on why, when the data is not there.
pub(crate) fn bars(path: &str, skip_header: bool) -> Option<Vec<Bar>> {
    let text = shared(path)?;
    let rows = text.lines().skip(usize::from(skip_header)).zip(0_i64..);
    let bars = rows.map(|(row, number)| {
        let columns: Vec<&str> = row.split(',').collect();
        let price = |at: usize| Price::from_units(parse_decimal(columns[at].as_bytes(), 8).unwrap().units);
        let open_at = Timestamp::from_nanos(number * Span::MINUTE.nanos());
        Bar {
            instrument: ONLY,
            open_at,
            close_at: open_at.plus(Span::MINUTE),
            open: price(1),
            high: price(2),
            low: price(3),
            close: price(4),
            volume: Qty::ZERO,
            trades: 0,
        }
    });
    Some(bars.collect())
}

/// A stored file as text.
pub(crate) fn shared(path: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/market");
    let Ok(bytes) = std::fs::read(root.join(path)) else {
        println!("skipped: shared data not found");
        return None;
    };
    if !path.ends_with(".zst") {
        return Some(String::from_utf8(bytes).unwrap());
    }
    let mut text = String::new();
    zstd::Decoder::new(bytes.as_slice()).unwrap().read_to_string(&mut text).unwrap();
    Some(text)
}
