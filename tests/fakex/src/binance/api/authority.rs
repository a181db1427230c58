//! Who asks: the key, the time and the signature of a request.

use serde_json::{Value, json};

use super::parameters::Parameters;
use super::refused::Refused;
use crate::decimal;
use crate::exchange::Exchange;
use crate::trading::credential::Permission;

/// How far a client's clock may be ahead.
const AHEAD_US: i64 = 1_000_000;
const WINDOW_US: u64 = 5_000_000;
const WINDOW_US_MAX: u64 = 60_000_000;

/// What a request says of who asks.
#[derive(Clone, Debug)]
pub(super) struct Claim<'a> {
    pub(super) parameters: &'a Parameters,
    /// The key that the request names.
    pub(super) key: Option<&'a str>,
    pub(super) signature: Option<&'a str>,
    /// What is signed.
    pub(super) payload: String,
    /// The key that the connection is logged on with.
    pub(super) session: Option<String>,
}

impl Claim<'_> {
    /// The key it is asked with.
    pub(super) fn name(&self) -> Option<&str> {
        self.key.or(self.session.as_deref())
    }
}

/// Checks key, time and signature, in this order.
pub(super) fn check(
    exchange: &Exchange,
    claim: &Claim<'_>,
    permission: Option<Permission>,
) -> Result<(), Refused> {
    let Some(permission) = permission else { return Ok(()) };
    let name = claim.name().ok_or_else(|| Refused::of_code(-2014))?;
    let credential = exchange.trading.as_ref().and_then(|trading| trading.credential(name));
    let credential = credential.filter(|credential| credential.may(permission));
    let credential = credential.ok_or_else(|| Refused::of_code(-2015))?;
    in_time(exchange, claim.parameters)?;
    if claim.key.is_none() && claim.signature.is_none() {
        return Ok(());
    }
    let signature = claim.signature.ok_or_else(|| Refused::missing("signature"))?;
    if credential.signed(claim.payload.as_bytes(), signature) { Ok(()) } else { Err(Refused::of_code(-1022)) }
}

/// What the key of a request may do.
pub(super) fn restrictions(exchange: &Exchange, claim: &Claim<'_>) -> Value {
    let credential = claim.name().and_then(|name| exchange.trading.as_ref()?.credential(name));
    let may = |permission| credential.is_some_and(|known| known.may(permission));
    json!({
        "ipRestrict": false, "createTime": 1_735_689_600_000_i64, "enableReading": may(Permission::Read),
        "enableSpotAndMarginTrading": may(Permission::Trade), "enableWithdrawals": may(Permission::Withdraw),
        "enableInternalTransfer": false, "permitsUniversalTransfer": false, "enableVanillaOptions": false,
        "enableFutures": false, "enableMargin": false, "enablePortfolioMarginTrading": false,
    })
}

/// `timestamp < now + 1 s`, and `now - timestamp <= recvWindow`, in microseconds of the venue's told time.
fn in_time(exchange: &Exchange, parameters: &Parameters) -> Result<(), Refused> {
    let timestamp_ns = parameters.time_ns("timestamp")?.ok_or_else(|| Refused::missing("timestamp"))?;
    let window_us = match parameters.text("recvWindow") {
        None => WINDOW_US,
        Some(text) => {
            let illegal = || Refused::illegal("recvWindow", "^[0-9]{1,5}(\\.[0-9]{1,3})?$");
            decimal::units(text, 3).ok_or_else(illegal)?
        }
    };
    if window_us > WINDOW_US_MAX {
        return Err(Refused::new(-1131, "recvWindow must be less than 60000."));
    }
    let (now_us, timestamp_us) = (exchange.told_ns() / 1_000, timestamp_ns / 1_000);
    if timestamp_us >= now_us + AHEAD_US {
        return Err(Refused::new(-1021, "Timestamp for this request was 1000ms ahead of the server's time."));
    }
    let window_us = i64::try_from(window_us).unwrap_or(i64::MAX);
    if now_us - timestamp_us > window_us {
        return Err(Refused::of_code(-1021));
    }
    Ok(())
}
