//! Networks trained in Rust and written as ONNX files, each with the numbers that say what it is worth.
//!
//! Reading order: [`random`] seeds everything; [`network`] is plain numbers, [`dann`] the same numbers with
//! gradients and [`training`] how they learn; [`graph`] is what a trained network answers, step by step, and
//! [`onnx`] writes it to a file. [`weights_file`] reads weights that were trained elsewhere.
//!
//! The same seed gives the same weights, bit for bit, on one kind of processor. Nothing here reads a clock.

pub mod random;

pub mod network;

pub mod dann;

pub mod alignment;

pub mod training;

pub mod graph;

pub mod onnx;

pub mod probe;

pub mod score;

pub mod original;

pub mod weights_file;

pub mod dann_layout;

pub mod error;

pub mod conductor;
