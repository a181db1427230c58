//! Models in ONNX answering the conductor's questions, with the cards that say what they are.
//!
//! A model reads one feature vector and answers three things: how to weigh the specialists, what to multiply
//! exposure by, and how sure it is. It never sees an order and can only lower exposure.
//!
//! Reading order: [`card`] says what a model is and from what it was trained; [`proto`] is the file format.

pub mod card;

pub mod proto;
