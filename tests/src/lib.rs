//! The harness of the system tests: given, when, then; shared data; reference loops.
