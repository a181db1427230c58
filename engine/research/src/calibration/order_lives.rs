//! What a record says of each real order: when it was decided, sent, known to its venue and to us, and what it was charged.

use std::collections::BTreeMap;

use engine_core::asset::{Asset, AssetAmount, AssetPair};
use engine_core::envelope::Envelope;
use engine_core::event::{AccountEvent, Event, Execution, ExecutionReport, Input, Output};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::MarketUpdate;
use engine_core::num::{Amount, Price};
use engine_core::order::{Order, OrderId, OrderKind};
use engine_core::time::Timestamp;

/// A trade of an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traded {
    pub(super) venue_at: Timestamp,
    pub(super) fill: Fill,
}

/// An order from its decision on.
#[derive(Debug, Clone)]
pub(super) struct OrderLife {
    pub(super) order: Order,
    pub(super) decided_at: Timestamp,
    /// When its bytes were handed to the socket.
    pub(super) sent_at: Option<Timestamp>,
    /// When the venue had it by its own clock, and when we knew.
    pub(super) known_at: Option<(Timestamp, Timestamp)>,
    /// Whether nobody answered for it at some time: what was learned then took as long as the asking.
    pub(super) was_unanswered: bool,
    pub(super) traded: Vec<Traded>,
    /// When it was over, by the venue's clock.
    pub(super) ended_at: Option<Timestamp>,
}

/// What a trade was charged, in money of its market's quote.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charged {
    pub(super) liquidity: Liquidity,
    pub(super) notional: f64,
    pub(super) fee: f64,
    /// In which of [`OrderLives::fee_assets`].
    pub(super) asset: usize,
    /// What one of that is worth.
    pub(super) price: f64,
}

/// All orders of a run with real orders.
#[derive(Debug, Default)]
pub(super) struct OrderLives {
    pub(super) orders: BTreeMap<OrderId, OrderLife>,
    pub(super) charged: Vec<Charged>,
    /// Assets that fees came in, with the decimals they were written in.
    pub(super) fee_assets: Vec<(Asset, u32)>,
    /// Trades charged in a coin that no market of the run values.
    pub(super) unvalued: usize,
    pairs: Vec<AssetPair>,
    charges: BTreeMap<(OrderId, TradeId), Vec<AssetAmount>>,
    prices: BTreeMap<InstrumentId, Price>,
}

impl OrderLives {
    /// Sees the next event of the run.
    pub(super) fn see(&mut self, envelope: &Envelope, instruments: &[Instrument]) {
        match &envelope.event {
            Event::Output(Output::OrderSubmitted(submission)) => {
                let order = submission.order.clone();
                let life = OrderLife {
                    decided_at: envelope.at,
                    sent_at: None,
                    known_at: None,
                    was_unanswered: false,
                    traded: Vec::new(),
                    ended_at: None,
                    order,
                };
                self.orders.insert(life.order.id, life);
            }
            Event::Input(Input::Execution(report)) => self.report(envelope.at, report, instruments),
            Event::Input(Input::Account(event)) => self.account(event),
            Event::Input(Input::Market(update)) => self.market(update),
            Event::Input(_) | Event::Output(_) => {}
        }
    }

