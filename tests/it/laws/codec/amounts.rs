//! Moments, prices, quantities and money of every size.

use engine_core::halt::TooLarge;
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::time::Timestamp;
use proptest::prelude::*;

use super::{instrument, order_id};

pub(super) fn at() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_nanos)
}

pub(super) fn price() -> impl Strategy<Value = Price> {
    any::<i64>().prop_map(Price::from_units)
}

pub(super) fn qty() -> impl Strategy<Value = Qty> {
    prop_oneof![any::<i64>().prop_map(Qty::from), any::<i128>().prop_map(Qty::from_units)]
}

pub(super) fn money() -> impl Strategy<Value = Money> {
    any::<i128>().prop_map(Money::from_units)
}

pub(super) fn ratio() -> impl Strategy<Value = Ratio> {
    any::<i64>().prop_map(Ratio::from_units)
}

pub(super) fn too_large() -> impl Strategy<Value = TooLarge> {
    prop_oneof![
        (instrument(), price()).prop_map(|(instrument, mark)| TooLarge::Position { instrument, mark }),
        (order_id(), price(), qty()).prop_map(|(order, price, qty)| TooLarge::Fill { order, price, qty }),
        (instrument(), qty()).prop_map(|(instrument, qty)| TooLarge::BarVolume { instrument, qty }),
        Just(TooLarge::Balance),
    ]
}
