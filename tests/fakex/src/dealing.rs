//! The order side at work: what clients ask and what the market trades meets the account, and what follows is told.

use std::sync::Arc;

use crate::binance::report;
use crate::coinbase::{user, written};
use crate::exchange::Exchange;
use crate::kraken::executions;
use crate::log::Entry;
use crate::login::Channel;
use crate::market::symbol::SymbolMarket;
use crate::market::trade::Trade;
use crate::settings::Dialect;
use crate::trading::Trading;
use crate::trading::account::{Standing, Which};
use crate::trading::amount::Amount;
use crate::trading::cancelling::Restriction;
use crate::trading::ledger::Posting;
use crate::trading::order::Order;
use crate::trading::placing::Asked;
use crate::trading::refusal::Refusal;
use crate::trading::report::{Happened, Report};

/// A market as an order finds it now.
fn standing(market: &SymbolMarket, slippage_millionths: u32, now_ns: i64) -> Standing<'_> {
    Standing {
        instrument: &market.instrument,
        bids: market.book().bids().collect(),
        asks: market.book().asks().collect(),
        last: market.trades().back().map(|trade| trade.price),
        slippage_millionths,
        now_ns,
    }
}

impl Exchange {
    /// Gives the account's orders what a trade of the market gives them.
    pub(crate) fn follow_trade(&mut self, symbol: usize, trade: &Trade) {
        let Some(trading) = &mut self.trading else { return };
        let market = &self.market.symbols[symbol];
        if trading.account.is_in(&market.instrument.name) {
            let standing = standing(market, trading.slippage_millionths, self.now_ns);
            trading.account.follow(trade, &standing);
            self.tell_reports();
        }
    }

