//! Arbitrary steps from a seed, for tests.

use engine_core::digest::Digest;
use engine_core::envelope::RecordRef;
use engine_core::event::{
    AmendRequest, CancelRequest, DatasetRef, Execution, ExecutionReport, FailedAct, FailedEffect, Input,
    Manifest, OperatorCommand, Output, RefusedIntent, RejectReason, SessionMark, Submission,
};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::halt::{FlatReason, HaltReason};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::{CancelIntent, Intent, OrderIntent, Rationale, Size};
use engine_core::machine::Step;
use engine_core::market::{Aggressor, Bar, BarOpen, MarketUpdate, Quote, Side, Trade};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{Bracket, Order, OrderId, OrderKind, Posting, Reach, StopLimit, TimeInForce};
use engine_core::refusal::{Breach, Refusal};
use engine_core::time::Timestamp;
use engine_runtime::ports::{Journal, Origin};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// A source of arbitrary steps.
pub(crate) struct Sampler {
    rng: ChaCha8Rng,
    at: i64,
    records_read: u64,
}

/// One call to a journal.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) origin: Origin,
    pub(crate) records_read: u64,
    pub(crate) step: Step,
}

/// Appends calls to a journal.
pub(crate) fn append_all(journal: &mut impl Journal, calls: &[Call]) {
    for call in calls {
        journal.append(call.origin, call.records_read, &call.step).unwrap();
    }
}

/// Appends the close of the session, as every run that was closed as planned ends.
pub(crate) fn append_closed(journal: &mut impl Journal, calls: &[Call]) {
    let (at, records_read) =
        calls.last().map_or((Timestamp::MIN, 0), |last| (last.step.at, last.records_read));
    let step = Step { at, input: Input::Session(SessionMark::Closed), outputs: Vec::new() };
    journal.append(Origin::Own, records_read, &step).unwrap();
}

