//! Walk-forward: choose on the past, judge on what came after, and count every try.
//!
//! Reading order: [`length`] are spans of the calendar; [`fold`] cuts history into training and test spans that
//! never touch; [`verdict`] chooses one trial per fold by its training figures and says what choosing was worth.
//! Running the trials is the caller's part: nothing here knows strategies, data or files.

pub mod fold;
pub mod length;
pub mod verdict;
