//! One policy per regime, driven by a genome: entries and every exit live.
//!
//! Reading order: [`measures`] is what all specialists see of a market; [`policy`] turns it into entries and
//! exits of one specialist; [`sleeve`] runs a specialist on a virtual position of its own, whose exposure a
//! conductor may weigh; [`shared_position`] lets the specialists share one position, by regime, with an explicit policy
//! for what becomes of it when the regime changes; [`strategy`] trades that.
//!
//! Stops and targets are judged on closes. Nothing is carried across a gap: after missing bars a position is
//! left, the measures begin anew and nothing is entered until they are warm.

pub mod measures;

pub mod policy;

pub mod sleeve;

pub mod shared_position;

pub mod params;

pub mod strategy;

#[cfg(test)]
mod tests;
