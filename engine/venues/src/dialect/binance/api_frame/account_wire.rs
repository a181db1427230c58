//! What Binance answers about an account, a session and a key.

use serde::Deserialize;

use crate::account_message::{AccountMessage, AccountSnapshot, Balance, Permissions};
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar};
use crate::venue_time::TimeUnit;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account<'a> {
    #[serde(borrow)]
    balances: Option<Vec<BalanceRow<'a>>>,
    can_trade: Option<bool>,
    #[serde(borrow)]
    update_time: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct BalanceRow<'a> {
    #[serde(borrow)]
    asset: Option<Scalar<'a>>,
    #[serde(borrow)]
    free: Option<Scalar<'a>>,
    #[serde(borrow)]
    locked: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    #[serde(borrow)]
    server_time: Option<Scalar<'a>>,
    #[serde(borrow)]
    authorized_since: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription<'a> {
    #[serde(borrow)]
    subscription_id: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restrictions {
    enable_reading: Option<bool>,
    enable_spot_and_margin_trading: Option<bool>,
    enable_withdrawals: Option<bool>,
    enable_internal_transfer: Option<bool>,
    permits_universal_transfer: Option<bool>,
}

/// What the account holds.
pub(super) fn account(json: &str, unit: TimeUnit) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("account");
    let account: Account<'_> = fields.object(json)?;
    let rows = fields.given("balances", account.balances)?;
    let balance = |row: &BalanceRow<'_>| {
        Ok(Balance {
            asset: fields.text("asset", row.asset)?,
            free: fields.decimal("free", row.free)?,
            locked: Some(fields.decimal("locked", row.locked)?),
        })
    };
    Ok(vec![AccountMessage::Snapshot(AccountSnapshot {
        balances: rows.iter().map(balance).collect::<Result<_, FrameError>>()?,
        may_trade: account.can_trade,
        venue_at: account.update_time.map(|at| fields.moment("updateTime", Some(at), unit)).transpose()?,
    })])
}

/// The answer to a login: it holds only where a moment says since when.
pub(super) fn logged_on(json: &str, unit: TimeUnit) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("session");
    let session: Session<'_> = fields.object(json)?;
    fields.moment("authorizedSince", session.authorized_since, unit)?;
    let venue_at = session.server_time.map(|at| fields.moment("serverTime", Some(at), unit)).transpose()?;
    Ok(vec![AccountMessage::LoggedOn { venue_at }])
}

/// The answer to a subscription.
pub(super) fn subscribed(json: &str) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("subscription");
    let answer: Subscription<'_> = fields.object(json)?;
    let subscription = fields.id("subscriptionId", answer.subscription_id)?;
    Ok(vec![AccountMessage::Subscribed { subscription }])
}

/// What a key may do: of the ways to move assets out of the account one is enough.
pub(super) fn permissions(json: &str) -> Result<Vec<AccountMessage>, FrameError> {
    let key: Restrictions = Fields("permissions of a key").object(json)?;
    let ways = [key.enable_withdrawals, key.enable_internal_transfer, key.permits_universal_transfer];
    let may_withdraw = if ways.contains(&Some(true)) { Some(true) } else { key.enable_withdrawals };
    Ok(vec![AccountMessage::Permissions(Permissions {
        may_view: key.enable_reading,
        may_trade: key.enable_spot_and_margin_trading,
        may_withdraw,
    })])
}
