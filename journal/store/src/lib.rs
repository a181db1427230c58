//! What happened: datasets and runs as chained pages in sled, made durable, verified, rebuilt.
//!
//! # Reading order
//! [`record`] and [`page`] are what is stored; [`chain`] how it is fingerprinted; [`dataset`] and [`run`] the two
//! kinds of journal; [`memory_journal`] those without a disk; [`snapshot`], [`checkpoint`] and [`page_log`] what
//! stands beside a run; [`probe`] how a suspect store is opened; [`upcast`] the schema numbers; [`disk`] what
//! durable means.

#![allow(missing_debug_implementations, reason = "the archived forms that rkyv derives have none")]

pub mod record;

pub mod page;

pub mod chain;

pub mod upcast;

pub mod dataset;

mod frame;

mod event_stream;

pub mod run;

pub mod memory_journal;

pub mod snapshot;

pub mod checkpoint;

pub mod page_log;

pub mod verify;

pub mod rebuild;

pub mod disk;

mod side_file;

mod marker;

pub mod probe;

mod sled_store;

mod page_tree;

#[cfg(test)]
mod sample;
