//! Market regimes judged: hindsight labels, scores, baselines and nulls, and what is fitted on labels.
//!
//! Nothing here decides anything in a run: labels look ahead, fits look at labels. A detector is judged by
//! [`LabelRule`] labels fixed before it was run, always beside baselines that need no skill and beside markets
//! made from the same returns in which there is nothing to find. What the figures mean: `replay/REGIMES.md`.
//!
//! This crate promises that a detector is fitted on bars before those it is judged on, and that equal bars and seed
//! give equal figures. It deliberately knows no strategy and no run: bars go in, figures and fitted parameters come
//! out.

mod baselines;
mod calibration;
mod evaluation;
mod hindsight;
mod hmm_fit;
mod jump_fit;
mod linear_system;
mod logistic;
mod null_market;
mod portfolio;
mod recogniser;
mod reliability;
mod scores;
mod semi_markov;
mod series;
mod sliding_median;
mod stored;
mod transition;
mod trial;

pub use baselines::Baseline;
pub use calibration::{fitted_posterior, scaled_two_axis, two_axis_refitted};
pub use evaluation::{
    AgainstChance, Candidate, Evaluation, EvaluationError, EvaluationPlan, Judged, NullProgress, NullResult,
    evaluate,
};
pub use hindsight::LabelRule;
pub use hmm_fit::{fitted_hmm, hmm_refitted};
pub use jump_fit::{fitted_jump_model, jump_refitted};
pub use null_market::NullMarket;
pub use portfolio::{PortfolioBar, PortfolioChange, portfolio_changes, portfolio_readings};
pub use recogniser::{DetectorFactory, DetectorFit, Recogniser, TrainingBars};
pub use reliability::{Reliability, Selective};
pub use scores::{DELAYS_BARS, Delay, Scores};
pub use semi_markov::{SimulatedMarket, simulated_market};
pub use series::{BarSeries, BarSeriesError};
pub use stored::{StoredBarsError, stored_bars};
pub use transition::{Transition, transitions};
pub use trial::{Trial, raw_regimes, steady_regimes};
