//! Everything that records of runs show of latencies, prices, fees and queues, as numbers to be judged.

use engine_core::envelope::Envelope;
use engine_core::event::{Event, Input};
use engine_core::fill::Liquidity;
use engine_core::instrument::Instrument;
use engine_core::market::{MarketUpdate, Side};
use engine_core::order::OrderKind;
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::JournalError;

use super::order_lives::{OrderLife, OrderLives};
use super::resting::{RestingOrders, Touches};
use crate::market_tape::{MarketTape, Standing};

/// Market records that feed latency is measured on at most; of more, every second, fourth … counts.
const FEED_MAX: usize = 100_000;

/// Pairs of a part and its whole.
pub(super) type Shares = Vec<(f64, f64)>;

/// Spans in nanoseconds.
pub(super) type Spans = Vec<f64>;

/// What was observed.
#[derive(Debug, Default)]
pub(super) struct Observations {
    pub(super) orders: usize,
    pub(super) sending: Spans,
    pub(super) travelling: Spans,
    pub(super) entry: Spans,
    pub(super) response: Spans,
    pub(super) round_trip: Spans,
    pub(super) feed: Thinned,
    /// Moments of venues are whole multiples of this: of orders, and of markets.
    pub(super) order_step: Step,
    pub(super) feed_step: Step,
    /// How much worse than the market stood when they traded, over what that came to.
    pub(super) slippage: Shares,
    /// How much worse than decided, over what that came to.
    pub(super) from_decision: Shares,
    /// Ask less bid, over the middle.
    pub(super) spread: Shares,
    /// The sum of what a tick is of the price, over the orders of `slippage`.
    pub(super) ticks: f64,
    /// Those of `from_decision`.
    pub(super) decided_ticks: f64,
    /// Market orders that traded where nobody knows how the market stood.
    pub(super) without_price: usize,
    pub(super) maker_fees: Shares,
    pub(super) taker_fees: Shares,
    /// What the last places of those fees can hide.
    pub(super) maker_hidden: f64,
    pub(super) taker_hidden: f64,
    pub(super) unvalued_fees: usize,
    pub(super) touches: Touches,
    /// Orders that nobody answered for at some time.
    pub(super) unanswered: usize,
    /// How often the wall clock was set.
    pub(super) clock_steps: usize,
}

impl Observations {
    /// Adds a run: `read` gives its events, twice, and `has_real_orders` says whether more than its feed was real.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    pub(super) fn add<I>(
        &mut self,
        instruments: &[Instrument],
        has_real_orders: bool,
        read: impl Fn() -> Result<I, JournalError>,
    ) -> Result<(), JournalError>
    where
        I: Iterator<Item = Result<Envelope, JournalError>>,
    {
        let mut lives = OrderLives::default();
        for envelope in read()? {
            let envelope = envelope?;
            self.see(&envelope);
            if has_real_orders {
                lives.see(&envelope, instruments);
            }
        }
        if !has_real_orders {
            return Ok(());
        }
        let traded = lives.orders.values().filter(|life| is_taking(life));
        let moments =
            traded.flat_map(|life| life.traded.iter().map(|traded| (life.order.instrument, traded.venue_at)));
        let mut tape = MarketTape::before(moments);
        let mut resting = RestingOrders::of(lives.orders.values());
        for envelope in read()? {
            let Event::Input(Input::Market(update)) = envelope?.event else { continue };
            tape.see(&update);
            if let MarketUpdate::Trade(trade) = &update {
                resting.see(trade);
            }
        }
        let (tape, touches) = (tape.finished(), resting.touches());
        self.touches.touched += touches.touched;
        self.touches.filled += touches.filled;
        for life in lives.orders.values() {
            self.time(life);
            if let Some(rules) = instruments.get(life.order.instrument.index()) {
                self.price(life, rules, &tape);
            }
        }
        self.charge(&lives);
        Ok(())
    }

    fn see(&mut self, envelope: &Envelope) {
        let Event::Input(input) = &envelope.event else { return };
        match input {
            Input::Market(update) => {
                if let Some(venue_at) = told_at(update) {
                    self.feed_step.see(venue_at);
                    self.feed.add(nanos(envelope.at, venue_at));
                }
            }
            Input::Clock(_) => self.clock_steps += 1,
            Input::Session(_)
            | Input::Feed(_)
            | Input::Execution(_)
            | Input::Operator(_)
            | Input::Deadline
            | Input::Inference(_)
            | Input::Conductor(_)
            | Input::EffectFailed(_)
            | Input::History(_)
            | Input::DataFault(_)
            | Input::Listing(_)
            | Input::Account(_) => {}
        }
    }

    /// The times of an order; one that nobody answered for shows how long was asked, not how long it travelled.
    fn time(&mut self, life: &OrderLife) {
        self.orders += 1;
        if let Some(sent_at) = life.sent_at {
            self.sending.push(nanos(sent_at, life.decided_at));
        }
        if life.was_unanswered {
            self.unanswered += 1;
            return;
        }
        let Some((venue_at, learned_at)) = life.known_at else { return };
        self.order_step.see(venue_at);
        self.entry.push(nanos(venue_at, life.decided_at));
        self.response.push(nanos(learned_at, venue_at));
        self.round_trip.push(nanos(learned_at, life.decided_at));
        if let Some(sent_at) = life.sent_at {
            self.travelling.push(nanos(venue_at, sent_at));
        }
    }

    /// The prices of an order that took whatever price there was.
    fn price(&mut self, life: &OrderLife, rules: &Instrument, tape: &MarketTape) {
        if !is_taking(life) || life.traded.is_empty() {
            return;
        }
        let against = |side: Side, worse: f64| match side {
            Side::Buy => worse,
            Side::Sell => -worse,
        };
        let decided = rules.price_f64(life.order.decided_price);
        let (mut at_venue, mut since_decision) = (Some((0.0, 0.0)), (0.0, 0.0));
        for traded in &life.traded {
            let qty = rules.qty_decimal(traded.fill.qty).to_f64();
            let price = rules.price_f64(traded.fill.price);
            let standing = tape.standing(life.order.instrument, traded.venue_at);
            since_decision.0 += against(life.order.side, price - decided) * qty;
            since_decision.1 += decided * qty;
            at_venue =
                at_venue.zip(facing(standing, life.order.side, rules)).map(|((paid, whole), stood)| {
                    (paid + against(life.order.side, price - stood) * qty, whole + stood * qty)
                });
            if let Some(quote) = standing.quote {
                let [bid, ask] = [quote.bid, quote.ask].map(|price| rules.price_f64(price));
                self.spread.push((ask - bid, f64::midpoint(bid, ask)));
            }
        }
        let tick = rules.price_f64(rules.tick);
        if matches!(life.order.kind, OrderKind::Market) && decided > 0.0 {
            self.from_decision.push(since_decision);
            self.decided_ticks += tick / decided;
        }
        match at_venue {
            Some(pair) => {
                self.slippage.push(pair);
                let qty: f64 =
                    life.traded.iter().map(|traded| rules.qty_decimal(traded.fill.qty).to_f64()).sum();
                self.ticks += tick * qty / pair.1;
            }
            None => self.without_price += 1,
        }
    }

    fn charge(&mut self, lives: &OrderLives) {
        for charged in &lives.charged {
            let places = lives.fee_assets.get(charged.asset).map_or(0, |(_, places)| *places);
            let hidden = charged.price * libm::pow(10.0, -f64::from(places));
            let (fees, all_hidden) = match charged.liquidity {
                Liquidity::Maker => (&mut self.maker_fees, &mut self.maker_hidden),
                Liquidity::Taker => (&mut self.taker_fees, &mut self.taker_hidden),
            };
            fees.push((charged.fee, charged.notional));
            *all_hidden += hidden;
        }
        self.unvalued_fees += lives.unvalued;
    }
}

