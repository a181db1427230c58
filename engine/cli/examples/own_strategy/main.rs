//! The engine with a strategy of its own beside those of the catalogue: `[strategy] name = "three-up"`.

mod strategy;

use std::process::ExitCode;

use strategies::registration::Registration;

fn main() -> ExitCode {
    engine_cli::run_with([Registration::of::<strategy::ThreeUpSettings>()])
}