    /// The market and the account, for one thing to be done with both.
    fn with_account<T>(
        &mut self,
        symbol: usize,
        act: impl FnOnce(&mut Trading, &Standing<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let trading = self.trading.as_mut().ok_or(Refusal::Closed)?;
        let slippage = trading.slippage_millionths;
        act(trading, &standing(&self.market.symbols[symbol], slippage, self.now_ns))
    }

    pub(crate) fn place(&mut self, symbol: usize, asked: Asked) -> Result<u64, Refusal> {
        self.with_account(symbol, |trading, standing| trading.account.place(standing, asked))
    }

    /// Whether an order would be accepted, without placing it.
    pub(crate) fn try_order(&mut self, symbol: usize, asked: &Asked) -> Result<(), Refusal> {
        self.with_account(symbol, |trading, standing| trading.account.admit(standing, asked))
    }

    pub(crate) fn cancel(
        &mut self,
        symbol: usize,
        which: &Which,
        restriction: Restriction,
        request: &Arc<str>,
    ) -> Result<Order, Refusal> {
        self.with_account(symbol, |trading, standing| {
            trading.account.cancel(standing, which, restriction, request)
        })
    }

    /// Cancels every open order of a market; refused where there is none.
    pub(crate) fn cancel_all(&mut self, symbol: usize, request: &Arc<str>) -> Result<Vec<Order>, Refusal> {
        self.with_account(symbol, |trading, standing| {
            let cancelled = trading.account.cancel_all(standing, request);
            if cancelled.is_empty() { Err(Refusal::Unknown) } else { Ok(cancelled) }
        })
    }

    /// Ends the open orders of a market that is traded no more.
    pub(crate) fn expire_orders(&mut self, symbol: usize) {
        if let Some(trading) = &mut self.trading {
            let market = &self.market.symbols[symbol];
            let standing = standing(market, trading.slippage_millionths, self.now_ns);
            trading.account.expire_all(&standing);
        }
        self.tell_reports();
    }

    /// An amount comes from outside, or goes there.
    pub(crate) fn transfer(&mut self, asset: &Arc<str>, amount: Amount) -> Result<(), Refusal> {
        let trading = self.trading.as_mut().ok_or(Refusal::Closed)?;
        trading.account.receive(asset, amount)?;
        self.tell_reports();
        Ok(())
    }

    /// Notes what happened to the account, and tells it to those who subscribed to it.
    pub(crate) fn tell_reports(&mut self) {
        let Some(trading) = &mut self.trading else { return };
        let reports = trading.account.take_reports();
        let mut posted = Vec::new();
        for report in reports {
            self.note_report(&report);
            match self.settings.dialect {
                Dialect::Binance => self.tell_by_number(&report),
                Dialect::Kraken => self.tell_by_channel(report, &mut posted),
                Dialect::Coinbase => self.tell_user(&report),
            }
        }
    }

    /// Tells every subscription of Binance's user data stream.
    fn tell_by_number(&mut self, report: &Report) {
        let Some(event) = self.event(report) else { return };
        let logged_on = self.links.iter().filter_map(|(id, link)| Some((*id, link.login.as_ref()?)));
        let told =
            logged_on.flat_map(|(id, login)| login.subscriptions.keys().map(move |number| (id, *number)));
        for (id, number) in told.collect::<Vec<_>>() {
            let text = format!("{{\"subscriptionId\":{number},\"event\":{event}}}");
            self.deliver_private(id, "userData", None, text);
        }
    }

    /// Tells every private channel of Kraken; what was posted is told with the balances that follow it.
    fn tell_by_channel(&mut self, report: Report, posted: &mut Vec<Posting>) {
        let (channel, messages) = match report {
            Report::Order { order, happened, .. } => {
                let symbol = self.symbol(|market| market.instrument.name == order.market);
                let instrument = symbol.map(|symbol| &self.market.symbols[symbol].instrument);
                let told = instrument.map(|instrument| executions::reports(instrument, &order, &happened));
                (Channel::Executions, told.unwrap_or_default())
            }
            Report::Posted(postings) => {
                *posted = postings;
                return;
            }
            Report::Balances(balances) => {
                let posted = std::mem::take(posted);
                let told = balances.iter().filter_map(|(asset, balance)| {
                    let trading = self.trading.as_mut()?;
                    trading.names_given += 1;
                    executions::ledger(asset, *balance, &posted, trading.names_given, self.now_ns)
                });
                (Channel::Balances, told.collect())
            }
            Report::External { .. } | Report::Corrected(_) => return,
        };
        let links: Vec<u64> = self.links.keys().copied().collect();
        for message in messages {
            for id in &links {
                self.tell_private(*id, channel, "update", std::slice::from_ref(&message));
            }
        }
    }

    /// Tells Coinbase's channel `user` of an order.
    fn tell_user(&mut self, report: &Report) {
        let Report::Order { order, happened, .. } = report else { return };
        let statuses: &[&str] = match happened {
            Happened::Accepted => &["PENDING", "OPEN"],
            Happened::Traded(_) | Happened::Woke | Happened::Canceled { .. } | Happened::Expired(_) => {
                &[written::status(order.status)]
            }
        };
        let links: Vec<u64> = self.links.keys().copied().collect();
        for status in statuses {
            let Some(told) = user::told(self, order, status) else { return };
            let body = user::body("update", &told);
            for id in &links {
                let private = self.links.get_mut(id).and_then(|link| link.private.as_mut());
                if private.is_some_and(|private| private.next(Channel::User).is_some()) {
                    self.deliver_numbered(*id, Channel::User.name(), &body);
                }
            }
        }
    }

    /// A message of a private channel of Kraken to one client, where that has it open.
    pub(crate) fn tell_private(&mut self, id: u64, channel: Channel, kind: &str, data: &[String]) {
        let private = self.links.get_mut(&id).and_then(|link| link.private.as_mut());
        let Some(sequence) = private.and_then(|private| private.next(channel)) else { return };
        let name = channel.name();
        let text = format!(
            "{{\"channel\":\"{name}\",\"type\":\"{kind}\",\"data\":[{}],\"sequence\":{sequence}}}",
            data.join(",")
        );
        self.deliver_private(id, name, Some(sequence), text);
    }

    fn note_report(&mut self, report: &Report) {
        match report {
            Report::Order { order, happened, .. } => {
                if let Happened::Traded(fill) = happened {
                    self.note(Entry::Fill { fill: Box::new(fill.clone()) });
                    if order.filled == fill.quantity
                        && let Some(trading) = &mut self.trading
                    {
                        trading.quota.give_back(self.now_ns);
                    }
                }
                self.note(Entry::Order { order: order.clone() });
            }
            Report::Posted(postings) => {
                for posting in postings {
                    self.note(Entry::Posting { posting: posting.clone() });
                }
            }
            Report::Corrected(order) => self.note(Entry::Order { order: order.clone() }),
            Report::Balances(_) | Report::External { .. } => {}
        }
    }

    fn event(&self, report: &Report) -> Option<String> {
        let (told_ns, now_ns) = (self.told_ns(), self.now_ns);
        match report {
            Report::Order { order, happened, execution } => {
                let symbol = self.symbol(|market| market.instrument.name == order.market)?;
                let instrument = &self.market.symbols[symbol].instrument;
                Some(report::order(instrument, order, happened, *execution, told_ns))
            }
            Report::Balances(balances) => Some(report::balances(balances, now_ns, told_ns)),
            Report::External { asset, amount } => Some(report::transfer(asset, *amount, now_ns, told_ns)),
            Report::Posted(_) | Report::Corrected(_) => None,
        }
    }
}
