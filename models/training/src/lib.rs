//! Networks trained in Rust and written as ONNX files, each with the numbers that say what it is worth.
//!
//! Reading order: [`random`] seeds everything; [`network`] is plain numbers, [`dann`] the same numbers with
//! gradients and [`training`] how they learn.
//!
//! The same seed gives the same weights, bit for bit, on one kind of processor. Nothing here reads a clock.

pub mod random;

pub mod network;

pub mod dann;

pub mod training;
