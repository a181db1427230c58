//! Bybit's bars for MetaTrader 4: no header, and dates with dots on a clock three hours ahead of UTC.

use super::columns::{Role, in_places};
use super::rewrite::Rewrite;

/// The length of `2023.01.01 00:00`.
const MOMENT_BYTES: usize = 16;

/// Rewrites rows that begin with `2023.01.01 00:00`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MetaTraderRows;

impl MetaTraderRows {
    /// The columns of the rewritten rows.
    pub(crate) const COLUMNS: [Option<Role>; 6] =
        in_places([Role::Time, Role::Open, Role::High, Role::Low, Role::Close, Role::Volume]);

    /// Whether a file that begins with `head` is one of these: date and clock stand in one column.
    ///
    /// What a terminal of MetaTrader itself exports has them in two, on its broker's clock.
    pub(crate) fn begin(head: &[u8]) -> bool {
        is_moment(head) && head.get(MOMENT_BYTES) == Some(&b',')
    }
}

fn is_moment(text: &[u8]) -> bool {
    let pattern = b"0000.00.00 00:00";
    text.len() >= MOMENT_BYTES
        && pattern.iter().zip(text).all(|(wanted, found)| match wanted {
            b'0' => found.is_ascii_digit(),
            other => found == other,
        })
}

impl Rewrite for MetaTraderRows {
    fn rewrite(&mut self, line: &[u8], row: &mut Vec<u8>) -> Result<(), String> {
        let (Some(moment), Some(rest)) = (line.get(..MOMENT_BYTES), line.get(MOMENT_BYTES..)) else {
            return Err("it does not begin with a moment as in 2023.01.01 00:00".into());
        };
        if !is_moment(moment) {
            return Err("it does not begin with a moment as in 2023.01.01 00:00".into());
        }
        row.extend(moment.iter().map(|byte| if *byte == b'.' { b'-' } else { *byte }));
        row.extend(b":00+03:00");
        row.extend(rest);
        Ok(())
    }
}
