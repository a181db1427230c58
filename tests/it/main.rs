//! The house as a whole, one binary.
//!
//! - `architecture`: imports, banned names, sizes and documents.

mod architecture;
