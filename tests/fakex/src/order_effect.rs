//! What each verb does to orders and to the account when it is set off.

use crate::decimal;
use crate::exchange::Exchange;
use crate::fault::OrderFault;
use crate::trading::Trading;
use crate::trading::amount::Amount;
use crate::trading::mishap::{Awaited, Mishap};
use crate::trading::order::{Kind, Life, Side, Size, Terms};
use crate::trading::placing::Asked;

const NO_ACCOUNT: &str = "there is no account: this exchange has a market side only";

impl Exchange {
    /// Does what a fault on orders asks for; it is refused where there is no account.
    pub(crate) fn disturb_orders(&mut self, fault: &OrderFault) -> Result<(), String> {
        let now_ns = self.now_ns;
        let Some(trading) = &mut self.trading else { return Err(NO_ACCOUNT.to_owned()) };
        let mut meet = |awaited, mishap, count| trading.mishaps.await_next(awaited, mishap, count);
        match fault {
            OrderFault::AckLost { n, on } => meet(*on, Mishap::AckLost, *n),
            OrderFault::RequestLost { n, on } => meet(*on, Mishap::RequestLost, *n),
            OrderFault::AckDelay { ms, n, on } => meet(*on, Mishap::AckDelayed { ms: *ms }, *n),
            OrderFault::RequestDelay { ms, n, on } => meet(*on, Mishap::Held { ms: *ms }, *n),
            OrderFault::FillBeforeAck { n } => meet(Awaited::Place, Mishap::FillBeforeAck, *n),
            OrderFault::Reject { code, n } => meet(Awaited::Place, Mishap::Rejected { code: *code }, *n),
            OrderFault::OutcomeUnknown { done, code, status, n, on } => {
                meet(*on, Mishap::Unknown { status: *status, code: *code, is_done: *done }, *n);
            }
            OrderFault::Partial { n } => trading.account.slips.divide = *n,
            OrderFault::LateFillAfterCancel {} => trading.account.slips.late_fill = true,
            OrderFault::StpExpire {} => trading.account.slips.self_trade = true,
            OrderFault::ForeignUsage { weight } => trading.quota.weigh(now_ns, *weight),
            OrderFault::OrderBan { secs } => trading.quota.shut(now_ns + i64::from(*secs) * 1_000_000_000),
            OrderFault::BalanceDrift { asset, amount } => {
                let amount = Amount::read(amount).ok_or("no amount")?;
                let short = |_| format!("the account has less than {amount} {asset} free");
                self.transfer(&asset.as_str().into(), amount).map_err(short)?;
            }
            OrderFault::PhantomOrder { symbol, side, quantity, price } => {
                self.place_by_hand(symbol, *side, quantity, price.as_deref())?;
            }
            OrderFault::RevokeKey { key } => {
                revoke(trading, key)?;
                self.end_subscriptions(key);
            }
        }
        Ok(())
    }

    /// Places an order that no client asked for.
    fn place_by_hand(
        &mut self,
        name: &str,
        side: Side,
        quantity: &str,
        price: Option<&str>,
    ) -> Result<(), String> {
        let symbol = self.symbol(|market| market.instrument.is_named(name));
        let symbol = symbol.ok_or_else(|| format!("there is no market {name}"))?;
        let instrument = &self.market.symbols[symbol].instrument;
        let read = |text: &str, decimals| {
            decimal::units(text, decimals).ok_or_else(|| format!("{text:?} has more than {decimals} places"))
        };
        let quantity = read(quantity, instrument.quantity_decimals)?;
        let price = price.map(|text| read(text, instrument.price_decimals)).transpose()?;
        let kind = match price {
            Some(price) => Kind::Limit { price, quantity, life: Life::Gtc },
            None => Kind::Market { size: Size::Base(quantity) },
        };
        let trading = self.trading.as_mut().ok_or(NO_ACCOUNT)?;
        trading.names_given += 1;
        let client_id = format!("web_{:028}", trading.names_given).into();
        let terms = Terms { side, kind, trigger: None };
        let asked = Asked { client_id, terms, by_hand: true, marks: Vec::new() };
        self.place(symbol, asked).map_err(|refusal| format!("the order was refused: {refusal:?}"))?;
        self.tell_reports();
        Ok(())
    }

    /// Ends what a key had subscribed to.
    fn end_subscriptions(&mut self, key: &str) {
        let event = format!("{{\"e\":\"eventStreamTerminated\",\"E\":{}}}", self.told_ns() / 1_000_000);
        let mut ended = Vec::new();
        for (id, link) in &mut self.links {
            if let Some(private) = &mut link.private {
                private.close(key);
            }
            let subscriptions = link.login.as_mut().map(|login| &mut login.subscriptions);
            let of_key = subscriptions
                .into_iter()
                .flat_map(|subscriptions| subscriptions.extract_if(.., |_, name| name == key));
            ended.extend(of_key.map(|(number, _)| (*id, number)));
        }
        for (id, number) in ended {
            let text = format!("{{\"subscriptionId\":{number},\"event\":{event}}}");
            self.deliver_private(id, "userData", None, text);
        }
    }
}

fn revoke(trading: &mut Trading, key: &str) -> Result<(), String> {
    let credential = trading.credentials.iter_mut().find(|credential| credential.key.name == key);
    credential.ok_or_else(|| format!("there is no key {key}"))?.is_revoked = true;
    Ok(())
}
