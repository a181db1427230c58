//! Why trading stands still, in words.

use engine_core::halt::HaltReason;
use engine_core::halt::TooLarge;
use engine_core::num::Money;

use crate::amount::money;

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
    }
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
