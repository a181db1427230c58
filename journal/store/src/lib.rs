//! What happened: datasets and runs as chained pages in sled, made durable, verified, rebuilt.
//!
//! A journal keeps records (market data of a dataset, envelopes of a run) in pages. Each page is chained to the
//! one before by BLAKE3, and the records themselves have a digest that does not know pages: equal inputs give
//! equal heads. It promises that what was acknowledged survives the death of the process and of the power, that
//! damage is found and placed instead of read, and that no failure of the store ends the program. It does not
//! interpret events.
//!
//! A dataset becomes longer source by source, each committed whole or not at all. A run grows step by step; one
//! that cannot be made again also writes each page to an append-only log first, from which the store can be
//! rebuilt.
//!
//! # Reading order
//! [`record`], [`mod@column`] and [`page`] are what is stored; [`chain`] how it is fingerprinted; [`dataset`] and
//! [`run`] the two kinds of journal; [`memory_journal`] those without a disk; [`snapshot`], [`checkpoint`] and [`page_log`] what
//! stands beside a run; [`heads`] how far a journal has come; [`upcast`] the schema numbers; [`disk`] what
//! durable means; [`verify`] and [`rebuild`] what is done about damage. Readers find pages by `page_view`, writers
//! add them by `page_tree`.

#![allow(missing_debug_implementations, reason = "the archived forms that rkyv derives have none")]

pub mod record;

pub mod column;

pub mod page;

pub mod chain;

pub mod upcast;

pub mod series;

pub mod dataset;

mod coding;

mod frame;

mod event_stream;

pub mod event_order;

pub mod event_span;

pub mod run;

pub mod memory_journal;

pub mod snapshot;

pub mod checkpoint;

pub mod public_key;

pub mod trust;

pub mod heads_log;

pub mod small_file;

pub mod page_log;

pub mod verify;

pub mod rebuild;

pub mod disk;

pub mod disk_watch;

pub mod segment;

pub mod dropped;

mod segments;

mod packed_pages;

pub mod archive;

pub mod retention;

mod side_file;

mod marker;

pub mod beside;

pub mod heads;

mod journal_folder;

mod writer_lock;

mod creation;

mod closing;

mod new_store;

mod opening;

mod page_place;

mod page_pool;

mod page_index;

mod page_view;

mod sled_store;

mod page_tree;

#[cfg(test)]
mod sample;
