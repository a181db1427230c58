//! Trades of ours, and of others with the same account.

use engine_core::asset::{Asset, AssetAmount};
use engine_core::event::{AccountEvent, Execution, FeeCharge, ForeignTrade};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::InstrumentId;
use engine_core::market::Side;
use engine_core::num::{AMOUNT_DECIMALS, Amount, Decimal, Money, power_of_ten};
use engine_core::order::OrderId;
use engine_core::time::Timestamp;

use super::{GatewayMarket, OrderGateway, Owner, Purpose, REMEMBERED_MAX};
use crate::account_message::{AccountMessage, Fee, FillReport, VenueFill};
use crate::decimal::{self, NumberError};

impl OrderGateway {
    /// A trade that is told apart from the state of its order.
    pub(super) fn fill(&mut self, now: Timestamp, report: FillReport) {
        self.statement.word(now);
        match self.names.get(&report.order_id) {
            Some(Owner::Ours(id)) => self.own_trade(*id, Some(&report.symbol), &report.fill, report.venue_at),
            Some(Owner::Foreign) => {
                let order = (report.order_id.as_str(), report.side);
                self.foreign_trade(&report.symbol, order, &report.fill, report.venue_at);
            }
            None => {
                // It may be of an order of ours that was not answered, or was over long ago: its client id says whose.
                if let Some(market) = self.market_of(&report.symbol) {
                    self.ask(now, Purpose::Lookup(market, report.order_id.clone()));
                    self.strays.push(report);
                }
            }
        }
    }

    /// The venue says whose the order is that it calls `name`.
    pub(super) fn found(&mut self, now: Timestamp, market: usize, name: &str, messages: &[AccountMessage]) {
        let mut reports = messages.iter().filter_map(AccountMessage::as_order);
        let Some(report) = reports.find(|report| report.order_id == name) else {
            return self.ask_at(now.plus(super::ASK_AGAIN_AFTER), Purpose::Lookup(market, name.to_owned()));
        };
        let owner = match self.own_client_id(report.client_id.as_deref()) {
            Some(id) => Owner::Ours(id),
            None => Owner::Foreign,
        };
        self.names.insert(name.to_owned(), owner);
        let (here, others) =
            core::mem::take(&mut self.strays).into_iter().partition(|stray| stray.order_id == name);
        self.strays = others;
        let here: Vec<FillReport> = here;
        here.into_iter().for_each(|stray| self.fill(now, stray));
        self.judge_doubts();
    }

    /// A trade of order `id`, told once by this process. Of an order of an earlier one the core knows what it has booked.
    pub(super) fn own_trade(&mut self, id: OrderId, symbol: Option<&str>, fill: &VenueFill, at: Timestamp) {
        let place = match self.orders.get(&id) {
            Some(known) => Some(known.order.instrument.index()),
            None => symbol.and_then(|symbol| self.market_of(symbol)),
        };
        let Some(market) = place.and_then(|place| self.markets.get(place)) else {
            return self
                .halt(&format!("order {} has traded in a market that the run does not have", id.number()));
        };
        let trade = trade_id(&fill.trade_id);
        if self.orders.get(&id).is_some_and(|known| known.trades.contains(&trade)) {
            return;
        }
        let (booked, charges) = match (fill_of(market, trade, fill), charges_of(market, &fill.fees)) {
            (Ok(booked), Some(charges)) => (booked, charges),
            (Err(error), _) => {
                return self.halt(&format!("a trade of order {} cannot be read: {error}", id.number()));
            }
            (Ok(_), None) => return self.halt(&format!("a fee of order {} does not fit", id.number())),
        };
        for charge in charges {
            self.tell(AccountEvent::Charged(FeeCharge { order: id, trade, charge }));
        }
        self.tell_execution(id, at, Execution::Filled(booked));
        let Some(known) = self.orders.get_mut(&id) else { return };
        known.trades.insert(trade);
        known.is_accepted = true;
        known.filled = known.filled.plus(booked.qty).unwrap_or(known.filled);
        if known.filled >= known.order.qty {
            self.end(id);
        }
    }

