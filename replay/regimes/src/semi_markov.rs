//! A market whose regimes are known: what a detector can find at best where the truth is no matter of opinion.
//!
//! A semi-Markov chain: a regime lasts at least 5 bars and on average 32, 14, 17 and 16 (ranging, trending,
//! volatile, crisis), then another follows. Within it returns are Student t with five degrees of freedom, scaled
//! to a deviation of .85, .85, 1.75 and 2.2 times the usual one, around a drift of nothing, ±.33 (up six times in
//! ten), nothing and −.5 usual deviations a bar. What models.md leaves open is chosen so: bars beyond the fifth are
//! geometric, innovations are scaled to unit variance, the direction of a trend is drawn once for the whole of it,
//! the usual deviation is 3 % and the first regime is ranging.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use engine_core::time::{Span, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng as _;

use super::series::{BarSeries, BarSeriesError};
use replay_history::synth::RandomDraws;

const USUAL_DEVIATION: f64 = 0.03;
const BARS_MIN: usize = 5;
const FREEDOM: usize = 5;
const TREND_DRIFT: f64 = 0.33;
const TREND_UP: f64 = 0.6;
const CRISIS_DRIFT: f64 = -0.5;

/// Bars and the regime each was made in.
#[derive(Debug, Clone)]
pub struct SimulatedMarket {
    /// Daily bars of one price each.
    pub series: BarSeries,
    /// The regime of each bar.
    pub truth: Vec<Option<Regime>>,
}

/// What a regime of the simulation is like.
struct Behaviour {
    bars_mean: f64,
    deviation: f64,
    /// Chances of the regime that follows.
    next: [f64; 4],
}

const fn behaviour(regime: Regime) -> Behaviour {
    let (bars_mean, deviation, next) = match regime {
        Regime::Ranging => (32.0, 0.85, [0.0, 0.75, 0.18, 0.07]),
        Regime::Trending => (14.0, 0.85, [0.73, 0.0, 0.17, 0.10]),
        Regime::Volatile => (17.0, 1.75, [0.67, 0.14, 0.0, 0.19]),
        Regime::Crisis => (16.0, 2.2, [0.30, 0.0, 0.70, 0.0]),
    };
    Behaviour { bars_mean, deviation, next }
}

/// A market of `bars` daily bars from `seed`; equal seeds give equal bars.
///
/// # Errors
/// [`BarSeriesError`] when so many bars leave the range of moments or prices.
pub fn simulated_market(bars: usize, seed: u64) -> Result<SimulatedMarket, BarSeriesError> {
    let mut draws = RandomDraws::new(ChaCha8Rng::seed_from_u64(seed));
    let (mut candles, mut truth) = (Vec::with_capacity(bars), Vec::with_capacity(bars));
    let (mut regime, mut log_close) = (Regime::Ranging, libm::log(100.0));
    while truth.len() < bars {
        let Behaviour { bars_mean, deviation, next } = behaviour(regime);
        let drift = drift(regime, &mut draws);
        for _ in 0..lasting(bars_mean, &mut draws).min(bars - truth.len()) {
            log_close += USUAL_DEVIATION * (drift + deviation * student(&mut draws));
            let at = Timestamp::from_nanos((truth.len() as i64).saturating_mul(Span::DAY.nanos()));
            candles.push((at, Candle::at(libm::exp(log_close))));
            truth.push(Some(regime));
        }
        regime = chosen(next, draws.uniform());
    }
    Ok(SimulatedMarket { series: BarSeries::new(Span::DAY, candles)?, truth })
}

fn drift(regime: Regime, draws: &mut RandomDraws) -> f64 {
    match regime {
        Regime::Trending if draws.uniform() < TREND_UP => TREND_DRIFT,
        Regime::Trending => -TREND_DRIFT,
        Regime::Crisis => CRISIS_DRIFT,
        Regime::Ranging | Regime::Volatile => 0.0,
    }
}

/// Five bars and a geometric number more, `mean` in all on average.
fn lasting(mean: f64, draws: &mut RandomDraws) -> usize {
    let more = mean - BARS_MIN as f64;
    let stay = more / (more + 1.0);
    BARS_MIN + (libm::log(1.0 - draws.uniform()) / libm::log(stay)) as usize
}

/// Student t with five degrees of freedom, scaled to unit variance.
fn student(draws: &mut RandomDraws) -> f64 {
    let normal = draws.normal();
    let squares: f64 = (0..FREEDOM).map(|_| draws.normal()).map(|normal| normal * normal).sum();
    let freedom = FREEDOM as f64;
    normal / (squares / freedom).sqrt() * ((freedom - 2.0) / freedom).sqrt()
}

fn chosen(chances: [f64; 4], drawn: f64) -> Regime {
    let mut sum = 0.0;
    for (regime, chance) in Regime::ALL.into_iter().zip(chances) {
        sum += chance;
        if drawn < sum {
            return regime;
        }
    }
    Regime::Ranging
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_and_moves_are_as_long_and_as_large_as_stated() {
        let market = simulated_market(100_000, 11).unwrap();
        let closes = market.series.bars();
        for (regime, (bars, deviation)) in
            Regime::ALL.into_iter().zip([(32.0, 0.85), (14.0, 0.85), (17.0, 1.75), (16.0, 2.2)])
        {
            let runs = market.truth.chunk_by(|a, b| a == b).filter(|run| run[0] == Some(regime));
            let lengths: Vec<usize> = runs.map(<[_]>::len).collect();
            let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
            assert!((mean - bars).abs() < 0.05 * bars, "{regime:?} lasts {mean}");
            let within = lengths.iter().rev().skip(1).all(|length| *length >= BARS_MIN);
            assert!(within, "{regime:?}");
            let moves: Vec<f64> = (1..closes.len())
                .filter(|at| market.truth[*at] == Some(regime))
                .map(|at| libm::log(closes[at].close / closes[at - 1].close) / USUAL_DEVIATION)
                .collect();
            let mean = moves.iter().sum::<f64>() / moves.len() as f64;
            let variance = moves.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / moves.len() as f64;
            let trend = if regime == Regime::Trending { TREND_DRIFT * TREND_DRIFT * 0.96 } else { 0.0 };
            let expected = deviation * deviation + trend;
            assert!((variance / expected - 1.0).abs() < 0.1, "{regime:?} {variance} {expected}");
        }
    }

    #[test]
    fn a_seed_names_one_market() {
        let market = |seed| simulated_market(300, seed).unwrap();
        assert_eq!(market(1).series, market(1).series);
        assert_ne!(market(1).series, market(2).series);
        assert!(simulated_market(110_000, 1).is_err(), "three hundred years of days have no moments");
    }
}
