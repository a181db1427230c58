//! The messages of Kraken's private channels; prices and quantities are JSON numbers with all their decimals.

use crate::calendar::rfc3339;
use crate::instrument::Instrument;
use crate::trading::amount::Amount;
use crate::trading::fill::Fill;
use crate::trading::ledger::{Balance, Cause, Pocket, Posting};
use crate::trading::order::{Kind, Life, Order, Purpose, Side, Size, Status};
use crate::trading::report::{Expiry, Happened};

/// Kraken's name of an order or a trade: `O00000-00000-000042`.
pub(crate) fn name(letter: char, number: u64) -> String {
    let digits = format!("{number:016}");
    let (first, rest) = digits.split_at(5);
    let (second, third) = rest.split_at(5);
    format!("{letter}{first}-{second}-{third}")
}

/// The number of an order by its name.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_prefix('O')?.replace('-', "").parse().ok()
}

pub(crate) fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub(crate) fn kind(order: &Order) -> &'static str {
    let purpose = order.terms.trigger.map(|trigger| trigger.purpose);
    match (order.terms.kind, purpose) {
        (Kind::Market { .. }, None) => "market",
        (Kind::Market { .. }, Some(Purpose::StopLoss)) => "stop-loss",
        (Kind::Market { .. }, Some(Purpose::TakeProfit)) => "take-profit",
        (Kind::PostOnly { .. }, _) | (Kind::Limit { .. }, None) => "limit",
        (Kind::Limit { .. }, Some(Purpose::StopLoss)) => "stop-loss-limit",
        (Kind::Limit { .. }, Some(Purpose::TakeProfit)) => "take-profit-limit",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::New => "new",
        Status::PartiallyFilled => "partially_filled",
        Status::Filled => "filled",
        Status::Canceled | Status::ExpiredInMatch => "canceled",
        Status::Expired => "expired",
    }
}

fn life(order: &Order) -> &'static str {
    match order.terms.kind {
        Kind::Limit { life: Life::Ioc, .. } => "IOC",
        Kind::Limit { life: Life::Fok, .. } => "FOK",
        Kind::Limit { life: Life::Gtc, .. } | Kind::PostOnly { .. } | Kind::Market { .. } => "GTC",
    }
}

/// The data of the channel `executions` for what happened: none, one, or two of them.
pub(crate) fn reports(instrument: &Instrument, order: &Order, happened: &Happened) -> Vec<String> {
    let of = |exec: &str, status: &str| report(instrument, order, exec, status, "");
    let ended = |exec: &str, status: &str, reason: &str| {
        vec![report(instrument, order, exec, status, &format!(",\"reason\":\"{reason}\""))]
    };
    match happened {
        Happened::Accepted => vec![of("pending_new", "pending_new"), of("new", "new")],
        // That its trigger was touched is no state of an order.
        Happened::Woke => vec![of("status", "new")],
        Happened::Traded(fill) => {
            // Whether it was the last is told by itself.
            let part = trade(instrument, fill);
            let traded = report(instrument, order, "trade", "partially_filled", &part);
            let filled = (order.status == Status::Filled).then(|| of("filled", "filled"));
            std::iter::once(traded).chain(filled).collect()
        }
        Happened::Canceled { .. } => ended("canceled", "canceled", "User requested"),
        Happened::Expired(Expiry::SelfTrade) => ended("canceled", "canceled", "Self trade prevention"),
        Happened::Expired(Expiry::Delisted) => ended("canceled", "canceled", "Market suspended"),
        Happened::Expired(Expiry::Balance) => ended("canceled", "canceled", "Insufficient funds"),
        Happened::Expired(Expiry::Life | Expiry::Liquidity) => ended("expired", "expired", "Expired"),
    }
}

/// The data of an open order in the first message of the channel.
pub(crate) fn open(instrument: &Instrument, order: &Order) -> String {
    report(instrument, order, status(order.status), status(order.status), "")
}

