//! What a gap in the bars means to a window: how much of it is missing, and what its move is worth.

use super::usable_price::usable_price;

/// Whether a window of `bars` bars begins anew behind a gap of `missing`: more than half of it would be unknown.
#[must_use]
pub const fn breaks(missing: u32, bars: usize) -> bool {
    2 * missing as u64 > bars as u64
}

/// The log return from `log_close` to `open` across `missing` bars as one observation of a bar's size, and the
/// logarithm of `open`; `None` where `open` is no price of a market.
///
/// A random walk's deviation grows with √time. For one missing bar it is that bar's own return, wherever bars open
/// at the close before.
#[must_use]
pub fn move_across(log_close: f64, open: f64, missing: u32) -> Option<(f64, f64)> {
    let log_open = libm::log(usable_price(open)?);
    Some(((log_open - log_close) / f64::from(missing.max(1)).sqrt(), log_open))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_windows_shorter_than_twice_itself_and_moves_as_one_bar_does() {
        assert!(breaks(7, 13) && !breaks(6, 13) && !breaks(0, 1) && breaks(u32::MAX, 730));
        let (moved, log_open) = move_across(0.0, libm::exp(0.06), 9).unwrap();
        assert!((moved - 0.02).abs() < 1e-15 && (log_open - 0.06).abs() < 1e-15);
        assert_eq!(move_across(0.0, f64::NAN, 1), None);
    }
}
