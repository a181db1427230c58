//! Prices that jump away and come back, judged by how the series moved before.

/// A price must move by at least this many times the usual move of the rows before it to be suspected.
pub const JUMP_SIGMAS: f64 = 10.0;

/// And by at least this share of itself, however still the market was.
pub const JUMP_SHARE_MIN: f64 = 0.1;

/// Moves that must be known before the usual one is.
const KNOWN_MOVES: u32 = 20;

/// What a move must be at least while the usual one is not known: half as much again, or a third less.
const UNKNOWN_RATIO: f64 = 1.5;

/// Rows within which an absurd price is gone again.
const RETURN_ROWS: u8 = 3;

/// Weight of the newest move in the usual one: about the last 64 of them count.
const NEWEST: f64 = 1.0 / 32.0;

/// Looks for absurd prices in a series of them.
///
/// A price is absurd when its logarithm moves by at least [`JUMP_SIGMAS`] deviations of the recent moves, and by
/// [`JUMP_SHARE_MIN`], and comes back at least three quarters of the way within three rows. A market that
/// really moves does not come back, or has moved so before.
#[derive(Debug, Clone, Default)]
pub(super) struct JumpWatch {
    last: f64,
    variance: f64,
    moves: u32,
    suspect: Option<Suspect>,
}

#[derive(Debug, Clone, Copy)]
struct Suspect {
    at: i64,
    before: f64,
    jump: f64,
    rows: u8,
}

impl JumpWatch {
    /// Takes in the price of the row at nanosecond `at`, `rows` intervals after the one before; answers the moment
    /// of the absurd price that it proves, if it does.
    #[inline]
    pub(super) fn take(&mut self, at: i64, price: f64, rows: f64) -> Option<i64> {
        let last = core::mem::replace(&mut self.last, price);
        if last <= 0.0 || price <= 0.0 {
            return None;
        }
        let moved = price / last - 1.0;
        let near = moved.abs() < JUMP_SHARE_MIN / 2.0;
        if near && self.suspect.is_none() {
            self.learn(moved);
            return None;
        }
        self.look(at, last, price, rows.max(1.0))
    }

    fn learn(&mut self, moved: f64) {
        let weight = if self.moves < 32 { 1.0 / f64::from(self.moves + 1) } else { NEWEST };
        self.variance += (moved * moved - self.variance) * weight;
        self.moves = self.moves.saturating_add(1);
    }

    #[cold]
    fn look(&mut self, at: i64, last: f64, price: f64, rows: f64) -> Option<i64> {
        if let Some(suspect) = &mut self.suspect {
            let away = libm::log(price / suspect.before).abs();
            if away * 4.0 <= suspect.jump.abs() {
                let found = suspect.at;
                self.suspect = None;
                return Some(found);
            }
            suspect.rows += 1;
            if suspect.rows >= RETURN_ROWS {
                self.suspect = None;
            }
        }
        let moved = libm::log(price / last);
        // Moves add up like chances: four intervals move twice as far as one.
        let usual = libm::sqrt(self.variance * rows);
        let least = libm::log(1.0 + JUMP_SHARE_MIN);
        let needed =
            if self.moves < KNOWN_MOVES { libm::log(UNKNOWN_RATIO) } else { least.max(JUMP_SIGMAS * usual) };
        if moved.abs() >= needed && self.suspect.is_none() {
            self.suspect = Some(Suspect { at, before: last, jump: moved, rows: 0 });
        }
        // One absurd price must not make the next one usual.
        self.learn(moved.clamp(-needed, needed));
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(prices: &[f64]) -> Vec<i64> {
        let mut watch = JumpWatch::default();
        let rows = prices.iter().enumerate();
        rows.filter_map(|(at, price)| watch.take(at as i64, *price, 1.0)).collect()
    }

    /// A market that moves by `share` up and down for a while, then goes through `then`.
    fn after(share: f64, then: &[f64]) -> Vec<i64> {
        let mut prices: Vec<f64> = (0..50).map(|row| 100.0 * (1.0 + share * f64::from(row % 2))).collect();
        prices.extend(then);
        found(&prices)
    }

    #[test]
    fn a_lone_price_far_off_is_absurd() {
        assert_eq!(after(0.001, &[112.0, 100.1, 100.0]), [50]);
        assert_eq!(after(0.001, &[1.0, 1.0, 100.0]), [50]);
        assert_eq!(found(&[100.0, 160.0, 101.0, 100.0]), [1]);
    }

    #[test]
    fn a_market_that_moves_is_not() {
        // It stays where it went.
        assert!(after(0.001, &[140.0, 141.0, 139.0, 140.0, 100.0]).is_empty());
        // It comes back, but it has moved by four per cent a day before.
        assert!(after(0.04, &[125.0, 101.0, 100.0]).is_empty());
        assert!(found(&[100.0, 145.0, 100.0]).is_empty());
        assert!(found(&[100.0, 0.0, 100.0]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn one_absurd_price_is_found_where_it_stands_and_nothing_else(
            moves in prop::collection::vec(-0.01_f64..0.01, 60..200), place in 30_usize..58, factor in 1.5_f64..50.0, up in any::<bool>(),
        ) {
            let mut prices = vec![100.0];
            for moved in &moves {
                let last = prices.last().copied().unwrap_or(100.0);
                prices.push(last * (1.0 + moved));
            }
            prop_assert!(found(&prices).is_empty());
            prices[place] *= if up { factor } else { 1.0 / factor };
            prop_assert_eq!(found(&prices), [place as i64]);
        }
    }
}
