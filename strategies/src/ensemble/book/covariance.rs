//! Volatilities and correlations of a few assets, exponentially weighted.

use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

/// Span of each asset's variance, in bars.
const VARIANCE_SPAN: f64 = 30.0;

/// Span of the matrix that correlations are taken from, in bars.
const CORRELATION_SPAN: f64 = 60.0;

/// Variances around zero with their own span, and correlations with a longer one (RiskMetrics).
#[derive(Debug, Clone)]
pub(super) struct Covariance {
    /// Log returns of the bar being learned; zero for an asset without one.
    returns: Vec<f64>,
    sums: Vec<f64>,
    weights: Vec<f64>,
    /// The upper triangle and the diagonal, by row; not normalised, because correlations need only ratios.
    products: Vec<f64>,
}

impl Covariance {
    pub(super) fn new(assets: usize) -> Self {
        let zeros = || vec![0.0; assets];
        Self { returns: zeros(), sums: zeros(), weights: zeros(), products: vec![0.0; assets * assets] }
    }

    /// Sets the return of `asset` for the bar being learned; `None` where it has none.
    pub(super) fn set(&mut self, asset: usize, log_return: Option<f64>) {
        const KEEP: f64 = 1.0 - 2.0 / (VARIANCE_SPAN + 1.0);
        self.returns[asset] = log_return.unwrap_or(0.0);
        if let Some(log_return) = log_return {
            self.sums[asset] = KEEP * self.sums[asset] + log_return * log_return;
            self.weights[asset] = KEEP * self.weights[asset] + 1.0;
        }
    }

    /// Learns the returns that were set.
    pub(super) fn learn(&mut self) {
        const TAKE: f64 = 2.0 / (CORRELATION_SPAN + 1.0);
        let count = self.returns.len();
        for row in 0..count {
            for column in row..count {
                let product = &mut self.products[row * count + column];
                *product = (1.0 - TAKE) * *product + TAKE * self.returns[row] * self.returns[column];
            }
        }
    }

    /// Variance of one bar's log return.
    pub(super) fn variance(&self, asset: usize) -> f64 {
        if self.weights[asset] > 0.0 { self.sums[asset] / self.weights[asset] } else { 0.0 }
    }

    /// Volatility of a portfolio of `shares` over `bars` bars; never zero.
    pub(super) fn portfolio_volatility(&self, shares: &[f64], bars: f64) -> f64 {
        let risk = |asset: usize| shares[asset] * (self.variance(asset) * bars).sqrt();
        let mut total = 0.0;
        for row in 0..shares.len() {
            total += risk(row) * risk(row);
            for column in row + 1..shares.len() {
                total += 2.0 * risk(row) * risk(column) * self.correlation(row, column);
            }
        }
        total.max(1e-12).sqrt()
    }

    /// Forgets one asset, its correlations included.
    pub(super) fn forget(&mut self, asset: usize) {
        let count = self.returns.len();
        (self.sums[asset], self.weights[asset]) = (0.0, 0.0);
        for other in 0..count {
            self.products[asset * count + other] = 0.0;
            self.products[other * count + asset] = 0.0;
        }
    }

    fn correlation(&self, row: usize, column: usize) -> f64 {
        let count = self.returns.len();
        let deviation = |asset: usize| self.products[asset * count + asset].max(1e-12).sqrt();
        self.products[row * count + column] / (deviation(row) * deviation(column))
    }
}

impl Learned for Covariance {
    fn note(&self, notes: &mut NoteWriter) {
        for numbers in [&self.returns, &self.sums, &self.weights, &self.products] {
            notes.value(numbers);
        }
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        let all = [&mut self.returns, &mut self.sums, &mut self.weights, &mut self.products];
        all.into_iter().try_for_each(|numbers| notes.fill(numbers))
    }
}
