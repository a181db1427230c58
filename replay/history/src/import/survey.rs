//! A look at every number of all files before any is stored, for series that the usual decimals do not hold.

use super::container::Meter;
use super::decimals::Demands;
use super::error::ImportError;
use super::numbers::{NumberParser, Volumes};
use super::plan::Plan;
use super::table::{RowSource, TableRows};

/// What all numbers of all tables need.
///
/// # Errors
/// At the first row that cannot be read.
pub(crate) fn survey(plan: &Plan, volumes: Volumes) -> Result<Demands, ImportError> {
    let mut demands = Demands::default();
    let meter = Meter::default();
    for planned in &plan.parts {
        let part = &planned.part;
        let seen = part.read(&meter, |source| {
            let numbers = NumberParser::surveying(volumes);
            let mut rows = TableRows::new(&part.name, source, &planned.layout, numbers);
            while rows.next_row()?.is_some() {}
            Ok(rows.demands())
        })?;
        demands = demands.and(seen);
    }
    Ok(demands)
}
