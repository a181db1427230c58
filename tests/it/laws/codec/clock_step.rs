//! Steps of the clock, of any size.

use engine_core::time::Span;

use super::*;

pub(super) fn clock_step() -> impl Strategy<Value = Input> {
    (any::<i64>(), any::<i64>()).prop_map(|(by, followed)| {
        Input::Clock(ClockStep { by: Span::from_nanos(by), followed: Span::from_nanos(followed) })
    })
}
