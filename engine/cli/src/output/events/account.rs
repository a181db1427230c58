//! What was learned of an account at a real venue, in one sentence.

use engine_application::moment::moment_text;
use engine_core::asset::AssetAmount;
use engine_core::event::{AccountAcceptance, AccountDifference, AccountEvent, BalanceDifference};

/// What `event` says.
pub(super) fn account_line(event: &AccountEvent) -> String {
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
        AccountEvent::NeverPlaced(order) => format!("order {} never came to its venue", order.number()),
    }
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
