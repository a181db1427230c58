//! What a power cut can leave of a disk.
//!
//! The model is that of engine/DECISIONS.md ("What a power cut can leave"): content lasts by a sync of its file, names by a sync of
//! their folder; of what is not synced each sector of 512 bytes holds what it held at some moment since, the length of a file
//! is that of some moment, and names are kept up to some moment, in one order over the whole disk or in one for each folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::disk::{Change, Deed, Disk, Kind, Node, ROOT, Step};
use crate::paper::Random;

const SECTOR: u64 = 512;

/// Which of the states that are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing that was not synced.
    Synced,
    /// Everything, as a kill leaves it.
    Everything,
    /// Some of it, by chance from this seed; the call under way may be in it.
    Some(u64),
}

/// A power cut after the first `done` steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct PowerCut<'a> {
    pub(super) disk: &'a Disk,
    pub(super) done: usize,
    pub(super) left: Left,
}

impl PowerCut<'_> {
    /// Writes what is left to `folder`, which is empty. Answers a hash of it.
    pub(super) fn leave(self, folder: &Path) -> blake3::Hash {
        let seed = if let Left::Some(seed) = self.left { seed } else { 0 };
        let mut random = Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.below(2);
        }
        let names = self.names(&mut random);
        let changes = self.changes();
        let (mut contents, mut hash) = (BTreeMap::new(), blake3::Hasher::new());
        let mut under_way = vec![(ROOT, folder.to_path_buf())];
        while let Some((node, path)) = under_way.pop() {
            for ((_, name), child) in names.range((node, String::new())..(node + 1, String::new())) {
                let path = path.join(name);
                hash.update(path.strip_prefix(folder).unwrap().to_str().unwrap().as_bytes());
                match &self.disk.nodes[*child] {
                    Kind::Folder => {
                        fs::create_dir(&path).unwrap();
                        under_way.push((*child, path));
                    }
                    Kind::File { mode, .. } => {
                        let content = contents.entry(*child).or_insert_with(|| {
                            self.content(*child, changes.get(child).map_or(&[], Vec::as_slice), &mut random)
                        });
                        fs::write(&path, &*content).unwrap();
                        fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
                        hash.update(blake3::hash(content).as_bytes());
                    }
                }
            }
        }
        hash.finalize()
    }

    /// The first steps, and the one under way where chance has its part.
    fn begun(&self) -> usize {
        let more = usize::from(matches!(self.left, Left::Some(_)));
        self.disk.steps.len().min(self.done + more)
    }

    fn names(&self, random: &mut Random) -> BTreeMap<(Node, String), Node> {
        let steps = &self.disk.steps[..self.begun()];
        let changes: Vec<usize> =
            (0..steps.len()).filter(|place| matches!(steps[*place].deed, Deed::Names(_))).collect();
        let lasting = |place: &usize| self.disk.lasts(*place, self.done);
        let kept: Vec<usize> = match self.left {
            Left::Everything => changes,
            Left::Synced => changes.into_iter().filter(lasting).collect(),
            Left::Some(_) if random.below(2) == 0 => {
                // One journal for the whole disk: names are kept in the order in which they were given.
                let least = changes.iter().rposition(lasting).map_or(0, |place| place + 1);
                let count = least + below(random, changes.len() - least + 1);
                changes.into_iter().take(count).collect()
            }
            Left::Some(_) => self.kept_by_folder(changes, random),
        };
        let mut names = self.disk.names.clone();
        for place in kept {
            let Deed::Names(entries) = &steps[place].deed else { continue };
            for (folder, name, node) in entries {
                match node {
                    Some(node) => names.insert((*folder, name.clone()), *node),
                    None => names.remove(&(*folder, name.clone())),
                };
            }
        }
        names
    }

    /// Each folder keeps its names up to a moment of its own; a move between two is in both or in neither.
    fn kept_by_folder(&self, changes: Vec<usize>, random: &mut Random) -> Vec<usize> {
        let mut lost: BTreeSet<Node> = BTreeSet::new();
        let keeps = 1 + random.below(8);
        let mut kept = Vec::new();
        for place in changes {
            let folders = self.disk.steps[place].deed.changes();
            let is_behind_lost = folders.iter().any(|folder| lost.contains(folder));
            if self.disk.lasts(place, self.done) || (!is_behind_lost && random.below(keeps + 1) > 0) {
                kept.push(place);
            } else {
                lost.extend(folders);
            }
        }
        kept
    }

    /// The steps that change each file.
    fn changes(&self) -> BTreeMap<Node, Vec<usize>> {
        let mut changes: BTreeMap<Node, Vec<usize>> = BTreeMap::new();
        for (place, step) in self.disk.steps[..self.begun()].iter().enumerate() {
            if let Deed::Content(node, _) = step.deed {
                changes.entry(node).or_default().push(place);
            }
        }
        changes
    }

    fn content(&self, node: Node, places: &[usize], random: &mut Random) -> Vec<u8> {
        let change = |place: &usize| match &self.disk.steps[*place].deed {
            Deed::Content(_, change) => change,
            other @ (Deed::Names(_) | Deed::Sync(_) | Deed::Said(_)) => {
                panic!("no change of content: {other:?}")
            }
        };
        let mut content = self.disk.begins_with(node).to_vec();
        let lasting =
            places.iter().rposition(|place| self.disk.lasts(*place, self.done)).map_or(0, |last| last + 1);
        let (lasting, pending) = places.split_at(lasting);
        lasting.iter().for_each(|place| apply(&mut content, change(place), |_| true));
        let pending: Vec<&Change> = pending.iter().map(change).collect();
        match self.left {
            Left::Synced => {}
            Left::Everything => pending.iter().for_each(|change| apply(&mut content, change, |_| true)),
            Left::Some(_) => some_of(&mut content, &pending, random),
        }
        content
    }
}