impl Sampler {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), at: 1_600_000_000_000_000_000, records_read: 0 }
    }

    /// A run of `steps` steps that begins with a manifest.
    pub(crate) fn calls(seed: u64, steps: usize) -> Vec<Call> {
        let mut sampler = Self::new(seed);
        let opened = Input::Session(SessionMark::Opened(Box::new(sampler.manifest())));
        let step = Step { at: Timestamp::from_nanos(sampler.at), input: opened, outputs: Vec::new() };
        let first = Call { origin: Origin::Own, records_read: 0, step };
        core::iter::once(first).chain((1..steps).map(|_| sampler.call())).collect()
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.rng.next_u64() % end
    }

    fn whole(&mut self) -> i64 {
        self.rng.next_u64().cast_signed() >> self.below(64)
    }

    fn price(&mut self) -> Price {
        Price::from_units(self.whole())
    }

    fn qty(&mut self) -> Qty {
        Qty::from(self.whole())
    }

    fn money(&mut self) -> Money {
        Money::from_units(i128::from(self.whole()) * i128::from(self.whole()))
    }

    fn text(&mut self) -> String {
        let len = self.below(40);
        (0..len)
            .map(|_| char::from_u32(97 + u32::try_from(self.below(600)).unwrap()).unwrap_or('x'))
            .collect()
    }

    fn instrument(&mut self) -> InstrumentId {
        InstrumentId::new(u16::try_from(self.below(3)).unwrap())
    }

    fn time(&mut self) -> Timestamp {
        Timestamp::from_nanos(self.whole())
    }

    fn order(&mut self) -> OrderId {
        OrderId::new(self.below(1_000_000))
    }

    fn side(&mut self) -> Side {
        if self.below(2) == 0 { Side::Buy } else { Side::Sell }
    }

    fn rationale(&mut self) -> Rationale {
        Rationale::new(self.text())
    }

    fn breach(&mut self) -> Breach {
        Breach { limit: i128::from(self.whole()), observed: i128::from(self.whole()) << self.below(60) }
    }

    fn manifest(&mut self) -> Manifest {
        let instrument = Instrument {
            venue: self.text(),
            symbol: self.text(),
            price_decimals: 8,
            qty_decimals: 8,
            tick: self.price(),
            lot: self.qty(),
            notional_min: self.money(),
        };
        let dataset = DatasetRef {
            name: self.text(),
            count: self.below(99),
            digest: [7; 32],
            first: 1,
            last: self.below(99),
        };
        Manifest {
            engine_version: self.text(),
            mode: "backtest".into(),
            config_json: self.text(),
            strategy: self.text(),
            instruments: vec![instrument; usize::try_from(self.below(3)).unwrap()],
            datasets: vec![dataset; usize::try_from(self.below(3)).unwrap()],
            seed: self.rng.next_u64(),
            capital: self.money(),
            synthetic: self.below(2) == 0,
        }
    }

    fn kind(&mut self) -> OrderKind {
        match self.below(5) {
            0 => OrderKind::Market,
            1 => OrderKind::Limit(self.price()),
            2 => OrderKind::StopMarket(self.price()),
            3 => OrderKind::StopLimit(StopLimit { trigger: self.price(), limit: self.price() }),
            _ => OrderKind::TrailingStop(Ratio::from_units(self.whole())),
        }
    }

    fn tif(&mut self) -> TimeInForce {
        match self.below(4) {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Ioc,
            2 => TimeInForce::Fok,
            _ => TimeInForce::Gtd(self.time()),
        }
    }

    fn bracket(&mut self) -> Option<Bracket> {
        let price = self.price();
        let stop_loss = (self.below(2) == 0).then_some(price).into();
        (self.below(2) == 0).then_some(Bracket { stop_loss, take_profit: Some(price) })
    }

    fn intent(&mut self) -> OrderIntent {
        let size = match self.below(5) {
            0 => Size::Units(self.qty()),
            1 => Size::Notional(self.money()),
            2 => Size::EquityShare(Ratio::from_units(self.whole())),
            3 => Size::FreeShare(Ratio::from_units(self.whole())),
            _ => Size::Position,
        };
        OrderIntent {
            instrument: self.instrument(),
            side: self.side(),
            size,
            kind: self.kind(),
            tif: self.tif(),
            posting: if self.below(2) == 0 { Posting::Any } else { Posting::PostOnly },
            reach: if self.below(2) == 0 { Reach::Any } else { Reach::ReduceOnly },
            bracket: self.bracket(),
            because: self.rationale(),
        }
    }

    fn bar(&mut self) -> Bar {
        Bar {
            instrument: self.instrument(),
            open_at: self.time(),
            close_at: self.time(),
            open: self.price(),
            high: self.price(),
            low: self.price(),
            close: self.price(),
            volume: self.qty(),
            trades: u32::try_from(self.below(9)).unwrap(),
        }
    }

    fn market(&mut self) -> MarketUpdate {
        let (instrument, venue_at) = (self.instrument(), self.time());
        match self.below(4) {
            0 => MarketUpdate::Trade(Trade {
                instrument,
                venue_at,
                price: self.price(),
                qty: self.qty(),
                aggressor: Aggressor::Seller,
            }),
            1 => MarketUpdate::Quote(Quote {
                instrument,
                venue_at,
                bid: self.price(),
                bid_qty: self.qty(),
                ask: self.price(),
                ask_qty: self.qty(),
            }),
            2 => MarketUpdate::Open(BarOpen { instrument, open_at: venue_at, open: self.price() }),
            _ => MarketUpdate::Bar(self.bar()),
        }
    }

    fn execution(&mut self) -> Execution {
        match self.below(7) {
            0 => Execution::Accepted,
            1 => Execution::Rejected(RejectReason::NoLiquidity),
            2 => Execution::Triggered,
            3 => Execution::Filled(Fill {
                trade: TradeId::new(u128::from(self.rng.next_u64())),
                price: self.price(),
                qty: self.qty(),
                fee: self.money(),
                liquidity: Liquidity::Taker,
            }),
            4 => Execution::Cancelled,
            5 => Execution::Amended(self.qty()),
            _ => Execution::Expired,
        }
    }

    pub(crate) fn input(&mut self) -> Input {
        match self.below(8) {
            0 => Input::Session(SessionMark::Opened(Box::new(self.manifest()))),
            1 => Input::Session(SessionMark::Closed),
            2 => Input::Market(self.market()),
            3 => Input::Feed(FeedStatus { instrument: self.instrument(), condition: FeedCondition::Gap }),
            4 => Input::Execution(ExecutionReport {
                order: self.order(),
                venue_at: self.time(),
                execution: self.execution(),
            }),
            5 => Input::Operator(OperatorCommand::Flatten),
            6 => Input::EffectFailed(Box::new(FailedEffect {
                act: FailedAct::Cancel(self.order()),
                reason: self.text(),
            })),
            _ => Input::Deadline,
        }
    }

    pub(crate) fn output(&mut self) -> Output {
        match self.below(10) {
            0 => Output::BarClosed(self.bar()),
            1 => Output::Signalled(Box::new(self.intent())),
            2 => Output::OrderSubmitted(Box::new(self.submission())),
            3 => Output::OrderRefused(Box::new(RefusedIntent {
                intent: if self.below(2) == 0 {
                    Intent::Place(Box::new(self.intent()))
                } else {
                    Intent::Cancel(CancelIntent { order: self.order(), because: self.rationale() })
                },
                reason: Refusal::OrderNotional(self.breach()),
            })),
            4 => Output::CancelRequested(CancelRequest { order: self.order(), because: self.rationale() }),
            5 => Output::TradingHalted(HaltReason::Drawdown(self.breach())),
            6 => Output::TradingResumed,
            7 => Output::FlatWanted(FlatReason::Drawdown),
            8 => Output::AmendRequested(AmendRequest {
                order: self.order(),
                qty: self.qty(),
                because: self.rationale(),
            }),
            _ => Output::CheckpointTaken(Digest([self.rng.next_u64(), self.rng.next_u64()])),
        }
    }

    fn submission(&mut self) -> Submission {
        let order = Order {
            id: self.order(),
            instrument: self.instrument(),
            side: self.side(),
            qty: self.qty(),
            kind: self.kind(),
            tif: self.tif(),
            posting: Posting::Any,
            reach: Reach::ReduceOnly,
            bracket: self.bracket(),
            parent: (self.below(2) == 0).then_some(OrderId::new(3)),
            sibling: None,
            decided_price: self.price(),
        };
        Submission { order, because: self.rationale() }
    }

    pub(crate) fn call(&mut self) -> Call {
        self.at += i64::try_from(self.below(1_000_000)).unwrap();
        self.records_read += self.below(5);
        let origin = if self.below(3) == 0 {
            Origin::Record(RecordRef { dataset: 0, seq: self.records_read })
        } else {
            Origin::Own
        };
        let outputs = (0..self.below(4)).map(|_| self.output()).collect();
        let step = Step { at: Timestamp::from_nanos(self.at), input: self.input(), outputs };
        Call { origin, records_read: self.records_read, step }
    }
}
