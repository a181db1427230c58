//! RG-ENS12: twelve trend signals, scaled by regime, in an inverse-volatility book.
//!
//! Reading order: [`crate::price_history`] and [`extremes`] are the windows the signals look through; [`breakout`] is one
//! channel signal; [`families`] are the twelve signals in four groups; [`sleeves`] adds the specialists' positions; [`sleeve_weights`] turns the exposures of the
//! sleeves into one signal; [`book`] turns the signals of all assets into weights; [`asset`] is one asset with its
//! regime; [`crate::rebalancing`] brings the account to the book; [`policy`] is the strategy, [`params`] its settings.
//!
//! The book is a model: its equity, drawdown, drift and costs follow from prices and a stated cost alone, so
//! the same bars give the same weights whatever happened to the orders. The account is steered to them.

pub mod extremes;

pub mod breakout;

pub mod families;

pub mod sleeve_weights;

pub mod sleeves;

pub mod book;

pub mod asset;

pub mod params;

pub mod policy;
