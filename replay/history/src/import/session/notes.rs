//! How the rows of a file were understood, for the report.

use engine_core::time::Timestamp;
use journal_store::series::SourceNote;

use super::Session;
use crate::import::TimeReading;
use crate::import::columns::Role;
use crate::import::plan::{Plan, PlannedFile, PlannedPart};
use crate::import::read_ahead::AheadRows;
use crate::import::recorded::Recorded;
use crate::import::shape::Direction;
use crate::import::table::RowSource;
use crate::quality::rfc3339;

impl<R: Recorded> Session<'_, R> {
    pub(super) fn note_reading(&mut self, planned: &PlannedPart, empty_volumes: u64, far_times: u64) {
        let name = &planned.part.name;
        if planned.layout.columns.get(Role::LocalTime).is_some() {
            let sorted = if self.plan.sorts { "; sorted so" } else { "" };
            self.observer.decide(format!(
                "{name}: rows are in the order they were received{sorted}; both times are kept, to the microsecond"
            ));
        }
        if far_times > 0 {
            self.observer.decide(format!(
                "{name}: {far_times} rows were received more than 35 minutes from their venue's time; that lag is not kept"
            ));
        }
        if planned.layout.shape.direction == Direction::Backward {
            self.observer.decide(format!("{name}: its newest row comes first; read from its end"));
        }
        if empty_volumes > 0 {
            self.observer.decide(format!("{name}: {empty_volumes} empty volumes count as zero"));
        }
    }

    pub(super) fn note_time(&mut self, planned: &PlannedPart, source: &AheadRows) {
        let Some(reading) = source.time_reading() else { return };
        let how = if planned.layout.time_unit.is_some() { "as stated" } else { "by magnitude" };
        let (name, row) = (&planned.part.name, source.row_number());
        self.observer.decide(match reading {
            TimeReading::Epoch(unit) => {
                format!("{name} from row {row}: time in {}, {how}", unit.name())
            }
            TimeReading::Date => {
                format!("{name} from row {row}: time as calendar date, UTC where no zone is named")
            }
        });
    }
}

/// What the dataset is told of each new file.
pub(super) fn notes(plan: &Plan) -> Vec<SourceNote> {
    let new = plan.files.iter().filter(|file| !file.outcome.known);
    let note = |file: &PlannedFile| SourceNote {
        file: file.outcome.file.clone(),
        blake3: file.blake3,
        rows: file.outcome.rows + file.outcome.skipped,
    };
    new.map(note).collect()
}

pub(super) fn backwards(before: i64, at: i64) -> String {
    let shown = |nanos| rfc3339(Timestamp::from_nanos(nanos));
    format!("time goes back from {} to {}; sort the file by time", shown(before), shown(at))
}

pub(super) fn twice(at: i64) -> String {
    let at = rfc3339(Timestamp::from_nanos(at));
    format!("there are two different bars for {at}; remove the wrong one")
}
