//! Models in ONNX answering the conductor's questions, with the cards that say what they are.
//!
//! A model reads one feature vector and answers three things: a weight per specialist, what to multiply exposure by,
//! and how sure it is. It never sees an order and can only lower exposure. Where it cannot be trusted with a question
//! the built-in rule answers and says why. ONNX Runtime is loaded when a model is opened; without it everything else
//! works. What this crate does not do: train, judge how well a model trades, or ask a model anything on a replay.
//!
//! Reading order: [`contract`] is what a model reads and answers, [`card`] says what it is and from what it was
//! trained, and [`model`] is both on disk. [`library`] finds ONNX Runtime, [`session`] runs a network in it, and
//! [`onnx`] joins them into a conductor that guards every answer. [`registry`] is a folder of models, [`import`] takes one in
//! from elsewhere, [`plain_network`] tries one that is no conductor, [`latency`]
//! measures one. [`proto`] is the file format, and [`test_models`] makes small models by hand for tests.

pub mod contract;

pub mod model_hash;

pub mod card;

mod card_checksum;

mod plain_file;

mod uncarded;

pub mod model;

pub mod library;

pub mod session;

pub mod onnx;

pub mod registry;

pub mod plain_network;

pub mod import;

pub mod latency;

pub mod proto;

pub mod test_models;

mod message_paths;
