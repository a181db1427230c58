//! What was learned of an account at a real venue, in one sentence.

use engine_application::moment::moment_text;
use engine_core::asset::AssetAmount;
use engine_core::event::{
    AccountAcceptance, AccountDifference, AccountEvent, BalanceDifference, ForeignOrder, ForeignOrders,
};
use engine_core::market::Side;

use super::Numbers;

/// What `event` says.
pub(super) fn account_line(numbers: &Numbers<'_>, event: &AccountEvent) -> String {
    match event {
        AccountEvent::Begun(beginning) => {
            let pair = |pair: &engine_core::asset::AssetPair| format!("{} for {}", pair.base, pair.quote);
            let pairs: Vec<String> = beginning.pairs.iter().map(pair).collect();
            format!(
                "the account is taken up for the {}. time: {}",
                beginning.epoch.number(),
                pairs.join(", ")
            )
        }
        AccountEvent::Stated(statement) if statement.balances.is_empty() => {
            "the venue says that the account is empty".to_owned()
        }
        AccountEvent::Stated(statement) => {
            let held: Vec<String> = statement.balances.iter().map(amount).collect();
            format!("the venue says that the account holds {}", held.join(", "))
        }
        AccountEvent::Charged(charged) => {
            format!("order {}: its trade is charged {}", charged.order.number(), amount(&charged.charge))
        }
        AccountEvent::Moved(transfer) => format!("{}: {}", amount(&transfer.moved), transfer.words),
        AccountEvent::Traded(foreign) => {
            let moved: Vec<String> = foreign.moved.iter().map(amount).collect();
            format!("an order that is not of this run, {}, has traded: {}", foreign.order, moved.join(", "))
        }
        AccountEvent::Accepted(acceptance) => {
            let AccountAcceptance { by, reason, differences } = acceptance;
            format!("{by} accepts what the venue says ({reason}): {}", differences_line(differences))
        }
        AccountEvent::Sent(sent) => format!("order {} went out", sent.order.number()),
        AccountEvent::Unanswered(order) => {
            format!("order {} went out, and no answer says whether it arrived", order.number())
        }
        AccountEvent::Named(named) => {
            format!("order {} is {} at its venue", named.order.number(), named.name)
        }
        AccountEvent::Explained(said) => format!("order {}: {}", said.order.number(), said.words),
        AccountEvent::Paused(pause) => {
            format!("the venue wants to be asked nothing until {}: {}", moment_text(pause.until), pause.words)
        }
        AccountEvent::Foreign(listed) => foreign_line(numbers, listed),
        AccountEvent::NeverPlaced(order) => format!("order {} never came to its venue", order.number()),
    }
}

fn foreign_line(numbers: &Numbers<'_>, listed: &ForeignOrders) -> String {
    let market = listed.instrument;
    let symbol = numbers.symbol(market);
    if listed.orders.is_empty() {
        return format!("{symbol}: no order works that is not of this run");
    }
    let one = |order: &ForeignOrder| {
        let side = match order.side {
            Side::Buy => "buys",
            Side::Sell => "sells",
        };
        let at =
            order.price.map_or_else(String::new, |price| format!(" at {}", numbers.price(market, price)));
        format!("{} {side} {}{at}", order.name, numbers.qty(market, order.left))
    };
    let orders: Vec<String> = listed.orders.iter().map(one).collect();
    format!("{symbol}: orders work that are not of this run: {}", orders.join(", "))
}

/// Where books and venue differ, in words.
pub(super) fn difference_line(difference: &AccountDifference) -> String {
    differences_line(&difference.assets)
}

fn differences_line(assets: &[BalanceDifference]) -> String {
    let assets = assets.iter();
    let differs: Vec<String> =
        assets.map(|d| format!("{}: {} by our books, {} by the venue", d.asset, d.ours, d.venue)).collect();
    differs.join("; ")
}

fn amount(held: &AssetAmount) -> String {
    format!("{} {}", held.amount, held.asset)
}
