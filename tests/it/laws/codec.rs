//! Whatever can be recorded comes back as it was, from memory and from disk.

use engine_core::digest::Digest;
use engine_core::envelope::{Cause, Envelope, RecordRef, Seq};
use engine_core::event::*;
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::halt::{FlatReason, HaltReason};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::{CancelIntent, Intent, OrderIntent, Rationale, Size};
use engine_core::machine::Step;
use engine_core::market::{Aggressor, Bar, BarOpen, MarketUpdate, Quote, Side, Trade};
use engine_core::order::{
    Bracket, BracketStop, Order, OrderId, OrderKind, Posting, Reach, StopLimit, TimeInForce,
};
use engine_core::refusal::{Breach, Refusal};
use engine_runtime::ports::{Journal, Origin};
use journal_store::memory_journal::MemoryJournal;
use journal_store::run::{Closing, RunJournal, RunOptions, RunReader};
use proptest::prelude::*;
use proptest::strategy::Union;

use super::{conduct, law};

mod account;
mod amounts;
mod clock_step;
mod data_fault;
mod listing_change;
mod past_bar;

use amounts::{at, money, price, qty, ratio, too_large};
pub(super) use data_fault::data_fault;
use listing_change::listing_change;
use past_bar::bar;

fn order_id() -> impl Strategy<Value = OrderId> {
    any::<u64>().prop_map(OrderId::new)
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    any::<u16>().prop_map(InstrumentId::new)
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn because() -> impl Strategy<Value = Rationale> {
    ".{0,40}".prop_map(Rationale::new)
}

fn breach() -> impl Strategy<Value = Breach> {
    (any::<i128>(), any::<i128>()).prop_map(|(limit, observed)| Breach { limit, observed })
}

fn kind() -> impl Strategy<Value = OrderKind> {
    prop_oneof![
        Just(OrderKind::Market),
        price().prop_map(OrderKind::Limit),
        price().prop_map(OrderKind::StopMarket),
        (price(), price()).prop_map(|(trigger, limit)| OrderKind::StopLimit(StopLimit { trigger, limit })),
        ratio().prop_map(OrderKind::TrailingStop),
    ]
}

fn tif() -> impl Strategy<Value = TimeInForce> {
    prop_oneof![
        Just(TimeInForce::Gtc),
        Just(TimeInForce::Ioc),
        Just(TimeInForce::Fok),
        at().prop_map(TimeInForce::Gtd),
    ]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        qty().prop_map(Size::Units),
        money().prop_map(Size::Notional),
        ratio().prop_map(Size::EquityShare),
        ratio().prop_map(Size::FreeShare),
        Just(Size::Position),
    ]
}

fn posting() -> impl Strategy<Value = Posting> {
    prop_oneof![Just(Posting::Any), Just(Posting::PostOnly)]
}

fn reach() -> impl Strategy<Value = Reach> {
    prop_oneof![Just(Reach::Any), Just(Reach::ReduceOnly)]
}

fn bracket() -> impl Strategy<Value = Option<Bracket>> {
    let stop = prop_oneof![
        Just(BracketStop::None),
        price().prop_map(BracketStop::At),
        ratio().prop_map(BracketStop::Trailing),
    ];
    let exits = (stop, prop::option::of(price()));
    prop::option::of(exits.prop_map(|(stop_loss, take_profit)| Bracket { stop_loss, take_profit }))
}

fn intent() -> impl Strategy<Value = OrderIntent> {
    let parts = (instrument(), side(), size(), kind(), tif(), posting(), reach(), bracket(), because());
    parts.prop_map(|(instrument, side, size, kind, tif, posting, reach, bracket, because)| OrderIntent {
        instrument,
        side,
        size,
        kind,
        tif,
        posting,
        reach,
        bracket,
        because,
    })
}

