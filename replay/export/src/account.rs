//! What was learned of an account at a real venue, as JSON with human numbers.

use engine_core::asset::AssetAmount;
use engine_core::event::{
    AccountDifference, AccountEvent, AssetTransfer, BalanceDifference, FeeCharge, ForeignOrder, ForeignOrders,
};
use serde_json::{Value, json};

use super::numbers::{moment, word};
use super::order_instruments::OrderInstruments;

/// The document of an event of the account.
pub(super) fn account(instruments: &OrderInstruments, event: &AccountEvent) -> Value {
    match event {
        AccountEvent::Begun(beginning) => {
            let pairs = beginning.pairs.iter();
            let pairs: Vec<Value> =
                pairs.map(|pair| json!({ "base": pair.base.name(), "quote": pair.quote.name() })).collect();
            json!({ "epoch": beginning.epoch.number(), "pairs": pairs })
        }
        AccountEvent::Stated(statement) => {
            let balances: Vec<Value> = statement.balances.iter().map(amount).collect();
            json!({ "venue_at": moment(statement.venue_at), "balances": balances })
        }
        AccountEvent::Charged(FeeCharge { order, trade, charge }) => {
            json!({ "order": order.number(), "trade": trade.number().to_string(), "charge": amount(charge) })
        }
        AccountEvent::Moved(AssetTransfer { venue_at, moved, words }) => {
            json!({ "venue_at": moment(*venue_at), "moved": amount(moved), "words": words })
        }
        AccountEvent::Traded(foreign) => {
            let moved: Vec<Value> = foreign.moved.iter().map(amount).collect();
            json!({
                "order": foreign.order, "trade": foreign.trade.number().to_string(),
                "venue_at": moment(foreign.venue_at), "moved": moved,
            })
        }
        AccountEvent::Accepted(acceptance) => json!({
            "by": acceptance.by, "reason": acceptance.reason,
            "differences": balances(&acceptance.differences),
        }),
        AccountEvent::Foreign(listed) => foreign_orders(instruments, listed),
        AccountEvent::Paused(pause) => json!({ "until": moment(pause.until), "words": pause.words }),
        AccountEvent::Sent(sent) => {
            json!({ "order": sent.order.number(), "wire_at": moment(sent.wire_at) })
        }
        AccountEvent::Named(named) => json!({ "order": named.order.number(), "name": named.name }),
        AccountEvent::Explained(said) => json!({ "order": said.order.number(), "words": said.words }),
        AccountEvent::Unanswered(order) | AccountEvent::NeverPlaced(order) => {
            json!({ "order": order.number() })
        }
    }
}

fn foreign_orders(instruments: &OrderInstruments, listed: &ForeignOrders) -> Value {
    let scale = instruments.scale(listed.instrument);
    let one = |order: &ForeignOrder| {
        json!({
            "order": order.name, "side": word(order.side),
            "price": order.price.map(|price| scale.price(price)), "left": scale.qty(order.left),
        })
    };
    let orders: Vec<Value> = listed.orders.iter().map(one).collect();
    json!({ "instrument": scale.name(), "orders": orders })
}

/// The document of a difference between books and venue.
pub(super) fn difference(difference: &AccountDifference) -> Value {
    json!({ "assets": balances(&difference.assets) })
}

fn balances(differences: &[BalanceDifference]) -> Vec<Value> {
    let one = |d: &BalanceDifference| json!({ "asset": d.asset.name(), "ours": d.ours.to_string(), "venue": d.venue.to_string() });
    differences.iter().map(one).collect()
}

fn amount(held: &AssetAmount) -> Value {
    json!({ "asset": held.asset.name(), "amount": held.amount.to_string() })
}
