//! What was found wrong in the data of a venue, as JSON with human numbers.

use engine_core::event::{DataFault, DataFinding, NumberedTrade};
use engine_core::market::MarketUpdate;
use serde_json::{Value, json};

use super::market::{bar, update};
use super::numbers::{moment, ratio, word};
use super::order_instruments::OrderInstruments;

/// The document of a fault: the instrument, what was found, and what belongs to that.
pub(super) fn fault(orders: &OrderInstruments, fault: &DataFault) -> Value {
    let scale = orders.scale(fault.instrument);
    let more = match fault.finding {
        DataFinding::Crossed(quote) => update(orders, &MarketUpdate::Quote(quote)).1,
        DataFinding::Withheld(out) => {
            let mut document = numbered(orders, &out.what);
            if let Some(document) = document.as_object_mut() {
                document.insert("reference".into(), scale.price(out.reference).into());
                document.insert("collar".into(), ratio(out.collar).into());
            }
            document
        }
        DataFinding::Released(released) => {
            json!({ "first": released.first, "count": released.count, "by": word(released.by) })
        }
        DataFinding::Discarded(trade) => numbered(orders, &trade),
        DataFinding::Repeated(repeated) => {
            json!({ "first": repeated.first, "last": repeated.last, "count": repeated.count })
        }
        DataFinding::Missing(missing) => {
            json!({ "after": missing.after, "before": missing.before, "fate": word(missing.fate) })
        }
        DataFinding::Stale(silent) | DataFinding::Spoke(silent) => {
            json!({ "stream": word(silent.stream), "since": moment(silent.since) })
        }
        DataFinding::Conflated(quotes) => json!({ "count": quotes.count }),
        DataFinding::Contradicted(bars) => {
            json!({ "told": bar(orders, &bars.told), "built": bar(orders, &bars.built) })
        }
    };
    let mut document = json!({ "instrument": scale.name(), "finding": fault.finding.name() });
    if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
    document
}

fn numbered(orders: &OrderInstruments, trade: &NumberedTrade) -> Value {
    let (_, mut document) = update(orders, &MarketUpdate::Trade(trade.trade));
    if let Some(document) = document.as_object_mut() {
        document.insert("number".into(), trade.number.into());
    }
    document
}
