//! Orders and trades of ours in the answers of Binance.

use engine_core::fill::Liquidity;
use engine_core::market::Side;
use serde::Deserialize;

use crate::account_message::{AccountMessage, Fee, FillReport, OrderReport, OrderStatus, VenueFill};
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar, first_price, side_named};
use crate::venue_time::TimeUnit;

/// What answers about an order hold; the one to a new order has `fills`, the one to a cancel `origClientOrderId`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Order<'a> {
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    client_order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    orig_client_order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    stop_price: Option<Scalar<'a>>,
    #[serde(borrow)]
    orig_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    executed_qty: Option<Scalar<'a>>,
    // As the venue spells it.
    #[serde(borrow, rename = "cummulativeQuoteQty")]
    quote_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    transact_time: Option<Scalar<'a>>,
    #[serde(borrow)]
    update_time: Option<Scalar<'a>>,
    #[serde(borrow)]
    time: Option<Scalar<'a>>,
    #[serde(borrow)]
    expiry_reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    fills: Vec<Fill<'a>>,
    // Of a list of orders that belong together, its orders.
    #[serde(borrow)]
    order_reports: Vec<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fill<'a> {
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    commission: Option<Scalar<'a>>,
    #[serde(borrow)]
    commission_asset: Option<Scalar<'a>>,
    #[serde(borrow)]
    trade_id: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PastTrade<'a> {
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    commission: Option<Scalar<'a>>,
    #[serde(borrow)]
    commission_asset: Option<Scalar<'a>>,
    #[serde(borrow)]
    time: Option<Scalar<'a>>,
    is_buyer: Option<bool>,
    is_maker: Option<bool>,
}

/// What the venue's word for where an order stands means.
pub(super) fn status_of(word: &str) -> OrderStatus {
    match word {
        "PENDING_NEW" => OrderStatus::Pending,
        "NEW" => OrderStatus::Working,
        "PARTIALLY_FILLED" => OrderStatus::PartiallyFilled,
        "PENDING_CANCEL" => OrderStatus::CancelPending,
        "FILLED" => OrderStatus::Filled,
        "CANCELED" => OrderStatus::Cancelled,
        "REJECTED" => OrderStatus::Rejected,
        "EXPIRED" | "EXPIRED_IN_MATCH" => OrderStatus::Expired,
        _ => OrderStatus::Unknown,
    }
}

/// The text of an id that is there and not empty.
pub(super) fn named(id: Option<Scalar<'_>>) -> Option<String> {
    id.map(Scalar::to_text).filter(|text| !text.is_empty())
}

/// A commission, where there is one; zero of no asset is none.
pub(super) fn fees(
    fields: Fields,
    [amount_field, asset_field]: [&'static str; 2],
    amount: Option<Scalar<'_>>,
    asset: Option<Scalar<'_>>,
) -> Result<Vec<Fee>, FrameError> {
    if amount.is_none() && asset.is_none() {
        return Ok(Vec::new());
    }
    let amount = fields.signed(amount_field, amount)?;
    if amount.units == 0 {
        return Ok(Vec::new());
    }
    Ok(vec![Fee { amount, asset: Some(fields.text(asset_field, asset)?) }])
}

/// One order, and the trades it made on its arrival.
pub(super) fn order(json: &str, unit: TimeUnit) -> Result<Vec<AccountMessage>, FrameError> {
    let order: Order<'_> = Fields("order").object(json)?;
    messages(&order, unit)
}

/// Several orders, among them those that belong together in a list.
pub(super) fn orders(json: &str, unit: TimeUnit) -> Result<Vec<AccountMessage>, FrameError> {
    let rows: Vec<Scalar<'_>> = Fields("list of orders").any(json)?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let row: Order<'_> = Fields("order").object(row.json())?;
        if row.order_reports.is_empty() {
            all.extend(messages(&row, unit)?);
        }
        for report in &row.order_reports {
            all.extend(order(report.json(), unit)?);
        }
    }
    Ok(all)
}

