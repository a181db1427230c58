//! An exchange on the loopback, with faults by script and a record of everything it sent.
//!
//! It plays a market (seeded, or bars of the past) in the words of Binance Spot, Coinbase Advanced Trade or Kraken, over
//! WebSocket and REST on one port of 127.0.0.1, and goes wrong when it is asked to. The market depends on its settings
//! only, never on the wall's time. It shares no code with the engine's own adapters, so that two readings of each protocol
//! meet. Where its settings name an account, it takes orders for it in the words of its venue, fills them against that
//! market without changing it, and keeps the books of it; without one it has a market side only.

mod binance;
mod calendar;
mod clock;
mod coinbase;
mod connection;
mod control;
mod dealing;
mod decimal;
mod delivery;
mod disorder;
mod effect;
mod exchange;
mod fault;
mod frame;
mod held;
mod hosted;
mod http;
mod instrument;
mod interval;
mod kraken;
mod link;
mod log;
mod login;
mod market;
mod order_effect;
mod payload;
mod random;
mod recorded;
mod server;
mod settings;
mod stream;
mod trading;
mod truth;
mod wire;

pub use fault::{Drop, Fault, FaultError, ORDER_VERBS, OrderFault, Plan, VERBS};
pub use hosted::Hosted;
pub use interval::Interval;
pub use log::{Entry, Fate, OrderRequest, Record};
pub use market::bar::Bar;
pub use market::candles::Kline;
pub use market::trade::Trade;
pub use recorded::Recording;
pub use server::{FakeExchange, Running, ServeError, serve};
pub use settings::{AccountSettings, Dialect, FeeAsset, Settings, StartError, Symbol, Time};
pub use trading::amount::Amount;
pub use trading::credential::{ApiKey, Permission, Secret};
pub use trading::fill::Fill;
pub use trading::ledger::{Balance, Cause, Pocket, Posting};
pub use trading::mishap::Awaited;
pub use trading::order::{Kind, Life, Order, Purpose, Side, Size, Status, Terms, Trigger};
pub use truth::Truth;
