//! How good probabilities were: what was held likely against what came.

use engine_core::regime::RegimeReading;
use serde::Serialize;

use super::trial::Trial;

/// Bins of equal width in which confidence is compared with accuracy.
const BINS: usize = 10;

/// A probability of what came is not taken for less, so that one certain error does not cost infinitely much.
const LEAST_PROBABILITY: f64 = 1e-12;

/// How good the posteriors of readings were.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// Bars that count.
    pub bars: usize,
    /// Share of bars whose likeliest regime was right.
    pub accuracy: f64,
    /// Mean over bars of Σ (p − hit)² over the four regimes, from 0 to 2 (Brier 1950).
    pub brier: f64,
    /// The Brier score of the shares of the labels, known in advance: what knowing nothing of the bar costs.
    pub brier_of_shares: f64,
    /// Mean of −ln p of what came.
    pub log_loss: f64,
    /// Expected calibration error: mean distance of the likeliest regime's probability from its accuracy, over
    /// ten bins weighed by their bars (Naeini et al. 2015).
    pub expected_calibration_error: f64,
    /// Accuracy where the likeliest regime has at least the given probability, with the share of such bars.
    pub selective: [Selective; 3],
}

/// Accuracy among confident bars only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Selective {
    /// The likeliest regime has more than this probability.
    pub above: f64,
    /// Share of such bars that were right.
    pub accuracy: f64,
    /// Share of such bars among all.
    pub coverage: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    bars: f64,
    right: f64,
    confidence: f64,
}

impl Bin {
    fn add(&mut self, confidence: f64, right: bool) {
        self.bars += 1.0;
        self.right += f64::from(u8::from(right));
        self.confidence += confidence;
    }
}

impl Reliability {
    /// Compares the posteriors of `readings` with the labels of `trial`; `None` when no bar has both.
    #[must_use]
    pub fn of(trial: &Trial, readings: &[Option<RegimeReading>]) -> Option<Self> {
        let mut bins = [Bin::default(); BINS];
        let mut above = [0.5, 0.6, 0.7].map(|above| (above, Bin::default()));
        let (mut all, mut brier, mut log_loss) = (Bin::default(), 0.0, 0.0);
        let mut shares = [0.0; 4];
        for (at, label) in trial.judged() {
            let Some(reading) = readings.get(at).copied().flatten() else { continue };
            let posterior = reading.posterior.map(|chance| chance.get());
            let came = |regime: usize| f64::from(u8::from(regime == label.index()));
            let errors = posterior.iter().enumerate().map(|(regime, chance)| chance - came(regime));
            brier += errors.map(|error| error * error).sum::<f64>();
            let of_label = posterior.get(label.index()).copied().unwrap_or_default();
            log_loss -= libm::log(of_label.max(LEAST_PROBABILITY));
            let (likeliest, confidence) = likeliest(&posterior);
            let right = likeliest == label.index();
            let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
            if let (Some(bin), Some(share)) = (bins.get_mut(bin), shares.get_mut(label.index())) {
                bin.add(confidence, right);
                *share += 1.0;
            }
            all.add(confidence, right);
            for (_, bin) in above.iter_mut().filter(|(above, _)| confidence > *above) {
                bin.add(confidence, right);
            }
        }
        (all.bars > 0.0).then(|| Self {
            bars: all.bars as usize,
            accuracy: all.right / all.bars,
            brier: brier / all.bars,
            brier_of_shares: 1.0 - shares.map(|bars| bars / all.bars).map(|p| p * p).iter().sum::<f64>(),
            log_loss: log_loss / all.bars,
            expected_calibration_error: bins
                .iter()
                .map(|bin| (bin.right - bin.confidence).abs())
                .sum::<f64>()
                / all.bars,
            selective: above.map(|(above, bin)| Selective {
                above,
                accuracy: bin.right / bin.bars.max(1.0),
                coverage: bin.bars / all.bars,
            }),
        })
    }
}

fn likeliest(posterior: &[f64; 4]) -> (usize, f64) {
    let mut best = (0, f64::MIN);
    for (regime, chance) in posterior.iter().copied().enumerate() {
        if chance > best.1 {
            best = (regime, chance);
        }
    }
    best
}
