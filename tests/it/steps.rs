//! Steps made from a seed, for tests that need something to record but no market.

use engine_core::bars::BarRule;
use engine_core::envelope::RecordRef;
use engine_core::event::{CancelRequest, Execution, ExecutionReport, Input, Manifest, Output, SessionMark};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::Rationale;
use engine_core::machine::Step;
use engine_core::market::{Aggressor, MarketUpdate, Trade};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::OrderId;
use engine_core::state::{Opening, State};
use engine_core::time::Timestamp;
use engine_runtime::ports::Origin;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// One call to a journal.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Where the input is kept.
    pub(crate) origin: Origin,
    /// Market records read so far.
    pub(crate) records_read: u64,
    /// What to record.
    pub(crate) step: Step,
}

impl Call {
    /// Number of events it adds to a journal that leaves market records in their dataset.
    #[must_use]
    pub(crate) fn events(&self) -> u64 {
        u64::from(self.origin == Origin::Own) + self.step.outputs.len() as u64
    }
}

/// The opening of a run, and the state it starts from.
#[must_use]
pub(crate) fn opened() -> (Call, State) {
    let instrument = Instrument {
        venue: "test".into(),
        symbol: "BTCUSDT".into(),
        price_decimals: 8,
        qty_decimals: 8,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    };
    let capital = Money::from_units(10_i128.pow(24));
    let manifest = Manifest {
        engine_version: "test".into(),
        mode: "backtest".into(),
        config_json: "{}".into(),
        strategy: "none".into(),
        instruments: vec![instrument.clone()],
        datasets: Vec::new(),
        seed: 1,
        capital,
        synthetic: true,
    };
    let input = Input::Session(SessionMark::Opened(Box::new(manifest)));
    let step = Step { at: Timestamp::from_nanos(0), input, outputs: Vec::new() };
    let bars: Option<BarRule> = None;
    let opening = Opening {
        instruments: vec![instrument],
        capital,
        bars,
        drawdown_max: Ratio::from_units(500_000_000),
        mark: engine_core::mark::MarkRule::Newest,
    };
    (Call { origin: Origin::Own, records_read: 0, step }, State::new(opening))
}

/// The close of a session after `calls`, as every run that was closed as planned ends.
#[must_use]
pub(crate) fn closed(calls: &[Call]) -> Call {
    let (at, records_read) =
        calls.last().map_or((Timestamp::MIN, 0), |last| (last.step.at, last.records_read));
    let step = Step { at, input: Input::Session(SessionMark::Closed), outputs: Vec::new() };
    Call { origin: Origin::Own, records_read, step }
}

/// `count` steps; equal seeds give equal steps, and a longer list begins with the shorter one.
#[must_use]
pub(crate) fn calls(seed: u64, count: usize) -> Vec<Call> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut at = 0;
    (0..count)
        .map(|index| {
            at += (rng.next_u64() % 1_000_000).cast_signed();
            call(&mut rng, at, index as u64 + 1)
        })
        .collect()
}

fn call(rng: &mut ChaCha8Rng, at: i64, records_read: u64) -> Call {
    let number = |rng: &mut ChaCha8Rng| (rng.next_u64() >> 20).cast_signed();
    let from_dataset = rng.next_u64().is_multiple_of(3);
    let order = OrderId::new(rng.next_u64() % 1_000);
    let input = if from_dataset {
        Input::Market(MarketUpdate::Trade(Trade {
            instrument: InstrumentId::new(0),
            venue_at: Timestamp::from_nanos(at),
            price: Price::from_units(number(rng)),
            qty: Qty::from(number(rng)),
            aggressor: Aggressor::Buyer,
        }))
    } else {
        let (price, qty) = (Price::from_units(number(rng)), Qty::from(number(rng)));
        let fee = Money::from_units(i128::from(number(rng)));
        let execution = Execution::Filled(Fill {
            trade: TradeId::default(),
            price,
            qty,
            fee,
            liquidity: Liquidity::Taker,
        });
        Input::Execution(ExecutionReport { order, venue_at: Timestamp::from_nanos(at), execution })
    };
    let output = |rng: &mut ChaCha8Rng| {
        let reason = format!("because of {:x}", rng.next_u64());
        Output::CancelRequested(CancelRequest { order, because: Rationale::new(reason) })
    };
    let outputs = (0..1 + rng.next_u64() % 3).map(|_| output(rng)).collect();
    let origin =
        if from_dataset { Origin::Record(RecordRef { dataset: 0, seq: records_read }) } else { Origin::Own };
    Call { origin, records_read, step: Step { at: Timestamp::from_nanos(at), input, outputs } }
}
