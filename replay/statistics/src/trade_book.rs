//! Round trips out of fills: lots are closed first in, first out.

use std::collections::VecDeque;

use engine_core::event::{ExecutionReport, Submission};
use engine_core::fill::{Fill, Liquidity};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty};
use engine_core::order::OrderId;
use engine_core::time::Timestamp;

use super::reason::{ReasonId, Reasons};
use super::round_trip::{RoundTrip, TradeRow, Words};

/// One fill of ours with what the book needs to know about its order.
#[derive(Debug, Clone, Copy)]
pub struct FillFact<'a> {
    /// When it filled.
    pub at: Timestamp,
    /// What was traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much, always positive.
    pub qty: Qty,
    /// At what price.
    pub price: Price,
    /// Fee in the settlement currency; negative is a rebate.
    pub fee: Money,
    /// Whether we made or took liquidity.
    pub liquidity: Liquidity,
    /// The order it belongs to.
    pub order: OrderId,
    /// The price the decision was made at.
    pub decided_price: Price,
    /// Why the order was made.
    pub reason: &'a str,
}

impl<'a> FillFact<'a> {
    /// What a report says of a fill, with what the submission says of its order.
    #[must_use]
    pub fn of(submission: &'a Submission, report: &ExecutionReport, fill: &Fill) -> Self {
        let order = &submission.order;
        Self {
            at: report.venue_at,
            instrument: order.instrument,
            side: order.side,
            qty: fill.qty,
            price: fill.price,
            fee: fill.fee,
            liquidity: fill.liquidity,
            order: report.order,
            decided_price: order.decided_price,
            reason: &submission.because.reason,
        }
    }
}

/// Why a fill cannot be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TradeBookError {
    /// An amount does not fit.
    #[error("book a fill as a trade: an amount does not fit in 128 bits; lower the order size")]
    Overflow,
    /// The run has no such instrument.
    #[error("book a fill as a trade: the run has no instrument {0}; give the book the run's instruments")]
    UnknownInstrument(usize),
}

/// What was filled in one instrument, whether the trades are closed or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Number of fills.
    pub fills: u64,
    /// Number of fills that made liquidity.
    pub maker_fills: u64,
    /// Sum of price × quantity over all fills.
    pub volume: Money,
    /// Fees of fills that made liquidity.
    pub maker_fees: Money,
    /// Fees of fills that took liquidity.
    pub taker_fees: Money,
    /// Sum of (fill price − decided price) × signed quantity: what fills cost against the decision, fees not
    /// included; negative is a gain.
    pub slippage: Money,
}

/// A part of a position that one fill opened and nothing has closed yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OpenLot {
    /// The side of the entry.
    pub side: Side,
    /// How much of it is left.
    pub qty: Qty,
    /// When it was entered.
    pub entry_at: Timestamp,
    /// At what price.
    pub entry_price: Price,
    /// Entry fee on what is left.
    pub fee: Money,
    /// The order that opened it.
    pub order: OrderId,
    // Extremes from this lot's entry to the next lot's entry; later lots carry the rest.
    lowest: Price,
    highest: Price,
    reason: ReasonId,
}

#[derive(Debug, Clone, Default)]
struct Lots {
    open: VecDeque<OpenLot>,
    traffic: Traffic,
}

/// Why a position was entered that a book began with.
const CARRIED: &str = "held before what is kept; entered at the average price";

/// Turns fills into closed trades.
///
/// Rule: a fill on the other side of the position closes the oldest lots first, and every lot portion closed
/// is one trade (a fill that closes three lots makes three trades); what is left of the fill opens a new
/// lot. Fees are split by quantity, rounded toward zero, and the remainder goes to the last part: the opened
/// lot if there is one. Memory: 112 bytes a closed trade, 80 an open lot, nothing per tick.
#[derive(Debug, Clone)]
pub struct TradeBook {
    rules: Vec<Instrument>,
    lots: Vec<Lots>,
    closed: Vec<RoundTrip>,
    reasons: Reasons,
    carried: u64,
}

impl TradeBook {
    /// An empty book for `instruments`, in the order of [`InstrumentId`].
    #[must_use]
    pub fn new(instruments: &[Instrument]) -> Self {
        Self {
            rules: instruments.to_vec(),
            lots: vec![Lots::default(); instruments.len()],
            closed: Vec::new(),
            reasons: Reasons::default(),
            carried: 0,
        }
    }

