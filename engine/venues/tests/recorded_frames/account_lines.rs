//! What a venue says of orders and an account, in one line each, to be compared.

use engine_venues::account_message::{AccountMessage, Balance, Fee, OrderReport, VenueFill};
use engine_venues::order_answer::OrderAnswer;
use engine_venues::outcome::Outcome;

fn fill(fill: &VenueFill) -> String {
    let asset = |fee: &Fee| fee.asset.clone().unwrap_or_else(|| "?".to_owned());
    let fees: Vec<String> = fill.fees.iter().map(|fee| format!("{} {}", fee.amount, asset(fee))).collect();
    let liquidity = fill.liquidity.map(|side| format!("{side:?}")).unwrap_or_default();
    format!("{} {} at {} for {} {liquidity}", fill.trade_id, fill.qty, fill.price, fees.join(" and "))
}

fn order(report: &OrderReport) -> String {
    let OrderReport { client_id, order_id, symbol, status, status_word, filled_qty, reason, .. } = report;
    let filled = filled_qty.map(|qty| qty.to_string()).unwrap_or_default();
    let (client_id, symbol) = (client_id.as_deref().unwrap_or("-"), symbol.as_deref().unwrap_or("-"));
    let mut line = format!("{client_id} {order_id} {symbol} {status:?}({status_word}) {filled}");
    if let Some(last) = &report.last_fill {
        line.push_str(&format!(": {}", fill(last)));
    }
    if let Some(reason) = reason {
        line.push_str(&format!(": {reason}"));
    }
    line
}

fn balances(balances: &[Balance]) -> String {
    let line = |balance: &Balance| {
        let locked = balance.locked.map(|locked| format!("+{locked}")).unwrap_or_default();
        format!("{} {}{locked}", balance.asset, balance.free)
    };
    balances.iter().map(line).collect::<Vec<_>>().join(", ")
}

/// One message in one line.
pub(crate) fn line(message: &AccountMessage) -> String {
    match message {
        AccountMessage::Order(report) => format!("order {}", order(report)),
        AccountMessage::Fill(report) => {
            format!("{:?} {} of {}: {}", report.side, report.symbol, report.order_id, fill(&report.fill))
        }
        AccountMessage::BalanceChange(change) => format!("changed {}", balances(&change.balances)),
        AccountMessage::Snapshot(snapshot) => format!("holds {}", balances(&snapshot.balances)),
        AccountMessage::Transfer(transfer) => {
            format!("transfer {} {} {:?}", transfer.amount, transfer.asset, transfer.kind)
        }
        AccountMessage::OrderList(list) => {
            format!("list {} {} {}", list.list_id, list.status_word, list.order_ids.join(","))
        }
        AccountMessage::Permissions(permissions) => format!("{permissions:?}"),
        AccountMessage::LoggedOn { .. } => "logged on".to_owned(),
        AccountMessage::Subscribed { subscription } => format!("subscribed {subscription}"),
        AccountMessage::OrdersListed { is_complete } => format!("listed, complete {is_complete}"),
        AccountMessage::SessionEnded { reason, .. } => format!("session ended: {reason}"),
        AccountMessage::ServerShutdown { .. } => "shutdown".to_owned(),
        AccountMessage::Sequence { number } => format!("sequence {number}"),
        AccountMessage::Heartbeat => "heartbeat".to_owned(),
        AccountMessage::Unknown { kind } => format!("unknown {kind}"),
    }
}

/// What an answer says; one that was not plainly answered by its outcome.
pub(crate) fn lines(answer: &OrderAnswer) -> Vec<String> {
    if answer.outcome != Outcome::Answered {
        return vec![format!("{:?}", answer.outcome)];
    }
    answer.messages.iter().map(line).collect()
}
