//! `signals`: targets from a file, each set at the first record at or after its time.
//!
//! Nothing here reads a file: whoever builds the policy hands in the list. [`target_list`] holds and checks it, [`params`]
//! reads the settings, [`policy`] brings positions to their targets.

pub mod target_list;

pub mod params;

pub mod policy;

mod under_way;
