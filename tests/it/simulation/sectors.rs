//! The content of a file, sector by sector: what lasts of it, and what comes of the rest when the power goes.

use std::collections::BTreeMap;

use super::random::Random;

pub(super) const SECTOR: u64 = 512;

/// A change of the content of a file.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Cut(u64),
}

impl Change {
    pub(super) fn len_after(&self, len: u64) -> u64 {
        match self {
            Self::Write { at, bytes } => len.max(at + bytes.len() as u64),
            Self::Cut(len) => *len,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    pub(super) lasting: Vec<u8>,
    pub(super) pending: Vec<Change>,
    /// With what is pending.
    pub(super) len: u64,
}

/// What was lost of what was pending.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Loss {
    /// Sectors of which only a part came.
    pub(super) torn: u64,
    /// Sectors that kept what they held.
    pub(super) old: u64,
    /// Names that were lost.
    pub(super) names: u64,
}

/// Changes `content`; of each sector so many bytes come as `comes` says.
pub(super) fn apply(content: &mut Vec<u8>, change: &Change, mut comes: impl FnMut(u64) -> u64) {
    let len = usize::try_from(change.len_after(content.len() as u64)).unwrap();
    content.resize(len, 0);
    let Change::Write { at, bytes } = change else { return };
    let mut done = 0;
    while done < bytes.len() as u64 {
        let place = at + done;
        let take = (SECTOR - place % SECTOR).min(bytes.len() as u64 - done);
        let comes = take.min(comes(place / SECTOR).saturating_sub(place % SECTOR));
        let (from, to) = (usize::try_from(done).unwrap(), usize::try_from(place).unwrap());
        let some = usize::try_from(comes).unwrap();
        content[to..to + some].copy_from_slice(&bytes[from..from + some]);
        done += take;
    }
}

/// The content as far as each sector came: old, new, or torn inside. One that holds a change holds those before it.
pub(super) fn some_of(content: &Content, random: &mut Random, loss: &mut Loss) -> Vec<u8> {
    let Content { lasting, pending, .. } = content;
    let mut left = lasting.clone();
    if pending.is_empty() {
        return left;
    }
    let mut lens = vec![left.len() as u64];
    for change in pending {
        lens.push(change.len_after(lens[lens.len() - 1]));
    }
    let whole = random.place(pending.len() + 1);
    let way = random.below(4);
    let kept: Vec<bool> = pending.iter().map(|_| random.once_in(2)).collect();
    // Of each sector the number of changes that it holds, and of which one behind them a part came, and how much.
    let mut reached: BTreeMap<u64, (usize, Option<(usize, u64)>)> = BTreeMap::new();
    for (number, change) in pending.iter().enumerate() {
        let Change::Write { at, bytes } = change else { continue };
        for sector in at / SECTOR..=(at + (bytes.len() as u64).max(1) - 1) / SECTOR {
            let is_kept = match way {
                0 => number < whole,
                1 => kept[number],
                _ => random.once_in(2),
            };
            let held = reached.entry(sector).or_default();
            if is_kept {
                *held = (number + 1, None);
            } else if way == 3 && random.once_in(2) {
                held.1 = Some((number, random.below(SECTOR)));
            }
        }
    }
    for (number, change) in pending.iter().enumerate() {
        if matches!(change, Change::Write { .. }) || number < whole {
            apply(&mut left, change, |sector| match reached.get(&sector) {
                Some((held, _)) if *held > number => SECTOR,
                Some((_, Some((of, part)))) if *of == number => {
                    loss.torn += 1;
                    *part
                }
                Some(_) | None => {
                    loss.old += 1;
                    0
                }
            });
        }
    }
    let len = if way == 0 { lens[whole] } else { *random.of(&lens) };
    left.resize(usize::try_from(len).unwrap(), 0);
    left
}