/// Whether an order takes whatever price there is.
const fn is_taking(life: &OrderLife) -> bool {
    match life.order.kind {
        OrderKind::Market | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => true,
        OrderKind::Limit(_) | OrderKind::StopLimit(_) => false,
    }
}

/// The price an order faced: the far side of the quote, or the last trade where nothing is quoted.
fn facing(standing: Standing, side: Side, rules: &Instrument) -> Option<f64> {
    let faced = standing.facing(side);
    faced.or(standing.trade).map(|price| rules.price_f64(price)).filter(|price| *price > 0.0)
}

fn nanos(later: Timestamp, earlier: Timestamp) -> f64 {
    later.since(earlier).nanos() as f64
}

/// When the venue says it happened; nothing for bars, whose end is a plan and no moment.
fn told_at(update: &MarketUpdate) -> Option<Timestamp> {
    match update {
        MarketUpdate::Trade(trade) => Some(trade.venue_at),
        MarketUpdate::Quote(quote) => Some(quote.venue_at),
        MarketUpdate::Open(_) | MarketUpdate::Bar(_) | MarketUpdate::SignalBar(_) => None,
    }
}

/// Spans of which there are too many to keep all.
#[derive(Debug)]
pub(super) struct Thinned {
    pub(super) kept: Spans,
    seen: u64,
    every: u64,
}

impl Default for Thinned {
    fn default() -> Self {
        Self { kept: Spans::new(), seen: 0, every: 1 }
    }
}

impl Thinned {
    fn add(&mut self, nanos: f64) {
        self.seen += 1;
        if !self.seen.is_multiple_of(self.every) {
            return;
        }
        self.kept.push(nanos);
        if self.kept.len() >= FEED_MAX {
            let mut place = 0;
            self.kept.retain(|_| {
                place += 1;
                place % 2 == 0
            });
            self.every *= 2;
        }
    }
}

/// The largest of a second, a millisecond, a microsecond and a nanosecond that all moments seen are multiples of.
#[derive(Debug)]
pub(super) struct Step(Span);

impl Default for Step {
    fn default() -> Self {
        Self(Span::SECOND)
    }
}

impl Step {
    fn see(&mut self, moment: Timestamp) {
        for finer in [Span::MILLISECOND.nanos(), 1_000, 1] {
            if moment.nanos() % self.0.nanos() == 0 {
                return;
            }
            self.0 = Span::from_nanos(self.0.nanos().min(finer));
        }
    }

    pub(super) const fn nanos(&self) -> f64 {
        self.0.nanos() as f64
    }
}
