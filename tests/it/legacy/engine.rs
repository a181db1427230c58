//! The published run inside the real engine.