fn below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap()
}

/// Changes `content` in the sectors that `reaches`.
fn apply(content: &mut Vec<u8>, change: &Change, reaches: impl Fn(u64) -> bool) {
    let len = usize::try_from(change.len_after(content.len() as u64)).unwrap();
    content.resize(len, 0);
    let Change::Write { at, bytes } = change else { return };
    let mut done = 0_u64;
    while done < bytes.len() as u64 {
        let place = at + done;
        let take = (SECTOR - place % SECTOR).min(bytes.len() as u64 - done);
        if reaches(place / SECTOR) {
            let (from, to) = (usize::try_from(done).unwrap(), usize::try_from(place).unwrap());
            let take = usize::try_from(take).unwrap();
            content[to..to + take].copy_from_slice(&bytes[from..from + take]);
        }
        done += take;
    }
}

/// Changes `content` as far as each sector came: a sector that holds a change holds those before it.
fn some_of(content: &mut Vec<u8>, pending: &[&Change], random: &mut Random) {
    if pending.is_empty() {
        return;
    }
    let mut lens = vec![content.len() as u64];
    for change in pending {
        lens.push(change.len_after(lens[lens.len() - 1]));
    }
    let whole = below(random, pending.len() + 1);
    let way = random.below(3);
    let kept: Vec<bool> = pending.iter().map(|_| random.below(2) == 0).collect();
    // Of each sector the number of changes that it holds.
    let mut reached: BTreeMap<u64, usize> = BTreeMap::new();
    for (number, change) in pending.iter().enumerate() {
        let Change::Write { at, bytes } = change else { continue };
        for sector in at / SECTOR..=(at + (bytes.len() as u64).max(1) - 1) / SECTOR {
            let is_kept = match way {
                0 => number < whole,
                1 => kept[number],
                _ => random.below(2) == 0,
            };
            let held = reached.entry(sector).or_default();
            *held = if is_kept { number + 1 } else { *held };
        }
    }
    for (number, change) in pending.iter().enumerate() {
        if matches!(change, Change::Write { .. }) || number < whole {
            apply(content, change, |sector| reached.get(&sector).is_some_and(|held| *held > number));
        }
    }
    let len = if way == 0 { lens[whole] } else { lens[below(random, lens.len())] };
    content.resize(usize::try_from(len).unwrap(), 0);
}

#[test]
fn names_last_by_their_folder_content_by_its_file_and_the_rest_by_chance() {
    let mut disk = Disk {
        nodes: vec![Kind::Folder, Kind::File { content: Vec::new(), mode: 0o600 }],
        names: BTreeMap::new(),
        steps: Vec::new(),
    };
    let name = |name: &str, node| (ROOT, name.to_owned(), node);
    let deeds = [
        Deed::Names(vec![name("new", Some(1))]),
        Deed::Content(1, Change::Write { at: 0, bytes: vec![7; 1_024] }),
        Deed::Sync(1),
        Deed::Names(vec![name("new", None), name("old", Some(1))]),
        Deed::Content(1, Change::Write { at: 512, bytes: vec![8; 1_024] }),
        Deed::Sync(ROOT),
    ];
    for (line, deed) in deeds.into_iter().enumerate() {
        let step = Step { deed, call: String::new(), begun: line, done: line, lasts_behind: None };
        disk.steps.push(step);
    }
    disk.settle();
    let left = |done, left| {
        let folder = tempfile::tempdir().unwrap();
        PowerCut { disk: &disk, done, left }.leave(folder.path());
        ["new", "old"].map(|name| fs::read(folder.path().join(name)).ok())
    };
    let written = vec![7; 1_024];
    assert_eq!(left(5, Left::Synced), [None, None], "its folder was not synced");
    assert_eq!(left(6, Left::Synced), [None, Some(written.clone())], "what was written last was not synced");
    assert_eq!(left(2, Left::Everything), [Some(written.clone()), None]);
    let mixes: BTreeSet<_> = (0..200).map(|seed| left(6, Left::Some(seed))).collect();
    let lasting = |[new, old]: &[Option<Vec<u8>>; 2]| {
        new.is_none() && old.as_ref().is_some_and(|old| old[..512] == written[..512])
    };
    assert!(mixes.iter().all(lasting));
    let seconds: BTreeSet<u8> = mixes.iter().filter_map(|[_, old]| old.as_ref()?.get(512).copied()).collect();
    let lens: BTreeSet<usize> = mixes.iter().filter_map(|[_, old]| Some(old.as_ref()?.len())).collect();
    assert_eq!((seconds, lens), (BTreeSet::from([7, 8]), BTreeSet::from([1_024, 1_536])));
    let third: BTreeSet<u8> = mixes.iter().filter_map(|[_, old]| old.as_ref()?.get(1_024).copied()).collect();
    assert_eq!(third, BTreeSet::from([0, 8]), "longer, with zeros where nothing came");
    let names: BTreeSet<_> =
        (0..200).map(|seed| left(4, Left::Some(seed)).map(|file| file.is_some())).collect();
    assert_eq!(names.len(), 3, "by no name, the first or the second: {names:?}");
}
