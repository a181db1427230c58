//! What a command says: tables, JSON, events in sentences, progress, files, and how it fails.

pub mod escape;

pub mod events;

pub mod failure;

pub mod file;

pub mod heads;

pub mod latency;

pub mod progress;

pub mod signature;

pub mod table;

pub mod terminal;