fn order() -> impl Strategy<Value = Order> {
    let family = (order_id(), prop::option::of(order_id()), prop::option::of(order_id()));
    (family, intent(), qty(), price()).prop_map(|((id, parent, sibling), intent, qty, decided_price)| Order {
        id,
        instrument: intent.instrument,
        side: intent.side,
        qty,
        kind: intent.kind,
        tif: intent.tif,
        posting: intent.posting,
        reach: intent.reach,
        bracket: intent.bracket,
        parent,
        sibling,
        decided_price,
    })
}

fn update() -> impl Strategy<Value = MarketUpdate> {
    let aggressor = prop_oneof![Just(Aggressor::Unknown), Just(Aggressor::Buyer), Just(Aggressor::Seller)];
    let trade = (instrument(), at(), price(), qty(), aggressor).prop_map(
        |(instrument, venue_at, price, qty, aggressor)| {
            MarketUpdate::Trade(Trade { instrument, venue_at, price, qty, aggressor })
        },
    );
    let quote = (instrument(), at(), price(), qty(), price(), qty()).prop_map(
        |(instrument, venue_at, bid, bid_qty, ask, ask_qty)| {
            MarketUpdate::Quote(Quote { instrument, venue_at, bid, bid_qty, ask, ask_qty })
        },
    );
    let open = (instrument(), at(), price())
        .prop_map(|(instrument, open_at, open)| MarketUpdate::Open(BarOpen { instrument, open_at, open }));
    let signal = bar().prop_map(MarketUpdate::SignalBar);
    prop_oneof![trade, quote, open, bar().prop_map(MarketUpdate::Bar), signal]
}

fn execution() -> impl Strategy<Value = Execution> {
    let liquidity = prop_oneof![Just(Liquidity::Maker), Just(Liquidity::Taker)];
    let trade = any::<u128>().prop_map(TradeId::new);
    let fill = (trade, price(), qty(), money(), liquidity).prop_map(|(trade, price, qty, fee, liquidity)| {
        Execution::Filled(Fill { trade, price, qty, fee, liquidity })
    });
    let reasons = [
        RejectReason::WouldTake,
        RejectReason::NoLiquidity,
        RejectReason::NothingToReduce,
        RejectReason::TriggerPassed,
        RejectReason::UnknownInstrument,
        RejectReason::OutOfRange,
        RejectReason::NotSent,
        RejectReason::NotTrading,
        RejectReason::NoBalance,
        RejectReason::Other,
    ];
    prop_oneof![
        fill,
        qty().prop_map(Execution::Amended),
        prop::sample::select(reasons.to_vec()).prop_map(Execution::Rejected),
        prop::sample::select(vec![
            Execution::Accepted,
            Execution::Triggered,
            Execution::Cancelled,
            Execution::Expired
        ]),
    ]
}

fn rules() -> impl Strategy<Value = Instrument> {
    let parts = (".{0,12}", ".{0,12}", any::<u8>(), any::<u8>(), price(), qty(), money());
    parts.prop_map(|(venue, symbol, price_decimals, qty_decimals, tick, lot, notional_min)| Instrument {
        venue,
        symbol,
        price_decimals,
        qty_decimals,
        tick,
        lot,
        notional_min,
    })
}

fn manifest() -> impl Strategy<Value = Manifest> {
    let dataset = (".{0,30}", any::<u64>(), any::<[u8; 32]>(), any::<u64>(), any::<u64>())
        .prop_map(|(name, count, digest, first, last)| DatasetRef { name, count, digest, first, last });
    let texts = (".{0,8}", ".{0,8}", ".{0,300}", ".{0,20}");
    let lists = (prop::collection::vec(rules(), 0..4), prop::collection::vec(dataset, 0..4));
    (texts, lists, any::<u64>(), money(), any::<bool>()).prop_map(
        |(
            (engine_version, mode, config_json, strategy),
            (instruments, datasets),
            seed,
            capital,
            synthetic,
        )| {
            Manifest {
                engine_version,
                mode,
                config_json,
                strategy,
                instruments,
                datasets,
                seed,
                capital,
                synthetic,
            }
        },
    )
}