    /// Begins with `qty` of `instrument` held, negative for a short, of which only the average price is known: it counts as
    /// entered at `at`, without a fee and by no order.
    pub fn carry(&mut self, instrument: InstrumentId, qty: Qty, average: Price, at: Timestamp) {
        let Some(lots) = self.lots.get_mut(instrument.index()) else { return };
        let reason = self.reasons.intern(CARRIED);
        let side = if qty.is_positive() { Side::Buy } else { Side::Sell };
        lots.open.push_back(OpenLot {
            side,
            qty: qty.magnitude(),
            entry_at: at,
            entry_price: average,
            fee: Money::ZERO,
            order: OrderId::new(0),
            lowest: average,
            highest: average,
            reason,
        });
        self.carried += 1;
    }

    /// How many positions it began with.
    #[must_use]
    pub const fn carried(&self) -> u64 {
        self.carried
    }

    /// Books one fill.
    ///
    /// # Errors
    /// [`TradeBookError`]; nothing is booked then.
    pub fn fill(&mut self, fact: &FillFact<'_>) -> Result<(), TradeBookError> {
        let index = fact.instrument.index();
        let unknown = TradeBookError::UnknownInstrument(index);
        let rules = self.rules.get(index).ok_or(unknown)?;
        let lots = self.lots.get_mut(index).ok_or(unknown)?;
        let traffic = lots.traffic.after(fact, rules).ok_or(TradeBookError::Overflow)?;
        lots.traffic = traffic;
        let reason = self.reasons.intern(fact.reason);
        let mut rest = Rest { qty: fact.qty, fee: fact.fee };
        let closes = lots.open.front().is_some_and(|lot| lot.side != fact.side);
        if closes {
            lots.close(fact, reason, &mut rest, &mut self.closed);
        }
        if rest.qty.is_positive() {
            lots.open.push_back(OpenLot::of(fact, reason, rest));
        }
        Ok(())
    }

    /// Tells open trades in `instrument` the range prices went through, for their excursions. Cheap, and
    /// needed only while a position is open.
    #[inline]
    pub fn mark(&mut self, instrument: InstrumentId, high: Price, low: Price) {
        let Some(lot) = self.lots.get_mut(instrument.index()).and_then(|lots| lots.open.back_mut()) else {
            return;
        };
        lot.highest = lot.highest.max(high);
        lot.lowest = lot.lowest.min(low);
    }

    /// Every closed trade, in the order of closing.
    #[must_use]
    pub fn closed(&self) -> &[RoundTrip] {
        &self.closed
    }

    /// Takes the closed trades out of the book, for a reader who needs each once and not all at once.
    pub fn take_closed(&mut self) -> Vec<RoundTrip> {
        std::mem::take(&mut self.closed)
    }

    /// What is still open in `instrument`, oldest first.
    pub fn open(&self, instrument: InstrumentId) -> impl Iterator<Item = &OpenLot> {
        self.lots.get(instrument.index()).into_iter().flat_map(|lots| lots.open.iter())
    }

    /// What was filled in `instrument`; nothing for one the run does not have.
    #[must_use]
    pub fn traffic(&self, instrument: InstrumentId) -> Traffic {
        self.lots.get(instrument.index()).map(|lots| lots.traffic).unwrap_or_default()
    }

    /// The instruments of the run, in the order of [`InstrumentId`].
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.rules
    }

    /// Every closed trade with the rules of its instrument, in the order of closing.
    pub fn trades(&self) -> impl DoubleEndedIterator<Item = (&RoundTrip, &Instrument)> {
        self.closed.iter().filter_map(|trade| Some((trade, self.rules.get(trade.instrument.index())?)))
    }

    /// Why a trade of this book was entered and why it was left.
    #[must_use]
    pub fn reasons_of(&self, trade: &RoundTrip) -> (&str, &str) {
        (self.reasons.text(trade.entry_reason), self.reasons.text(trade.exit_reason))
    }

    /// Closed trades as people read them, from place `from` on (the first is 0).
    pub fn rows(&self, from: usize) -> impl Iterator<Item = TradeRow> {
        (1_u64..).zip(&self.closed).skip(from).filter_map(|(number, trade)| self.row(number, trade))
    }

    /// A trade of this book as people read it; `None` for an instrument the book does not have.
    #[must_use]
    pub fn row(&self, number: u64, trade: &RoundTrip) -> Option<TradeRow> {
        let rules = self.rules.get(trade.instrument.index())?;
        let (entry_reason, exit_reason) = self.reasons_of(trade);
        Some(TradeRow::of(trade, rules, &Words { number, entry_reason, exit_reason }))
    }
}

