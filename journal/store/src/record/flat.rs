//! The flat form of the records of a page: rows one after the other, all of one length or not.

use crate::chain::StreamDigest;
use crate::column::GROUP;

/// Rows of bytes, one for each record.
#[derive(Debug, Clone, Default)]
pub struct FlatRows {
    bytes: Vec<u8>,
    row_bytes: usize,
    /// Where each row ends; empty where all are `row_bytes` long.
    ends: Vec<usize>,
}

impl FlatRows {
    /// Room for `count` rows of `row_bytes` each, in place of what there was.
    pub(super) fn even(&mut self, count: usize, row_bytes: usize) -> &mut [u8] {
        self.ends.clear();
        self.row_bytes = row_bytes;
        self.bytes.resize(count.saturating_mul(row_bytes), 0);
        &mut self.bytes
    }

    /// Puts `heads`, one for each row, in front of the rows.
    pub(super) fn lead<'head>(&mut self, heads: impl Iterator<Item = Option<&'head [u8]>>) {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for (row, head) in self.bytes.chunks(self.row_bytes.max(1)).zip(heads) {
            bytes.extend_from_slice(head.unwrap_or_default());
            bytes.extend_from_slice(row);
            self.ends.push(bytes.len());
        }
        self.bytes = bytes;
    }

    /// All rows.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The checks of the rows: one for each group of them.
    pub(crate) fn checks(&self) -> Vec<u32> {
        if self.ends.is_empty() {
            let group_bytes = self.row_bytes.saturating_mul(GROUP).max(1);
            return self.bytes.chunks(group_bytes).map(crc32fast::hash).collect();
        }
        let mut from = 0;
        let check = |ends: &[usize]| {
            let to = ends.last().copied().unwrap_or(from);
            crc32fast::hash(self.bytes.get(core::mem::replace(&mut from, to)..to).unwrap_or_default())
        };
        self.ends.chunks(GROUP).map(check).collect()
    }

    /// Adds the rows to `digest`.
    pub(crate) fn add_to(&self, digest: &mut StreamDigest) {
        if self.ends.is_empty() {
            digest.push_flat(&self.bytes, self.row_bytes);
            return;
        }
        let mut from = 0;
        for to in &self.ends {
            digest.push(self.bytes.get(core::mem::replace(&mut from, *to)..*to).unwrap_or_default());
        }
    }
}
