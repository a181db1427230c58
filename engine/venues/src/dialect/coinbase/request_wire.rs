//! The bodies of Coinbase's private requests, and the messages that subscribe to what happens to an account.

use engine_core::market::Side;

use crate::dialect::wire::JsonObject;
use crate::order_request::NewOrder;

/// A new order with the configuration `name`; `posts` is whether it only posts, where the configuration says so.
pub(super) fn place(
    order: &NewOrder,
    name: &str,
    fields: &[(&'static str, String)],
    posts: Option<bool>,
) -> String {
    let side = match order.side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    };
    let texts = fields.iter();
    let mut of_kind = texts.fold(JsonObject::default(), |object, (name, text)| object.with_text(name, text));
    if let Some(posts) = posts {
        of_kind = of_kind.with_flag("post_only", posts);
    }
    let configuration = JsonObject::default().with_json(name, &of_kind.json());
    JsonObject::default()
        .with_text("client_order_id", &order.client_id)
        .with_text("product_id", &order.symbol)
        .with_text("side", side)
        .with_json("order_configuration", &configuration.json())
        .json()
}

/// The end of the orders that the venue calls `ids`.
pub(super) fn cancel(ids: &[&str]) -> String {
    JsonObject::default().with_texts("order_ids", ids).json()
}

/// A subscription to `channel` of all products.
pub(super) fn subscribe(channel: &str, token: &str) -> String {
    let subscribe = JsonObject::default().with_text("type", "subscribe").with_text("channel", channel);
    subscribe.with_text("jwt", token).json()
}