/// What a fill has left to give to lots.
#[derive(Debug, Clone, Copy)]
struct Rest {
    qty: Qty,
    fee: Money,
}

impl Rest {
    /// Takes the share of `qty`; the last share is all that is left.
    fn take(&mut self, qty: Qty) -> Money {
        let share = if qty == self.qty { Some(self.fee) } else { self.fee.share(qty, self.qty) };
        // No part is larger than the whole, so the share and what is left of both are there.
        let share = share.unwrap_or(self.fee);
        self.qty = self.qty.minus(qty).unwrap_or_default();
        self.fee = self.fee.minus(share).unwrap_or_default();
        share
    }
}

impl OpenLot {
    fn of(fact: &FillFact<'_>, reason: ReasonId, rest: Rest) -> Self {
        Self {
            side: fact.side,
            qty: rest.qty,
            entry_at: fact.at,
            entry_price: fact.price,
            fee: rest.fee,
            order: fact.order,
            lowest: fact.price,
            highest: fact.price,
            reason,
        }
    }
}

impl Lots {
    fn close(&mut self, fact: &FillFact<'_>, reason: ReasonId, rest: &mut Rest, closed: &mut Vec<RoundTrip>) {
        let ranges = self.ranges_since_entry();
        for (lowest, highest) in ranges {
            let Some(lot) = self.open.front_mut().filter(|_| rest.qty.is_positive()) else { return };
            let qty = lot.qty.min(rest.qty);
            let mut left = Rest { qty: lot.qty, fee: lot.fee };
            let entry_fee = left.take(qty);
            let exit_fee = rest.take(qty);
            closed.push(RoundTrip {
                instrument: fact.instrument,
                side: lot.side,
                qty,
                entry_at: lot.entry_at,
                exit_at: fact.at,
                entry_price: lot.entry_price,
                exit_price: fact.price,
                // All fees fit together, see `Traffic::after`.
                fees: entry_fee.plus(exit_fee).unwrap_or(Money::MAX),
                lowest: lowest.min(fact.price),
                highest: highest.max(fact.price),
                entry_order: lot.order,
                exit_order: fact.order,
                entry_reason: lot.reason,
                exit_reason: reason,
            });
            (lot.qty, lot.fee) = (left.qty, left.fee);
            if lot.qty.is_zero() {
                self.open.pop_front();
            }
        }
    }

    /// Lowest and highest price since each open lot's entry, oldest lot first.
    fn ranges_since_entry(&self) -> Vec<(Price, Price)> {
        let mut range = (Price::MAX, Price::from_units(i64::MIN));
        let mut ranges: Vec<(Price, Price)> = Vec::with_capacity(self.open.len());
        for lot in self.open.iter().rev() {
            range = (range.0.min(lot.lowest), range.1.max(lot.highest));
            ranges.push(range);
        }
        ranges.reverse();
        ranges
    }
}

impl Traffic {
    /// The traffic with one more fill, or `None` when an amount does not fit.
    fn after(self, fact: &FillFact<'_>, rules: &Instrument) -> Option<Self> {
        let signed = fact.side.signed(fact.qty);
        let volume = rules.notional(fact.price, fact.qty)?.magnitude();
        let slipped = rules.notional(fact.price.minus(fact.decided_price)?, signed)?;
        let (maker, taker) = match fact.liquidity {
            Liquidity::Maker => (fact.fee, Money::ZERO),
            Liquidity::Taker => (Money::ZERO, fact.fee),
        };
        let after = Self {
            fills: self.fills + 1,
            maker_fills: self.maker_fills + u64::from(fact.liquidity == Liquidity::Maker),
            volume: self.volume.plus(volume)?,
            maker_fees: self.maker_fees.plus(maker)?,
            taker_fees: self.taker_fees.plus(taker)?,
            slippage: self.slippage.plus(slipped)?,
        };
        // What trades earn is never more than this.
        after.volume.plus(after.maker_fees.magnitude())?.plus(after.taker_fees.magnitude())?;
        Some(after)
    }
}
