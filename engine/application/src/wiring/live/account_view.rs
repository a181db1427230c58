//! How books and venue stand, as far as whoever is not the run may see: from its state, or from the status beside it while it
//! goes on.

use engine_core::asset::Asset;
use engine_core::event::BalanceDifference;
use engine_core::num::{AMOUNT_DECIMALS, Amount, power_of_ten};
use engine_core::state::{AccountStanding, State};
use serde_json::{Value, json};

/// How books and venue stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// Whether they say the same.
    pub standing: AccountStanding,
    /// Where they differ, in the order of the assets' names.
    pub differences: Vec<BalanceDifference>,
    /// Numbers of the orders that went out and of which nobody knows whether they arrived.
    pub unanswered: Vec<u64>,
}

impl AccountView {
    /// By the state of a run; nothing where it has no account at a real venue.
    #[must_use]
    pub fn of_state(state: &State) -> Option<Self> {
        let books = state.account()?;
        let unanswered = state.unanswered().map(|order| order.number()).collect();
        Some(Self { standing: books.standing(), differences: books.differences().to_vec(), unanswered })
    }

    /// By the document that a status holds of it; nothing where it is none, or not all of it can be read.
    #[must_use]
    pub fn of_document(document: &Value) -> Option<Self> {
        let standing: AccountStanding = serde_json::from_value(document["standing"].clone()).ok()?;
        let differences =
            document["differences"].as_array()?.iter().map(difference_of).collect::<Option<_>>()?;
        let unanswered =
            document["unanswered_orders"].as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?;
        Some(Self { standing, differences, unanswered })
    }

    /// As a document, amounts with every digit.
    #[must_use]
    pub fn document(&self) -> Value {
        let difference = |one: &BalanceDifference| json!({ "asset": one.asset.name(), "ours": one.ours.to_string(), "venue": one.venue.to_string() });
        json!({
            "standing": self.standing,
            "differences": self.differences.iter().map(difference).collect::<Vec<_>>(),
            "unanswered_orders": self.unanswered,
        })
    }
}

fn difference_of(document: &Value) -> Option<BalanceDifference> {
    let amount = |name: &str| amount_of(document[name].as_str()?);
    Some(BalanceDifference {
        asset: Asset::new(document["asset"].as_str()?),
        ours: amount("ours")?,
        venue: amount("venue")?,
    })
}

/// The amount that `text` writes, exact; nothing for what is none, or does not fit. Books hold more digits than a venue may
/// write in one number.
fn amount_of(text: &str) -> Option<Amount> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let more = AMOUNT_DECIMALS.checked_sub(u8::try_from(part.len()).ok()?)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) {
        return None;
    }
    // The smallest amount has no positive of its size.
    let units = format!("{}{whole}{part}", if sign < 0 { "-" } else { "" }).parse::<i128>().ok()?;
    units.checked_mul(power_of_ten(more)?).map(Amount::from_units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_to_the_last_digit() {
        for units in [0, 1, -1, 10_i128.pow(18), -(10_i128.pow(17)), i128::MAX, i128::MIN, i128::MIN + 1] {
            let amount = Amount::from_units(units);
            assert_eq!(amount_of(&amount.to_string()), Some(amount), "{units}");
        }
        for wrong in ["", "-", ".5", "1.0000000000000000001", "1e3", "+1", "1.-5", "999999999999999999999999"]
        {
            assert_eq!(amount_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_view_is_read_back_from_its_document() {
        let difference = |asset: &str, ours, venue| BalanceDifference {
            asset: Asset::new(asset),
            ours: Amount::from_units(ours),
            venue: Amount::from_units(venue),
        };
        let view = AccountView {
            standing: AccountStanding::Differs,
            differences: vec![difference("BTC", 0, 1), difference("USDT", 250 * 10_i128.pow(18), -7)],
            unanswered: vec![3, 9],
        };
        assert_eq!(AccountView::of_document(&view.document()), Some(view));
        assert_eq!(AccountView::of_document(&Value::Null), None);
    }
}
