//! The house as a whole, one binary.
//!
//! - `architecture`: imports, banned names, sizes and documents.
//! - `oracle`: results of other engines, reproduced to the last digit.

mod architecture;
mod oracle;
