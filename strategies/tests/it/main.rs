//! The policies against results that others published.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

/// A core with a venue that fills at once: just enough to follow a policy.
mod benchmark_workloads;

/// The default ensemble against its reference calculation, day by day.
mod golden;

/// Published and generated reference runs, order for order.
mod oracles;

/// What a policy does while its orders are on the way, and when they are refused.
mod no_repeated_orders;

/// When the default ensemble decides, with late, missing and returning instruments.
mod decision_times;

/// The specialists through the core: caps, exits and gaps.
mod specialists;

/// How long one bar of the ensemble takes; a measurement, run by hand.
mod speed;