fn report(instrument: &Instrument, order: &Order, exec: &str, status: &str, more: &str) -> String {
    let average =
        order.filled_quote.divided_by(Amount::of_quantity(order.filled, instrument.quantity_decimals));
    let price = order.terms.limit().map(|price| format!(",\"limit_price\":{}", instrument.price(price)));
    let trigger = order.terms.trigger.map(|trigger| {
        format!(",\"triggers\":{{\"reference\":\"last\",\"price\":{}}}", instrument.price(trigger.price))
    });
    let money = match order.terms.kind {
        Kind::Market { size: Size::Quote(amount) } => format!(",\"cash_order_qty\":{amount}"),
        Kind::Market { size: Size::Base(_) } | Kind::Limit { .. } | Kind::PostOnly { .. } => String::new(),
    };
    format!(
        "{{\"order_id\":\"{}\",\"cl_ord_id\":\"{}\",\"symbol\":\"{}\",\"exec_type\":\"{exec}\",\"order_status\":\"{status}\",\
         \"side\":\"{}\",\"order_type\":\"{}\",\"order_qty\":{}{money}{}{},\"time_in_force\":\"{}\",\"cum_qty\":{},\
         \"cum_cost\":{},\"avg_price\":{average},\"timestamp\":\"{}\"{more}}}",
        name('O', order.id),
        order.client_id,
        instrument.slashed(),
        side(order.terms.side),
        kind(order),
        instrument.quantity(order.quantity),
        price.unwrap_or_default(),
        trigger.unwrap_or_default(),
        life(order),
        instrument.quantity(order.filled),
        order.filled_quote,
        rfc3339(order.updated_ns),
    )
}

fn trade(instrument: &Instrument, fill: &Fill) -> String {
    let indicator = if fill.is_maker { "m" } else { "t" };
    format!(
        ",\"exec_id\":\"{}\",\"trade_id\":{},\"last_qty\":{},\"last_price\":{},\"liquidity_ind\":\"{indicator}\",\
         \"cost\":{},\"fees\":[{{\"asset\":\"{}\",\"qty\":{}}}]",
        name('T', fill.id),
        fill.id,
        instrument.quantity(fill.quantity),
        instrument.price(fill.price),
        fill.quote,
        fill.fee_asset,
        fill.fee,
    )
}

/// The data of the channel `balances` for an asset of which something came or went; nothing where it was only held.
pub(crate) fn ledger(
    asset: &str,
    balance: Balance,
    posted: &[Posting],
    number: u64,
    time_ns: i64,
) -> Option<String> {
    let mut sums = [Amount::ZERO; 2];
    let mut cause = None;
    for posting in posted.iter().filter(|posting| *posting.asset == *asset) {
        let sign = match (posting.from, posting.to) {
            (Pocket::Venue, _) => posting.amount,
            (_, Pocket::Venue) => -posting.amount,
            (Pocket::Free | Pocket::Locked, Pocket::Free | Pocket::Locked) => continue,
        };
        // A fee is told above zero, beside the amount.
        if posting.cause == Cause::Fee {
            sums[1] -= sign;
        } else {
            sums[0] += sign;
        }
        cause = cause.or(Some(posting.cause));
    }
    let kind = match cause? {
        Cause::Opening | Cause::External if sums[0].is_negative() => "withdrawal",
        Cause::Opening | Cause::External => "deposit",
        Cause::Held | Cause::Released | Cause::Traded | Cause::Fee => "trade",
    };
    Some(format!(
        "{{\"ledger_id\":\"{}\",\"ref_id\":\"{}\",\"timestamp\":\"{}\",\"type\":\"{kind}\",\"subtype\":\"\",\
         \"asset\":\"{asset}\",\"asset_class\":\"currency\",\"category\":\"{kind}\",\"wallet_type\":\"spot\",\
         \"wallet_id\":\"main\",\"amount\":{},\"fee\":{},\"balance\":{}}}",
        name('L', number),
        name('R', number),
        rfc3339(time_ns),
        sums[0],
        sums[1],
        balance.total(),
    ))
}

/// The data of an asset in the first message of the channel `balances`.
pub(crate) fn holding(asset: &str, balance: Balance) -> String {
    let total = balance.total();
    format!(
        "{{\"asset\":\"{asset}\",\"asset_class\":\"currency\",\"balance\":{total},\"wallets\":[{{\"type\":\"spot\",\
         \"id\":\"main\",\"balance\":{total}}}]}}"
    )
}