    fn account(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Begun(begun) => self.pairs.clone_from(&begun.pairs),
            AccountEvent::Charged(charge) => {
                let told = self.charges.entry((charge.order, charge.trade)).or_default();
                told.retain(|known| known.asset != charge.charge.asset);
                told.push(charge.charge.clone());
            }
            AccountEvent::Sent(sent) => {
                if let Some(life) = self.orders.get_mut(&sent.order) {
                    life.sent_at.get_or_insert(sent.wire_at);
                }
            }
            AccountEvent::Unanswered(order) | AccountEvent::NeverPlaced(order) => {
                if let Some(life) = self.orders.get_mut(order) {
                    life.was_unanswered = true;
                }
            }
            AccountEvent::Stated(_)
            | AccountEvent::Moved(_)
            | AccountEvent::Traded(_)
            | AccountEvent::Accepted(_)
            | AccountEvent::Named(_)
            | AccountEvent::Explained(_)
            | AccountEvent::Paused(_)
            | AccountEvent::Foreign(_) => {}
        }
    }

    fn market(&mut self, update: &MarketUpdate) {
        let told = match update {
            MarketUpdate::Trade(trade) => Some((trade.instrument, trade.price)),
            MarketUpdate::Quote(quote) => {
                let middle = i64::midpoint(quote.bid.units(), quote.ask.units());
                Some((quote.instrument, Price::from_units(middle)))
            }
            MarketUpdate::Bar(bar) => Some((bar.instrument, bar.close)),
            MarketUpdate::Open(open) => Some((open.instrument, open.open)),
            MarketUpdate::SignalBar(_) => None,
        };
        self.prices.extend(told);
    }

    fn report(&mut self, at: Timestamp, report: &ExecutionReport, instruments: &[Instrument]) {
        let Some(life) = self.orders.get_mut(&report.order) else { return };
        let is_market = matches!(life.order.kind, OrderKind::Market);
        let traded = match report.execution {
            Execution::Accepted => {
                life.known_at.get_or_insert((report.venue_at, at));
                None
            }
            Execution::Filled(fill) => {
                // A resting order trades long after it came; its acceptance was lost.
                if is_market {
                    life.known_at.get_or_insert((report.venue_at, at));
                }
                let is_told = life.traded.iter().any(|known| known.fill.trade == fill.trade);
                (!is_told).then_some(fill)
            }
            Execution::Rejected(_) | Execution::Cancelled | Execution::Expired => {
                life.ended_at.get_or_insert(report.venue_at);
                None
            }
            Execution::Triggered | Execution::Amended(_) => None,
        };
        if let Some(fill) = traded {
            life.traded.push(Traded { venue_at: report.venue_at, fill });
            let instrument = life.order.instrument;
            self.charge(report.order, instrument, &fill, instruments);
        }
    }

    /// Notes what `fill` was charged; a fee in a coin without a price is counted and left out.
    fn charge(&mut self, order: OrderId, instrument: InstrumentId, fill: &Fill, instruments: &[Instrument]) {
        let Some(rules) = instruments.get(instrument.index()) else { return };
        let Some(notional) = rules.notional(fill.price, fill.qty) else { return };
        let notional = in_whole(notional.units());
        let coins = self.charges.remove(&(order, fill.trade)).unwrap_or_default();
        let pair = self.pairs.get(instrument.index()).cloned();
        let quote = pair.as_ref().map_or_else(|| Asset::new("quote"), |pair| pair.quote.clone());
        let (mut fee, mut named) = (in_whole(fill.fee.units()), None);
        for coin in &coins {
            let price = self.price_of(&coin.asset, pair.as_ref(), rules.price_f64(fill.price), instruments);
            let Some(price) = price else {
                self.unvalued += 1;
                return;
            };
            fee += in_whole(coin.amount.units()) * price;
            named = Some((coin.clone(), price));
        }
        let in_quote = || (AssetAmount { asset: quote, amount: Amount::of_money(fill.fee) }, 1.0);
        let (paid, price) = named.unwrap_or_else(in_quote);
        let asset = self.fee_asset(&paid);
        self.charged.push(Charged { liquidity: fill.liquidity, notional, fee, asset, price });
    }

    /// The place of an asset among those that fees came in, which learns how finely it is written.
    fn fee_asset(&mut self, paid: &AssetAmount) -> usize {
        let places = places(paid.amount);
        let known = self.fee_assets.iter().position(|(asset, _)| *asset == paid.asset);
        let place = known.unwrap_or(self.fee_assets.len());
        match self.fee_assets.get_mut(place) {
            Some((_, most)) => *most = places.max(*most),
            None => self.fee_assets.push((paid.asset.clone(), places)),
        }
        place
    }

    /// What one of `asset` is worth in the quote of `pair`: the base at the price of the trade, another coin at that of its
    /// own market.
    fn price_of(
        &self,
        asset: &Asset,
        pair: Option<&AssetPair>,
        traded: f64,
        instruments: &[Instrument],
    ) -> Option<f64> {
        let pair = pair?;
        if *asset == pair.base {
            return Some(traded);
        }
        if *asset == pair.quote {
            return Some(1.0);
        }
        let is_market = |other: &AssetPair| other.base == *asset && other.quote == pair.quote;
        let at = self.pairs.iter().position(is_market)?;
        let price = self.prices.get(&InstrumentId::new(u16::try_from(at).ok()?))?;
        instruments.get(at).map(|rules| rules.price_f64(*price))
    }
}

/// Units of 10⁻¹⁸ as whole ones, for figures that are no books.
fn in_whole(units: i128) -> f64 {
    units as f64 / 1e18
}

/// How many decimals an amount needs.
fn places(amount: Amount) -> u32 {
    let mut units = amount.units();
    let mut places = 18;
    while places > 0 && units % 10 == 0 {
        (units, places) = (units / 10, places - 1);
    }
    places
}
