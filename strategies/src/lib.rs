//! Trading policies, all pure: what a run may be asked to follow.
//!
//! A policy learns from recorded events and proposes intents; it cannot act, wait or look ahead. This crate
//! has no IO and no clock; chance comes from a seeded generator only.
//!
//! Reading order: [`settings`] reads what a user wrote; [`trading`] is what all policies share in their
//! settings; [`sample`] is what they learn from; [`order_planner`] turns a wanted side into orders, one thing at a
//! time; [`trader`] joins a [`signal::Signal`] with a planner for every instrument; then the policies on one market;
//! [`ensemble`] is the default one over many, [`genome`] and [`specialist`] are the evolved ones, [`seed_3d`] repeats the
//! original system as a reference; [`catalogue`] builds policies by name. [`delayed_bars`] and [`trading_window`] wrap any
//! of them for stress and tests.
//!
//! # A policy of your own
//!
//! Implement [`engine_core::strategy::Strategy`] and hand it to a run. This one buys one unit after three
//! rising closes and sells after one falling close:
//!
//! ```
//! use engine_core::event::{Event, Input};
//! use engine_core::instrument::InstrumentId;
//! use engine_core::market::{MarketUpdate, Side};
//! use engine_core::num::{Price, Qty};
//! use engine_core::intent::{Intent, OrderIntent, Size};
//! use engine_core::strategy::{Strategy, View};
//! use engine_core::time::Timestamp;
//!
//! struct ThreeUp { instrument: InstrumentId, unit: Qty, last: Option<Price>, rises: u32 }
//!
//! impl Strategy for ThreeUp {
//!     fn observe(&mut self, _at: Timestamp, event: &Event) {
//!         let Event::Input(Input::Market(MarketUpdate::Bar(bar))) = event else { return };
//!         if bar.instrument != self.instrument { return }
//!         let rose = self.last.is_some_and(|last| bar.close > last);
//!         self.rises = if rose { self.rises + 1 } else { 0 };
//!         self.last = Some(bar.close);
//!     }
//!
//!     fn propose(&self, view: &View<'_>) -> Vec<Intent> {
//!         let busy = view.open_orders(self.instrument).next().is_some() || view.state.waiting().next().is_some();
//!         let held = view.position(self.instrument);
//!         if busy { return Vec::new() }
//!         if held.is_zero() && self.rises >= 3 {
//!             let size = Size::Units(self.unit);
//!             return vec![OrderIntent::market(self.instrument, Side::Buy, size, "three rising closes").into()];
//!         }
//!         if held.is_positive() && self.rises == 0 {
//!             return vec![OrderIntent::close(self.instrument, Side::Sell, "a falling close").into()];
//!         }
//!         Vec::new()
//!     }
//! }
//!
//! let policy = ThreeUp { instrument: InstrumentId::new(0), unit: Qty::from_units(1), last: None, rises: 0 };
//! let boxed: Box<dyn Strategy> = Box::new(policy);
//! # drop(boxed);
//! ```

pub mod settings;

pub mod spelling;

pub mod trading;

pub mod sample;

pub mod signal;

pub mod order_planner;

pub mod trader;

pub mod buy_and_hold;

pub mod sma_cross;

pub mod ema_cross;

pub mod donchian;

pub mod price_history;

pub mod rebalancing;

pub mod ensemble;

pub mod genome;

pub mod specialist;

pub mod limit_dip;

pub mod rules;

pub mod signals;

pub mod random;

pub mod seed_3d;

pub mod delayed_bars;

pub mod trading_window;

pub mod registration;

pub mod catalogue;
