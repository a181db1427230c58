//! Exchanges: their messages, their sockets, and what they say as inputs of the core.
//!
//! This crate promises that what a venue says becomes inputs in the order it was read, that loss is an input and never
//! silence, and that no frame can stop it. It decides nothing, and nobody else knows a socket or the JSON of an exchange.
//!
//! Reading order: [`market_venue`] is what a run sees, [`places`] opens one; `session` keeps a connection, [`ingress`] is
//! the queue between it and the loop, [`live_feed`] its end. What venues say is [`message`], how each says it a [`dialect`].
//!
//! Of orders: [`order_request`] is what a venue is asked, `dialect` writes it and [`signing`] signs it; [`order_answer`] is what
//! comes of it, with its one [`outcome`], and [`account_message`] what the venue says unasked. All of it is from values to text
//! and from text to values: no socket, no clock, no state but that of a [`cumulative_order`].

pub mod market_venue;

pub mod places;

pub mod clock;

pub mod ingress;

pub mod live_feed;

pub mod frame_line;

pub mod frame_log;

pub mod frame_log_error;

pub mod frame_replay;

pub mod recorder;

pub mod recording_tally;

pub mod recorded_market;

pub mod message;

pub mod order_request;

pub mod order_types;

pub mod account_message;

pub mod outcome;

pub mod order_gateway;

pub mod order_answer;

pub mod cumulative_order;

pub mod dialect;

pub mod signing;

pub mod order_book;

pub mod continuity;

pub mod listing;

pub mod request_limit;

pub mod decimal;

pub mod signed_decimal;

pub mod venue_time;

pub mod asking_thread;

pub mod outside;

pub mod turns;

mod backoff;

mod collar;

mod exact_sum;

mod frame_capture;

mod frame_file;

mod frame_reader;

mod http;
mod key_check;

mod instrument_feed;

mod missed_trades;

mod order_route;

mod order_session;

mod percent_encoding;

mod playback;

mod recording_account;

mod session;

mod silence;

mod spoken_venue;

mod streaming;

mod trade_ranges;

mod venue_frames;
