//! When and why trading stands still, in words.

use engine_core::halt::HaltReason;
use engine_core::halt::TooLarge;
use engine_core::num::Money;
use engine_core::time::Timestamp;

use crate::amount::money;
use crate::moment::moment_text;

/// What does not fit, in words; prices and quantities are in smallest units.
fn too_large_words(what: &TooLarge) -> String {
    match what {
        TooLarge::Position { instrument, mark } => format!(
            "the position in instrument {} at a price of {} units does not fit in 128 bits",
            instrument.index(),
            mark.units()
        ),
        TooLarge::Fill { order, price, qty } => format!(
            "the fill of order {}, {} units at a price of {} units, does not fit in 128 bits and is not booked",
            order.number(),
            qty.units(),
            price.units()
        ),
        TooLarge::BarVolume { instrument, qty } => format!(
            "the bar volume of instrument {} with a trade of {} units does not fit in 128 bits",
            instrument.index(),
            qty.units()
        ),
        TooLarge::Balance => {
            "a balance of the account does not fit in 128 bits; what moved it is not booked".to_owned()
        }
    }
}

/// When and why trading first stopped before the data ended; the first thing to know about such a run.
#[must_use]
pub fn halted_words(halts: &[(Timestamp, HaltReason)]) -> Option<String> {
    let (at, reason) = halts.first()?;
    let (at, why) = (moment_text(*at), halt_words(reason));
    Some(format!("HALTED at {at}: {why}; what follows it was not traded"))
}

/// The mark of a halted run in a table: when it was halted, or a dash.
#[must_use]
pub fn halted_mark(halts: &[(Timestamp, HaltReason)]) -> String {
    halts.first().map_or("-".to_owned(), |(at, _)| moment_text(*at))
}

/// Why trading stands still, in words.
#[must_use]
pub fn halt_words(reason: &HaltReason) -> String {
    match reason {
        HaltReason::Drawdown(breach) => format!(
            "equity {} fell to the drawdown limit {}",
            money(Money::from_units(breach.observed)),
            money(Money::from_units(breach.limit))
        ),
        HaltReason::Operator => "an operator said so".to_owned(),
        HaltReason::ImpossibleReport(order) => {
            format!("the venue reported something impossible about order {}", order.number())
        }
        HaltReason::AmountTooLarge(what) => too_large_words(what),
    }
}
