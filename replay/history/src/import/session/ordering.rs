//! Tables whose rows go both ways in time.

use std::io;

use super::{PartState, Session};
use crate::import::error::ImportError;
use crate::import::recorded::Recorded;
use crate::import::time_order::TimeOrder;

impl<R: Recorded> Session<'_, R> {
    /// Takes in all rows of `order`, each moment's in the order of the file.
    pub(super) fn take_ordered(
        &mut self,
        name: &str,
        mut order: TimeOrder<R>,
        state: &mut PartState<R>,
    ) -> Result<(), ImportError> {
        order.end().map_err(|error| no_room(name, &error))?;
        while let Some((row, is_known)) = order.next().map_err(|error| no_room(name, &error))? {
            self.go_on()?;
            if is_known {
                // Files that overlap were joined: the venue's number tells the same trade.
                self.observer.duplicate(row.record.at());
                state.skipped += 1;
                self.skipped += 1;
            } else {
                self.take_arrived(name, row, state)?;
            }
        }
        let late = order.late();
        self.observer.decide(format!(
            "{name}: time runs both ways in it, {late} rows stand behind a later one; put in order of time, rows of one \
             moment as in the file"
        ));
        Ok(())
    }
}

/// Why rows cannot be put in order, as an error about the file called `name`.
pub(super) fn no_room(name: &str, error: &io::Error) -> ImportError {
    let reason = format!(
        "time runs both ways in it, and its rows cannot be set aside to put them in order ({error}); free space on the \
         disk of the dataset, or sort the file by time"
    );
    ImportError::file(name, reason)
}