fn messages(order: &Order<'_>, unit: TimeUnit) -> Result<Vec<AccountMessage>, FrameError> {
    let report = report(order, unit)?;
    if order.fills.is_empty() {
        return Ok(vec![AccountMessage::Order(Box::new(report))]);
    }
    let fields = Fields("order");
    let side = fields.side("side", order.side)?;
    let symbol = fields.text("symbol", order.symbol)?;
    let venue_at = fields.moment("transactTime", order.transact_time, unit)?;
    let mut all = Vec::with_capacity(order.fills.len() + 1);
    for fill in &order.fills {
        let fill = VenueFill {
            trade_id: fields.id("tradeId", fill.trade_id)?,
            price: fields.decimal("price", fill.price)?,
            qty: fields.decimal("qty", fill.qty)?,
            fees: fees(fields, ["commission", "commissionAsset"], fill.commission, fill.commission_asset)?,
            // What trades on its arrival takes.
            liquidity: Some(Liquidity::Taker),
        };
        let (order_id, symbol) = (report.order_id.clone(), symbol.clone());
        all.push(AccountMessage::Fill(FillReport { order_id, symbol, side, fill, venue_at }));
    }
    all.push(AccountMessage::Order(Box::new(report)));
    Ok(all)
}

fn report(order: &Order<'_>, unit: TimeUnit) -> Result<OrderReport, FrameError> {
    let fields = Fields("order");
    let number =
        |field, value: Option<Scalar<'_>>| value.map(|value| fields.decimal(field, Some(value))).transpose();
    // An answer that says no more than that the order was taken has no status.
    let status_word = order.status.map(Scalar::to_text).unwrap_or_default();
    let status = if order.status.is_some() { status_of(&status_word) } else { OrderStatus::Pending };
    let at = order.transact_time.or(order.update_time).or(order.time);
    Ok(OrderReport {
        client_id: named(order.orig_client_order_id).or_else(|| named(order.client_order_id)),
        symbol: Some(fields.text("symbol", order.symbol)?),
        side: order.side.and_then(|side| side_named(side.text())),
        qty: number("origQty", order.orig_qty)?,
        limit: first_price([number("price", order.price)?, number("stopPrice", order.stop_price)?]),
        filled_qty: number("executedQty", order.executed_qty)?,
        // Negative for orders of long ago, of which the venue does not know it.
        filled_quote: order
            .quote_qty
            .filter(|text| !text.text().starts_with('-'))
            .map(|text| fields.decimal("cummulativeQuoteQty", Some(text)))
            .transpose()?,
        reason: named(order.expiry_reason),
        venue_at: at.map(|at| fields.moment("time", Some(at), unit)).transpose()?,
        ..OrderReport::of(fields.id("orderId", order.order_id)?, status, &status_word)
    })
}

/// Trades of ours, oldest first.
pub(super) fn fills(json: &str, unit: TimeUnit) -> Result<Vec<AccountMessage>, FrameError> {
    let rows: Vec<PastTrade<'_>> = Fields("list of trades").any(json)?;
    rows.iter().map(|row| past_trade(row, unit).map(AccountMessage::Fill)).collect()
}

fn past_trade(row: &PastTrade<'_>, unit: TimeUnit) -> Result<FillReport, FrameError> {
    let fields = Fields("trade of ours");
    let is_buyer = fields.given("isBuyer", row.is_buyer)?;
    let fill = VenueFill {
        trade_id: fields.id("id", row.id)?,
        price: fields.decimal("price", row.price)?,
        qty: fields.decimal("qty", row.qty)?,
        fees: fees(fields, ["commission", "commissionAsset"], row.commission, row.commission_asset)?,
        liquidity: row.is_maker.map(|maker| if maker { Liquidity::Maker } else { Liquidity::Taker }),
    };
    Ok(FillReport {
        order_id: fields.id("orderId", row.order_id)?,
        symbol: fields.text("symbol", row.symbol)?,
        side: if is_buyer { Side::Buy } else { Side::Sell },
        fill,
        venue_at: fields.moment("time", row.time, unit)?,
    })
}
