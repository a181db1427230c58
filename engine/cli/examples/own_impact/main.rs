//! The engine with an impact model of its own: `[costs.impact] model = "linear"`.
//!
//!     cargo run -p engine-cli --example own_impact -- backtest CONFIG --dataset DATA

mod model;

use std::process::ExitCode;

use engine_application::config::ImpactRegistration;

fn main() -> ExitCode {
    engine_cli::run_with_models([], [ImpactRegistration::of::<model::Linear>()])
}
