//! What a conductor should have known: how each sleeve does and how wild the market gets over the next bars.
//!
//! At bar t with horizon h, σ the volatility the book sizes by at t, r the simple returns and e a sleeve's exposure:
//!
//! - performance of a sleeve: `Σ_{j=1..h} (e_{t+j-1} · r_{t+j} − c · |e_{t+j-1} − e_{t+j-2}|) / (σ √h)`, the change
//!   at t itself left out because it was decided before; clipped to ± 3;
//! - volatility: `ln( sqrt(mean of squared log returns t+1..t+h) / σ )`, clipped to ± 2;
//! - chance: 1 if the mean of the trend families makes money over these bars, 0 if it loses, ½ if it does neither.

use crate::conductor::panel::Track;

/// Bars a target looks ahead.
pub const HORIZON: usize = 10;
/// Cost of a unit of turnover, as a share.
pub const COST: f64 = 0.0015;
/// The families whose mean decides the chance: the first sleeves.
pub const FAMILIES: usize = 4;
const PERFORMANCE_MAX: f64 = 3.0;
const VOLATILITY_MAX: f64 = 2.0;

/// One row a conductor can learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Place of the instrument in the panel.
    pub asset: usize,
    /// Place of the bar in its track.
    pub place: usize,
    /// When the bar closed, in nanoseconds since the epoch.
    pub at: i64,
    /// When the last bar of the targets closed.
    pub known_at: i64,
    /// Performance of each sleeve, then volatility, then chance.
    pub targets: Vec<f64>,
}

/// The rows of `track`: every bar with features whose next bars are all there.
#[must_use]
pub fn rows(asset: usize, track: &Track) -> Vec<Row> {
    let places = 0..track.moments.len().saturating_sub(HORIZON);
    places.filter_map(|place| row(asset, track, place)).collect()
}

fn row(asset: usize, track: &Track, place: usize) -> Option<Row> {
    let ahead = track.moments.get(place..=place + HORIZON)?;
    let (now, last) = (ahead.first()?, ahead.last()?);
    now.observation.as_ref()?;
    let unbroken = last.run == now.run + HORIZON;
    if !unbroken || now.volatility <= 0.0 {
        return None;
    }
    let scale = now.volatility * (HORIZON as f64).sqrt();
    let mut targets = Vec::with_capacity(now.exposures.len() + 2);
    let mut money = 0.0;
    for sleeve in 0..now.exposures.len() {
        let mut earned = 0.0;
        for pair in ahead.windows(2) {
            let (from, to) = (&pair[0], &pair[1]);
            earned += from.exposures[sleeve] * (to.close / from.close - 1.0);
            // The change at the last bar is paid for the bars after it.
            earned -= if to.at < last.at {
                COST * (to.exposures[sleeve] - from.exposures[sleeve]).abs()
            } else {
                0.0
            };
        }
        money += if sleeve < FAMILIES { earned } else { 0.0 };
        targets.push((earned / scale).clamp(-PERFORMANCE_MAX, PERFORMANCE_MAX));
    }
    let squares = ahead.windows(2).map(|pair| {
        let moved = libm::log(pair[1].close / pair[0].close);
        moved * moved
    });
    let realised = (squares.sum::<f64>() / HORIZON as f64).sqrt().max(1e-12);
    targets.push(libm::log(realised / now.volatility).clamp(-VOLATILITY_MAX, VOLATILITY_MAX));
    targets.push(if money > 0.0 {
        1.0
    } else if money < 0.0 {
        0.0
    } else {
        0.5
    });
    Some(Row { asset, place, at: now.at, known_at: last.at, targets })
}

#[cfg(test)]
mod tests {
    use engine_core::regime::Regime;

    use super::*;
    use crate::conductor::panel::{Moment, Observation};

    fn track(closes: &[f64], exposures: &[f64]) -> Track {
        let moment = |(place, (close, exposure)): (usize, (&f64, &f64))| Moment {
            at: place as i64,
            close: *close,
            observation: Some(Observation { features: vec![0.0], regime: Regime::Ranging }),
            exposures: vec![*exposure],
            volatility: 0.02,
            run: place + 1,
        };
        Track { name: "a".into(), moments: closes.iter().zip(exposures).enumerate().map(moment).collect() }
    }

    #[test]
    fn targets_look_exactly_as_far_as_they_say() {
        let mut closes = vec![100.0; 12];
        closes[1] = 110.0;
        closes[2..].fill(110.0);
        let rows = rows(0, &track(&closes, &[1.0; 12]));
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].at, rows[0].known_at), (0, 10));
        // Ten percent in ten bars of two percent each: .1 / (.02 √10).
        assert!((rows[0].targets[0] - 0.1 / (0.02 * 10.0_f64.sqrt())).abs() < 1e-9);
        assert!((rows[0].targets[1] - libm::log(libm::log(1.1) / 10.0_f64.sqrt() / 0.02)).abs() < 1e-9);
        assert!((rows[0].targets[2] - 1.0).abs() < 1e-12);
        // From the second bar on nothing moves: even money, and as quiet as the clip allows.
        assert!(rows[1].targets[0].abs() < 1e-12 && (rows[1].targets[2] - 0.5).abs() < 1e-12);
        assert!((rows[1].targets[1] + 2.0).abs() < 1e-12);
    }

    #[test]
    fn changing_sides_costs() {
        let mut exposures = vec![0.0; 11];
        exposures[5] = 1.0;
        let rows = rows(0, &track(&[100.0; 11], &exposures));
        let expected = -2.0 * COST / (0.02 * 10.0_f64.sqrt());
        assert!((rows[0].targets[0] - expected).abs() < 1e-12, "{}", rows[0].targets[0]);
        assert!(rows[0].targets[2].abs() < 1e-12);
    }

    #[test]
    fn a_gap_ahead_leaves_no_target() {
        let mut broken = track(&[100.0; 12], &[1.0; 12]);
        broken.moments[6..].iter_mut().for_each(|moment| moment.run -= 6);
        assert!(rows(0, &broken).is_empty());
    }
}
