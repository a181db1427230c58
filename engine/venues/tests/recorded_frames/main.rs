//! Frames as venues really sent them, and frames no venue would send, one binary.
//!
//! Which recordings belong to which dialect, and why:
//!
//! - `binance`: `cryptofeed_BINANCE` and `hftbacktest_spot_*` are Binance Spot. `cryptofeed_BINANCE_FUTURES` and
//!   `hftbacktest_usdm_*` are its USDⓈ-M futures, whose frames have the same names and fields and whose depth follows by `pu`.
//!   `nautilus_adapter_binance`: the streams of `futures/market_data_json` and the public answers of `spot/http_json`; binary
//!   frames are passed over. `gocryptotrader_binance_http_mock`: routes of `/api/v3`.
//! - `binance_orders`: of `nautilus_adapter_binance` the events of accounts, and the answers about orders and accounts of
//!   `spot/http_json`; of `gocryptotrader_binance_http_mock` every error. Every file of those is stated, so that a new one fails.
//! - `coinbase`: `cryptofeed_COINBASE` (2026) and `nautilus_adapter_coinbase` are Advanced Trade. The frames of `coinbase_pro` in
//!   `crypto_msg_parser_raw` and `coinbase_BTCUSD_l2_snapshot_frame` are the older Exchange feed, which has no `channel`.
//! - `kraken`: `nautilus_adapter_kraken` holds version 2, `cryptofeed_KRAKEN` and the frames of its spot market in
//!   `crypto_msg_parser_raw` version 1, arrays; 4 269 checksums of the venue's books are met. Files of Kraken Futures are passed
//!   over.
//! - `coinbase_orders`: of `nautilus_adapter_coinbase` every frame and answer about orders, trades and accounts.
//! - `kraken_orders`: of `nautilus_adapter_kraken` every answer about orders, trades and balances of its spot market.
//! - `hostile`: whatever bytes come, no parser panics.
//! - `hostile_orders`: the same of the parsers of orders and accounts, and of what venues really sent of them.
//! - `mutated`: the same of what venues really sent, changed by chance.
//! - `two_readings`: the fake exchange, written from the same documents by other hands.
//!
//! The recordings are not part of the project: where they are absent, each test says so in one line and passes over itself.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up has failed")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the messages it is about")]

mod account_lines;
mod binance;
mod binance_orders;
mod coinbase;
mod coinbase_orders;
mod frames;
mod hostile;
mod hostile_orders;
mod kraken;
mod kraken_orders;
mod mutated;
mod two_readings;
