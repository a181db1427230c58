//! What is said of the account at a real venue.

use super::Core;
use crate::event::Output;
use crate::time::Timestamp;

impl Core {
    /// Says once whether books and venue agree, and how it turned out with an order that was not answered.
    #[inline]
    pub(super) fn tell_of_account(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        if self.state.account().is_some() {
            self.tell_standing(at, outputs);
        }
    }

    #[cold]
    fn tell_standing(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        if let Some(difference) = self.state.untold_standing() {
            let output = match difference.assets.is_empty() {
                true => Output::AccountAgrees,
                false => Output::AccountDiffers(Box::new(difference)),
            };
            self.conclude(at, output, outputs);
        }
        if let Some(resolution) = self.state.resolution() {
            self.conclude(at, Output::OrderResolved(resolution), outputs);
        }
    }
}
