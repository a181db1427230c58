//! What a reading of files ended at that another reading, done otherwise, can take in.

use std::sync::atomic::AtomicU64;

use super::ImportRequest;
use super::columns::Role;
use super::decimals::Demands;
use super::error::ImportError;
use super::numbers::NumberParser;
use super::plan::{Plan, plan};
use super::read_ahead::read_ahead;
use super::row::Row;
use super::survey::survey;
use super::table::RowSource as _;
use super::time_order::Unordered;

/// How files have to be read, as far as earlier readings of them have told. Each reading tells more than those before, or is
/// the last.
#[derive(Debug, Default)]
pub(crate) struct Repairs {
    /// Rows with two times are put in the order of their arrival.
    sorts: bool,
    /// Tables that are put in the order of time.
    unordered: Unordered,
    /// What all numbers need, where the usual decimals do not hold one that came late.
    demands: Option<Demands>,
}

impl Repairs {
    /// The plan of the next reading.
    ///
    /// # Errors
    /// [`ImportError`] when the files cannot be read, or not as `request` says.
    pub(crate) fn plan(&self, request: &ImportRequest) -> Result<Plan, ImportError> {
        // A strict import refuses what is not in order.
        let unordered = (!request.strict).then_some(&self.unordered);
        let mut plan = Plan { sorts: self.sorts, ..plan(request, unordered)? };
        if let Some(demands) = &self.demands {
            plan.widen(demands, request.stated_decimals())?;
        }
        Ok(plan)
    }

    /// Another plan, where the reading of `plan` ended at something that one can take in.
    ///
    /// # Errors
    /// As [`Repairs::plan`].
    pub(crate) fn next(
        &mut self,
        plan: &mut Plan,
        request: &ImportRequest,
    ) -> Result<Option<Plan>, ImportError> {
        if plan.unsorted && !self.sorts {
            self.sorts = true;
            return self.plan(request).map(Some);
        }
        if !request.strict
            && let Some(table) = plan.turned.take()
            && !self.unordered.contains(&table)
        {
            self.unordered.append(&mut turned_after(plan, &table, request));
            self.unordered.insert(table);
            return self.plan(request).map(Some);
        }
        if plan.misfit && plan.is_new && self.demands.is_none() {
            self.demands = Some(survey(plan, request.volumes())?);
            return self.plan(request).map(Some);
        }
        Ok(None)
    }
}

/// The tables behind `table` whose rows go back in time, so that many of them are found in one reading. A table that cannot
/// be read is left to the reading that will say so.
fn turned_after(plan: &Plan, table: &str, request: &ImportRequest) -> Unordered {
    let place = plan.parts.iter().position(|planned| planned.part.name == table).map_or(0, |place| place + 1);
    let behind = plan.parts.get(place..).unwrap_or_default();
    let mut found = Unordered::new();
    let numbers = NumberParser::surveying(request.volumes());
    let looked = read_ahead(behind, &numbers, &AtomicU64::default(), |planned, rows| {
        let has_two_times = planned.layout.columns.get(Role::LocalTime).is_some();
        let mut last_at = i64::MIN;
        while let Some(row) = rows.next_row()? {
            let at = match row {
                Row::Trade { record, .. } => record.venue_at,
                Row::Quote(record) => record.venue_at,
                Row::Bar { record, .. } => record.open_at,
            };
            if at < last_at && !has_two_times {
                found.insert(planned.part.name.clone());
                break;
            }
            last_at = at;
        }
        Ok(())
    });
    // What was found before a table that cannot be read is as good.
    drop(looked);
    found
}
