//! What happened in a run, counted.

use std::collections::BTreeMap;

use engine_core::conductor::{Degradation, InferenceSetup};
use engine_core::halt::HaltReason;
use engine_core::refusal::Refusal;
use engine_core::time::Timestamp;

/// What happened, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct RunCounts {
    /// Market records played; the announced open of a bar is not one.
    #[serde(rename = "ticks")]
    pub records_read: u64,
    /// Orders submitted.
    pub orders: u64,
    /// Fills of ours.
    pub fills: u64,
    /// Bars built from trades.
    pub bars_built: u64,
    /// Decisions that waited for the next open.
    pub signals: u64,
    /// Refusals by the gate, by kind.
    pub refusals: BTreeMap<String, u64>,
    /// Orders refused by the venue.
    pub rejected: u64,
    /// Orders, cancels, amendments and questions that could not be handed over.
    pub unsent: u64,
    /// Orders that ended by their time in force.
    pub expired: u64,
    /// Changes of regime, first readings included.
    pub regime_changes: u64,
    /// Holes between bars.
    pub gaps: u64,
    /// Bars whose open or close lies outside low and high, played as they are.
    pub impossible_bars: u64,
    /// Quotes whose bid is above the ask, played as they are.
    pub crossed_quotes: u64,
    /// Questions to the conductor.
    pub questions: u64,
    /// Questions not answered in time.
    pub missed_answers: u64,
    /// Answers the rule gave in the model's place, by reason.
    pub degraded: BTreeMap<String, u64>,
    /// How inference was set up, in a run with a conductor.
    pub inference: Option<InferenceSetup>,
    /// Halts with their moment and reason.
    pub halts: Vec<(Timestamp, HaltReason)>,
}

impl RunCounts {
    /// The first amount that did not fit, with its moment. The books were not carried on over it, so the figures of such
    /// a run are no result.
    #[must_use]
    pub fn too_large(&self) -> Option<(Timestamp, HaltReason)> {
        let mut halts = self.halts.iter().copied();
        halts.find(|(_, reason)| matches!(reason, HaltReason::AmountTooLarge(_)))
    }
}

/// The kind of a refusal in words, as reports count it.
#[must_use]
pub fn refusal_name(refusal: &Refusal) -> String {
    let name = match refusal {
        Refusal::Halted => "trading halted",
        Refusal::UnknownInstrument => "unknown instrument",
        Refusal::UnknownOrder => "unknown order",
        Refusal::NoMarket => "no price yet",
        Refusal::FeedDown => "feed down",
        Refusal::PriceNotPositive => "price not positive",
        Refusal::BelowLot => "less than one lot",
        Refusal::NotionalTooSmall(_) => "below minimum notional",
        Refusal::OrderQty(_) => "order quantity limit",
        Refusal::OrderNotional(_) => "order notional limit",
        Refusal::PriceCollar(_) => "price collar",
        Refusal::Position(_) => "position limit",
        Refusal::Exposure(_) => "leverage limit",
        Refusal::Balance(_) => "not enough cash",
        Refusal::NoRiskLeft => "no risk left by the conductor",
        Refusal::WaitedTooLong(_) => "open came too late",
        Refusal::NotTrading => "not traded by its venue",
        Refusal::AccountUnread => "balances not read yet",
        Refusal::AccountDiffers => "balances differ from the venue's",
        Refusal::OrderUnanswered => "an order before it is not answered",
        Refusal::FlatWanted => "position being closed",
        Refusal::ShortSale(_) => "short sale in a cash account",
        Refusal::NothingToReduce => "nothing to reduce",
        Refusal::OpenOrders(_) => "too many working orders",
        Refusal::OrderRate(_) => "too many orders a minute",
        Refusal::Overflow => "amount too large",
    };
    name.to_owned()
}

/// The short name of a degradation, for counting.
#[must_use]
pub const fn degradation_name(why: &Degradation) -> &'static str {
    match why {
        Degradation::NoModel(_) => "no model",
        Degradation::WrongFeatureSet => "wrong feature set",
        Degradation::OutOfRange(_) => "feature outside the training range",
        Degradation::NotFinite => "output not usable",
        Degradation::Late(_) => "too late",
        Degradation::Failed(_) => "inference failed",
        Degradation::NoFeatures => "too few bars for the features",
    }
}
