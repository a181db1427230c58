//! The names under which Kraken's REST interface tells pairs and assets, as the WebSocket spells them: `XXBTZUSD` and `XBTUSD` are
//! `BTC/USD` there, and `XXBT` and `ZUSD` are `BTC` and `USD`.

use std::collections::BTreeMap;

use super::rest_wire;
use crate::account_message::AccountMessage;
use crate::dialect::refusal::AnswerError;

/// What pairs and assets are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Symbols by every name of their pair.
    pub(super) pairs: BTreeMap<String, String>,
    /// Assets by their older names.
    pub(super) assets: BTreeMap<String, String>,
}

impl Names {
    /// The names of the pairs that the venue lists, and of what they exchange, as `GET AssetPairs` answers.
    ///
    /// # Errors
    /// [`AnswerError`] for a refusal, and for what cannot be read.
    pub(crate) fn read(body: &str) -> Result<Self, AnswerError> {
        rest_wire::names(body)
    }

    /// What REST said, in the names of the WebSocket; a name that no listed pair has stays as it is.
    pub(super) fn spell(&self, messages: &mut [AccountMessage]) {
        for message in messages {
            match message {
                AccountMessage::Order(report) => {
                    report.symbol.iter_mut().for_each(|symbol| spell(&self.pairs, symbol));
                }
                AccountMessage::Fill(fill) => spell(&self.pairs, &mut fill.symbol),
                AccountMessage::Snapshot(snapshot) => {
                    snapshot.balances.iter_mut().for_each(|held| spell(&self.assets, &mut held.asset));
                }
                AccountMessage::BalanceChange(_)
                | AccountMessage::Transfer(_)
                | AccountMessage::OrderList(_)
                | AccountMessage::Permissions(_)
                | AccountMessage::LoggedOn { .. }
                | AccountMessage::Subscribed { .. }
                | AccountMessage::OrdersListed { .. }
                | AccountMessage::SessionEnded { .. }
                | AccountMessage::ServerShutdown { .. }
                | AccountMessage::Sequence { .. }
                | AccountMessage::Heartbeat
                | AccountMessage::Unknown { .. } => {}
            }
        }
    }
}

fn spell(known: &BTreeMap<String, String>, name: &mut String) {
    if let Some(spelled) = known.get(name.as_str()) {
        name.clone_from(spelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account_message::{AccountSnapshot, Balance, OrderReport, OrderStatus};
    use crate::decimal::decimal;

    #[test]
    fn rest_names_are_spelled_as_streams_do() {
        let body = r#"{"error":[],"result":{
            "XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD"},
            "SOLUSD":{"altname":"SOLUSD","wsname":"SOL/USD","base":"SOL","quote":"ZUSD"},
            "odd":{"altname":7}}}"#;
        let names = Names::read(body).unwrap();
        let mut order = OrderReport::of("OA".to_owned(), OrderStatus::Working, "open");
        order.symbol = Some("XBTUSD".to_owned());
        let held =
            |asset: &str| Balance { asset: asset.to_owned(), free: decimal("1").unwrap(), locked: None };
        let balances = ["XXBT", "ZUSD", "SOL", "XBT.F"].map(held).to_vec();
        let mut said = [
            AccountMessage::Order(Box::new(order)),
            AccountMessage::Snapshot(AccountSnapshot { balances, may_trade: None, venue_at: None }),
        ];
        names.spell(&mut said);
        assert_eq!(said[0].as_order().unwrap().symbol.as_deref(), Some("BTC/USD"));
        let spelled: Vec<&str> =
            said[1].as_snapshot().unwrap().balances.iter().map(|held| held.asset.as_str()).collect();
        assert_eq!(spelled, ["BTC", "USD", "SOL", "XBT.F"]);
        assert_eq!(names.pairs["XXBTZUSD"], "BTC/USD");
        assert!(Names::read(r#"{"error":["EService:Unavailable"]}"#).is_err());
    }
}
