//! Exchanges: their messages, their sockets, and what they say as inputs of the core.