    /// A trade by an order that is not of this run.
    pub(super) fn foreign_trade(
        &mut self,
        symbol: &str,
        (order, side): (&str, Side),
        fill: &VenueFill,
        at: Timestamp,
    ) {
        let Some(place) = self.market_of(symbol) else {
            self.notices.push_back(format!("order {order}, which is not of this run, has traded {symbol}"));
            return;
        };
        let trade = trade_id(&fill.trade_id);
        if !self.foreign.insert((place, trade)) {
            return;
        }
        if self.foreign.len() > REMEMBERED_MAX {
            self.foreign.pop_first();
        }
        let moved = self.markets.get(place).and_then(|market| moved_by(market, side, fill));
        let Some(moved) = moved else {
            return self.halt(&format!("a trade of order {order}, which is not of this run, does not fit"));
        };
        let instrument = u16::try_from(place).ok().map(InstrumentId::new);
        self.tell(AccountEvent::Traded(ForeignTrade {
            instrument,
            trade,
            order: order.to_owned(),
            venue_at: at,
            moved,
        }));
    }
}

/// The trade that the venue calls `name`: its number, or 16 bytes of the hash of its text.
pub(super) fn trade_id(name: &str) -> TradeId {
    let hashed = || {
        let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
        digest.as_ref().first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes))
    };
    TradeId::new(name.parse::<u64>().map_or_else(|_| hashed(), u128::from))
}

/// A number of a venue as an amount of an asset, exact; nothing where it is finer or does not fit.
pub(super) fn amount(number: Decimal) -> Option<Amount> {
    let more = AMOUNT_DECIMALS.checked_sub(number.decimals)?;
    number.units.checked_mul(power_of_ten(more)?).map(Amount::from_units)
}

/// The fill, with what was charged in the quote currency as its fee.
fn fill_of(market: &GatewayMarket, trade: TradeId, fill: &VenueFill) -> Result<Fill, NumberError> {
    let rules = &market.rules;
    let in_cash = fill.fees.iter().filter(|fee| is_cash(market, fee));
    let fee = in_cash.map(|fee| amount(fee.amount)).try_fold(Amount::ZERO, |sum, fee| sum.plus(fee?));
    let fee =
        fee.ok_or_else(|| NumberError::TooLarge { number: "its fee".to_owned(), decimals: AMOUNT_DECIMALS })?;
    Ok(Fill {
        trade,
        price: decimal::price(fill.price, rules.price_decimals)?,
        qty: decimal::qty(fill.qty, rules.qty_decimals)?,
        fee: Money::from_units(fee.units()),
        liquidity: fill.liquidity.unwrap_or(Liquidity::Taker),
    })
}

/// A fee that names no asset is in the quote currency.
fn is_cash(market: &GatewayMarket, fee: &Fee) -> bool {
    fee.asset.as_deref().is_none_or(|asset| asset == market.pair.quote.name())
}

/// What was charged in other assets, one sum for each; nothing where one does not fit.
fn charges_of(market: &GatewayMarket, fees: &[Fee]) -> Option<Vec<AssetAmount>> {
    let mut charges: Vec<AssetAmount> = Vec::new();
    for fee in fees.iter().filter(|fee| !is_cash(market, fee)) {
        let (asset, charge) = (Asset::new(fee.asset.as_deref()?), amount(fee.amount)?);
        match charges.iter_mut().find(|known| known.asset == asset) {
            Some(known) => known.amount = known.amount.plus(charge)?,
            None => charges.push(AssetAmount { asset, amount: charge }),
        }
    }
    Some(charges)
}

/// What a trade moves in each asset; nothing where it does not fit.
fn moved_by(market: &GatewayMarket, side: Side, fill: &VenueFill) -> Option<Vec<AssetAmount>> {
    let paid = Decimal {
        units: fill.price.units.checked_mul(fill.qty.units)?,
        decimals: fill.price.decimals.checked_add(fill.qty.decimals)?,
    };
    let (base, quote) = (amount(fill.qty)?, amount(trimmed(paid))?);
    let (base, quote) = match side {
        Side::Buy => (base, quote.negated()?),
        Side::Sell => (base.negated()?, quote),
    };
    let mut moved = vec![
        AssetAmount { asset: market.pair.base.clone(), amount: base },
        AssetAmount { asset: market.pair.quote.clone(), amount: quote },
    ];
    for fee in &fill.fees {
        let asset = fee.asset.as_deref().map_or_else(|| market.pair.quote.clone(), Asset::new);
        moved.push(AssetAmount { asset, amount: amount(fee.amount)?.negated()? });
    }
    Some(moved)
}

/// The same number without zeros behind the point.
const fn trimmed(number: Decimal) -> Decimal {
    let (mut units, mut decimals) = (number.units, number.decimals);
    while decimals > 0 && units % 10 == 0 {
        units /= 10;
        decimals -= 1;
    }
    Decimal { units, decimals }
}
