//! How many events of a run were said to last.

use std::collections::BTreeMap;

use journal_store::page;

use super::disk::{Change, Deed, Disk};

/// For each number of calls, how many events of a run were said to last by then: a file that holds their pages was synced.
pub(super) fn acknowledged(disk: &Disk) -> Vec<usize> {
    let mut last = BTreeMap::new();
    let mut most = vec![0];
    for step in &disk.steps {
        let before = most[most.len() - 1];
        let mut now = before;
        match &step.deed {
            Deed::Content(node, Change::Write { bytes, .. }) => {
                let found =
                    bytes.windows(page::MAGIC.len()).enumerate().filter(|(_, eight)| *eight == page::MAGIC);
                let events =
                    found.filter_map(|(at, _)| page::header(&bytes[at..]).ok()).map(|page| page.last_seq());
                let held = last.entry(*node).or_insert(0);
                *held = events.max().map_or(*held, |events| events.max(*held));
            }
            Deed::Sync(node) => {
                now = before.max(usize::try_from(last.get(node).copied().unwrap_or(0)).unwrap())
            }
            Deed::Content(..) | Deed::Names(_) | Deed::Said(_) => {}
        }
        most.push(now);
    }
    most
}