fn failed_effect() -> impl Strategy<Value = Input> {
    let act = prop_oneof![
        order_id().prop_map(FailedAct::Place),
        order_id().prop_map(FailedAct::Cancel),
        order_id().prop_map(FailedAct::Amend),
        any::<u64>().prop_map(|id| FailedAct::Consult(engine_core::conductor::QuestionId(id))),
    ];
    (act, ".{0,40}").prop_map(|(act, reason)| Input::EffectFailed(Box::new(FailedEffect { act, reason })))
}

fn input() -> impl Strategy<Value = Input> {
    let conditions =
        vec![FeedCondition::Connected, FeedCondition::Gap, FeedCondition::Lost, FeedCondition::Restored];
    let commands = vec![OperatorCommand::Halt, OperatorCommand::Resume, OperatorCommand::Flatten];
    let feed = (instrument(), prop::sample::select(conditions))
        .prop_map(|(instrument, condition)| Input::Feed(FeedStatus { instrument, condition }));
    let report = (order_id(), at(), execution()).prop_map(|(order, venue_at, execution)| {
        Input::Execution(ExecutionReport { order, venue_at, execution })
    });
    prop_oneof![
        1 => manifest().prop_map(|manifest| Input::Session(SessionMark::Opened(Box::new(manifest)))),
        1 => Just(Input::Session(SessionMark::Closed)),
        1 => Just(Input::Session(SessionMark::Interrupted)),
        1 => Just(Input::Session(SessionMark::Resumed)),
        3 => update().prop_map(Input::Market),
        1 => feed,
        3 => report,
        1 => prop::sample::select(commands).prop_map(Input::Operator),
        1 => Just(Input::Deadline),
        1 => failed_effect(),
        3 => prop_oneof![past_bar::past_bar(), clock_step::clock_step(), data_fault(), listing_change()],
        1 => account::account(),
        2 => conduct::input(),
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    let plain = [
        Refusal::Halted,
        Refusal::UnknownInstrument,
        Refusal::UnknownOrder,
        Refusal::NoMarket,
        Refusal::FeedDown,
        Refusal::PriceNotPositive,
        Refusal::BelowLot,
        Refusal::NothingToReduce,
        Refusal::Overflow,
        Refusal::NoRiskLeft,
        Refusal::NotTrading,
        Refusal::AccountUnread,
        Refusal::AccountDiffers,
        Refusal::OrderUnanswered,
        Refusal::FlatWanted,
    ];
    let breached = [
        Refusal::NotionalTooSmall,
        Refusal::OrderQty,
        Refusal::OrderNotional,
        Refusal::PriceCollar,
        Refusal::Position,
        Refusal::Exposure,
        Refusal::Balance,
        Refusal::ShortSale,
        Refusal::OpenOrders,
        Refusal::OrderRate,
        Refusal::WaitedTooLong,
    ];
    let breached = breached.map(|refused| breach().prop_map(refused).boxed());
    let plain = plain.map(|refused| Just(refused).boxed());
    Union::new(plain.into_iter().chain(breached))
}

fn output() -> impl Strategy<Value = Output> {
    let cancel = (order_id(), because()).prop_map(|(order, because)| CancelIntent { order, because });
    let asked = prop_oneof![intent().prop_map(Intent::from), cancel.prop_map(Intent::Cancel)];
    let halt = prop_oneof![
        breach().prop_map(HaltReason::Drawdown),
        Just(HaltReason::Operator),
        order_id().prop_map(HaltReason::ImpossibleReport),
        too_large().prop_map(HaltReason::AmountTooLarge),
    ];
    prop_oneof![
        bar().prop_map(Output::BarClosed),
        intent().prop_map(|intent| Output::Signalled(Box::new(intent))),
        (order(), because())
            .prop_map(|(order, because)| Output::OrderSubmitted(Box::new(Submission { order, because }))),
        (asked, refusal())
            .prop_map(|(intent, reason)| Output::OrderRefused(Box::new(RefusedIntent { intent, reason }))),
        (order_id(), because())
            .prop_map(|(order, because)| Output::CancelRequested(CancelRequest { order, because })),
        (order_id(), qty(), because()).prop_map(|(order, qty, because)| {
            Output::AmendRequested(AmendRequest { order, qty, because })
        }),
        halt.prop_map(Output::TradingHalted),
        prop::sample::select(vec![FlatReason::Drawdown, FlatReason::Operator]).prop_map(Output::FlatWanted),
        Just(Output::TradingResumed),
        any::<[u64; 2]>().prop_map(|digest| Output::CheckpointTaken(Digest(digest))),
        account::output(),
        conduct::output(),
    ]
}

/// A step, where its input is kept, and the count of market records with it.
type Recorded = (Origin, u64, Step);

fn recorded() -> impl Strategy<Value = Recorded> {
    let tick =
        (any::<u16>(), any::<u64>()).prop_map(|(dataset, seq)| Origin::Record(RecordRef { dataset, seq }));
    let origin = prop_oneof![Just(Origin::Own), tick];
    (origin, any::<u64>(), at(), input(), prop::collection::vec(output(), 0..4)).prop_map(
        |(origin, records_read, at, input, outputs)| (origin, records_read, Step { at, input, outputs }),
    )
}

/// The same steps with their moments and counts in order, as every run has them.
fn in_order(mut steps: Vec<Recorded>) -> Vec<Recorded> {
    let mut moments: Vec<_> = steps.iter().map(|(_, records_read, step)| (step.at, *records_read)).collect();
    let mut counts: Vec<u64> = moments.iter().map(|(_, records_read)| *records_read).collect();
    moments.sort_unstable();
    counts.sort_unstable();
    for ((_, records_read, step), ((at, _), count)) in steps.iter_mut().zip(moments.into_iter().zip(counts)) {
        (step.at, *records_read) = (at, count);
    }
    steps
}

/// The envelopes that `steps` must become.
fn expected(steps: &[Recorded], keeps_records: bool) -> Vec<Envelope> {
    let mut envelopes: Vec<Envelope> = Vec::new();
    for (origin, records_read, step) in steps {
        let own = Cause::Event(Seq::new(envelopes.len() as u64 + 1));
        let (cause, input) = match origin {
            Origin::Record(tick) if !keeps_records => (Cause::Record(*tick), None),
            Origin::Record(_) | Origin::Own => (own, Some(Event::Input(step.input.clone()))),
        };
        for event in input.into_iter().chain(step.outputs.iter().cloned().map(Event::Output)) {
            let seq = Seq::new(envelopes.len() as u64 + 1);
            envelopes.push(Envelope { seq, at: step.at, records_read: *records_read, cause, event });
        }
    }
    envelopes
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn whatever_is_recorded_comes_back(
        steps in prop::collection::vec(recorded(), 0..20), page_bytes in 512_usize..=16_384,
        self_contained in any::<bool>(), page_log in any::<bool>(),
    ) {
        let steps = in_order(steps);
        let expected = expected(&steps, self_contained);
        let mut memory = if self_contained { MemoryJournal::self_contained() } else { MemoryJournal::default() };
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let options = RunOptions { page_bytes, page_log, self_contained };
        let mut disk = RunJournal::create(&run, options).unwrap();
        for (origin, records_read, step) in &steps {
            memory.append(*origin, *records_read, step).unwrap();
            disk.append(*origin, *records_read, step).unwrap();
        }
        prop_assert_eq!(&memory.envelopes(), &expected);
        prop_assert_eq!(memory.head(), disk.head());
        prop_assert_eq!(memory.head().count, expected.len() as u64);
        disk.close(Closing::default()).unwrap();
        let reader = RunReader::open(&run).unwrap();
        let read: Vec<Envelope> = reader.envelopes(Seq::FIRST).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(read, expected);
        prop_assert_eq!(reader.head(), memory.head());
    }
}
