//! The sentences of the journal: what was received from outside, and what we concluded.
//!
//! Events are named in the past tense, inputs by their source. Every match on them is exhaustive: a new
//! variant does not compile until each fold, projection and codec has answered for it.

use crate::conductor::{ConductorDecision, InferenceSetup, Question, QuestionId};
use crate::digest::Digest;
use crate::feed::FeedStatus;
use crate::halt::{FlatReason, HaltReason};
use crate::instrument::{Instrument, InstrumentId};
use crate::intent::{Intent, OrderIntent, Rationale};
use crate::market::{Bar, MarketUpdate};
use crate::num::{Money, Qty, Ratio};
use crate::order::{Order, OrderId};
use crate::refusal::Refusal;
use crate::regime::{Regime, RegimeReading};
use crate::time::{Span, Timestamp};

macro_rules! recorded {
    ($(#[$meta:meta])* $kind:ident $name:ident $body:tt) => {
        $(#[$meta])*
        #[derive(
            serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq,
            Hash,
        )]
        #[serde(rename_all = "snake_case")]
        pub $kind $name $body
    };
}

mod account_event;
mod data_fault;
mod execution;
mod listing_change;
mod order_event;

pub use account_event::{
    AccountAcceptance, AccountBeginning, AccountDifference, AccountEvent, AccountStatement, AssetTransfer,
    BalanceDifference, FeeCharge, ForeignOrder, ForeignOrders, ForeignTrade, OrderFate, OrderResolution,
    OrderSent, OrderWords, VenueOrder, VenuePause,
};
pub use data_fault::{
    Confirmation, ConflatedQuotes, ContradictedBar, DataFault, DataFinding, HoleFate, MissingTrades,
    NumberedTrade, OutOfCollar, ReleasedTrades, RepeatedTrades, SilentStream, StreamKind,
};
pub use execution::{Execution, ExecutionReport, RejectReason};
pub use listing_change::ListingChange;
pub use order_event::OrderEvent;

recorded! {
    /// One recorded sentence.
    enum Event {
        /// What was received from outside.
        Input(Input),
        /// What we concluded.
        Output(Output),
    }
}

recorded! {
    /// What was received from outside.
    enum Input {
        /// A run begins or ends.
        Session(SessionMark),
        /// A market moved.
        Market(MarketUpdate),
        /// A feed came, broke or went.
        Feed(FeedStatus),
        /// A venue reports on an order.
        Execution(ExecutionReport),
        /// A person, or the plan of a backtest, commands.
        Operator(OperatorCommand),
        /// The time the core asked for has come.
        Deadline,
        /// How inference was set up for this run.
        Inference(Box<InferenceSetup>),
        /// The conductor's answer to a question.
        Conductor(Box<ConductorDecision>),
        /// What we asked for never left the engine.
        EffectFailed(Box<FailedEffect>),
        /// A bar of the past, told to learn from.
        History(Box<PastBar>),
        /// The wall clock was set, or the machine slept.
        Clock(ClockStep),
        /// Something wrong was found in the data of an instrument, or no longer is.
        DataFault(Box<DataFault>),
        /// A venue changed the rules of an instrument, or whether it is traded.
        Listing(Box<ListingChange>),
        /// Something was learned of the account at a real venue.
        Account(Box<AccountEvent>),
    }
}

recorded! {
    /// Where a run begins, ends, and is gone on with.
    enum SessionMark {
        /// The run begins; everything needed to repeat it.
        Opened(Box<Manifest>),
        /// The run has ended as planned.
        Closed,
        /// The operator has ended the run before its data ended; what was held and worked stays as it was.
        Interrupted,
        /// The operator goes on with a run that was ended so.
        Resumed,
    }
}

recorded! {
    /// What a run is made of. Two runs with equal manifests and equal inputs have equal heads.
    struct Manifest {
        /// Version of the engine that wrote the run.
        pub engine_version: String,
        /// What kind of run: `backtest`, later `paper` and `live`.
        pub mode: String,
        /// The whole resolved configuration as canonical JSON.
        pub config_json: String,
        /// Name of the strategy.
        pub strategy: String,
        /// What can be traded, in the order of [`InstrumentId`].
        pub instruments: Vec<Instrument>,
        /// The datasets read, in the order of their source rank.
        pub datasets: Vec<DatasetRef>,
        /// Seed of everything random in simulation.
        pub seed: u64,
        /// Start capital in the settlement currency.
        pub capital: Money,
        /// Whether any input is made up rather than recorded from a market.
        pub synthetic: bool,
    }
}

recorded! {
    /// A dataset as a run names it: by content, never by place.
    struct DatasetRef {
        /// `venue:symbol:kind`, as in `binance:BTCUSDT:trades`.
        pub name: String,
        /// Number of records in it.
        pub count: u64,
        /// Digest of all its records.
        pub digest: [u8; 32],
        /// First record read, counted from 1.
        pub first: u64,
        /// Last record read.
        pub last: u64,
    }
}

recorded! {
    /// A bar of the past: it teaches what learns from bars, moves no mark and makes no order.
    struct PastBar {
        /// The bar.
        pub bar: Bar,
        /// Who told it.
        pub source: HistorySource,
    }
}

