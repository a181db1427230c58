//! The original system, reproduced to the last digit, errors included; a reference and never a default.
//!
//! What is here computes what the Python project behind the roadmap published: its indicators, its regime
//! detector, its specialists, their fitness, and the ensemble backtest of its headline. Everything is floating
//! point, as the original is. `LEGACY.md` beside this crate says what is reproduced and what it is worth.
//!
//! Reading order: [`indicators`] read a window of bars; [`detector`] names its regime; [`training`] builds the
//! sets the specialists were trained on; [`specialist`] is one of them and [`fitness`] its score;
//! [`evolution`] recounts what the genetic algorithm logged; [`ensemble`] is the published backtest, and
//! [`audit`] what that backtest is worth. The policy `seed-3d` of the crate `strategies` makes the same decisions in the engine.

pub mod indicators;

pub mod detector;

pub mod training;

pub mod specialist;

pub mod fitness;

pub mod evolution;

pub mod ensemble;

pub mod audit;
