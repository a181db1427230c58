//! What was found wrong in the data of a venue, in one sentence.

use engine_application::moment::moment_text;
use engine_core::event::{Confirmation, DataFault, DataFinding, HoleFate, NumberedTrade, StreamKind};
use strategies::settings::ratio_text;

use super::Numbers;

impl Numbers<'_> {
    pub(super) fn fault_line(&self, fault: &DataFault) -> String {
        let id = fault.instrument;
        let words = match fault.finding {
            DataFinding::Crossed(quote) => {
                format!(
                    "a quote is crossed: bid {}, ask {}",
                    self.price(id, quote.bid),
                    self.price(id, quote.ask)
                )
            }
            DataFinding::Withheld(out) => format!(
                "{} waits: farther than {} from {}",
                self.numbered(&out.what),
                ratio_text(out.collar),
                self.price(id, out.reference)
            ),
            DataFinding::Released(released) => format!(
                "{} from number {} on: {}",
                counted(u64::from(released.count), "trade is told", "trades are told"),
                released.first,
                match released.by {
                    Confirmation::Trades => "three more said the same",
                    Confirmation::Quote => "a quote said the same",
                }
            ),
            DataFinding::Discarded(trade) => {
                format!("{} is not told: nothing confirmed it", self.numbered(&trade))
            }
            DataFinding::Repeated(repeated) => format!(
                "{} again, or too late: numbers {} to {}",
                counted(repeated.count, "trade came", "trades came"),
                repeated.first,
                repeated.last
            ),
            DataFinding::Missing(missing) => {
                let after = missing.after.map_or_else(String::new, |after| format!("behind {after} and "));
                let fate = match missing.fate {
                    HoleFate::Asked => "the venue is asked for them",
                    HoleFate::Stays => "they stay missing",
                };
                format!("trades {after}before {} are missing: {fate}", missing.before)
            }
            DataFinding::Stale(silent) => {
                format!(
                    "no {} since {}: the stream is stale",
                    stream_word(silent.stream),
                    moment_text(silent.since)
                )
            }
            DataFinding::Spoke(silent) => format!(
                "{} come again, the first since {}",
                stream_word(silent.stream),
                moment_text(silent.since)
            ),
            DataFinding::Conflated(quotes) => format!(
                "{} passed over for newer ones: the loop fell behind",
                counted(quotes.count, "quote is", "quotes are")
            ),
            DataFinding::Contradicted(bars) => format!(
                "the venue's bar is not what its trades make: {} beside {}",
                self.bar_line(&bars.told),
                self.bar_line(&bars.built)
            ),
        };
        format!("{} {words}", self.symbol(id))
    }

    fn numbered(&self, trade: &NumberedTrade) -> String {
        let NumberedTrade { number, trade } = trade;
        let id = trade.instrument;
        format!("trade {number} of {} at {}", self.qty(id, trade.qty), self.price(id, trade.price))
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

const fn stream_word(stream: StreamKind) -> &'static str {
    match stream {
        StreamKind::Trades => "trades",
        StreamKind::Quotes => "quotes",
        StreamKind::Bars => "bars",
    }
}