recorded! {
    /// The wall clock and the time that is counted went apart. Nothing is decided because of it.
    #[derive(Copy)]
    struct ClockStep {
        /// By how much more than was counted the wall clock has moved; negative where it was set back.
        pub by: Span,
        /// How far the time of the run was moved on with it; nothing where it goes on as it is counted.
        pub followed: Span,
    }
}

recorded! {
    /// Where the past was read from.
    #[derive(Copy)]
    enum HistorySource {
        /// The venue's own record.
        Venue,
        /// A dataset.
        Dataset,
    }
}

recorded! {
    /// An effect that could not be handed over, and why.
    struct FailedEffect {
        /// What was to be done.
        pub act: FailedAct,
        /// Why not, in the words of whoever was to do it.
        pub reason: String,
    }
}

recorded! {
    /// What could not be handed over.
    #[derive(Copy)]
    enum FailedAct {
        /// An order: it counts as refused by its venue.
        Place(OrderId),
        /// A cancel: it is asked for again after a second.
        Cancel(OrderId),
        /// An amendment: it is asked for again after a second.
        Amend(OrderId),
        /// A question: it counts as missed when its time is over.
        Consult(QuestionId),
    }
}

recorded! {
    /// A command from outside the strategy.
    #[derive(Copy)]
    enum OperatorCommand {
        /// Stop all new risk and cancel working orders.
        Halt,
        /// Trade again after a halt.
        Resume,
        /// Cancel everything and close every position; attempted until every position is closed.
        Flatten,
    }
}

recorded! {
    /// What we concluded.
    enum Output {
        /// A bar built from trades has closed.
        BarClosed(Bar),
        /// The strategy decided at a bar's close; the order follows at the next open.
        Signalled(Box<OrderIntent>),
        /// An order passed the gate and goes to the venue.
        OrderSubmitted(Box<Submission>),
        /// The gate refused.
        OrderRefused(Box<RefusedIntent>),
        /// We ask the venue to end an order.
        CancelRequested(CancelRequest),
        /// We ask the venue to work an order with another quantity.
        AmendRequested(AmendRequest),
        /// No new risk is taken from here on.
        TradingHalted(HaltReason),
        /// Every position is to be closed. Commanded by an operator, the command itself says so.
        FlatWanted(FlatReason),
        /// Trading goes on after a halt.
        TradingResumed,
        /// The folded state had this digest.
        CheckpointTaken(Digest),
        /// A market is in another regime, or in its first.
        RegimeChanged(Box<RegimeChange>),
        /// Bars are missing; what was learned before them is not carried over.
        GapFound(Gap),
        /// The conductor was asked.
        ConductorConsulted(Box<Question>),
        /// The conductor did not answer in time; its risk scale falls to the floor.
        ConductorMissed(MissedAnswer),
        /// The books of the account and its venue do not say the same; the gate closes until they do, or a person accepts it.
        AccountDiffers(Box<AccountDifference>),
        /// They say the same: for the first time since a process took the account up, or again.
        AccountAgrees,
        /// It is known how it turned out with an order that was sent and not answered.
        OrderResolved(OrderResolution),
        /// An order that passed the gate sells what exits at work hold; it follows once their venue has ended them.
        Postponed(Box<OrderIntent>),
    }
}

recorded! {
    /// A market's new regime.
    struct RegimeChange {
        /// Which market.
        pub instrument: InstrumentId,
        /// The regime before; `None` for the first reading.
        pub from: Option<Regime>,
        /// The reading that names the new one.
        pub reading: RegimeReading,
    }
}

recorded! {
    /// Bars that never came.
    #[derive(Copy)]
    struct Gap {
        /// Whose bars.
        pub instrument: InstrumentId,
        /// When the last bar before the gap ended.
        pub after: Timestamp,
        /// When the first bar after it began.
        pub until: Timestamp,
    }
}

recorded! {
    /// A question that was not answered in time.
    #[derive(Copy)]
    struct MissedAnswer {
        /// Which question.
        pub question: QuestionId,
        /// The instrument it was about.
        pub instrument: InstrumentId,
        /// The risk scale that holds until the next answer.
        pub risk_scale: Ratio,
    }
}

recorded! {
    /// An order and why it was made.
    struct Submission {
        /// What goes to the venue.
        pub order: Order,
        /// Why.
        pub because: Rationale,
    }
}

recorded! {
    /// An intent the gate refused.
    struct RefusedIntent {
        /// What was asked.
        pub intent: Intent,
        /// Why not.
        pub reason: Refusal,
    }
}

recorded! {
    /// Which order should end, and why.
    struct CancelRequest {
        /// The order.
        pub order: OrderId,
        /// Why.
        pub because: Rationale,
    }
}

recorded! {
    /// Which order should work on with which quantity, and why.
    struct AmendRequest {
        /// The order.
        pub order: OrderId,
        /// Its whole quantity from here on, what has traded of it included.
        pub qty: Qty,
        /// Why.
        pub because: Rationale,
    }
}
