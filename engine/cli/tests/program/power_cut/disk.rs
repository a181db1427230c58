//! A disk as the calls of a program change it: what each of them changes, and which later call makes it last.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A file or a folder, whatever its names are.
pub(super) type Node = usize;
/// The folder that everything lies in.
pub(super) const ROOT: Node = 0;

/// A change of the content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Resize(u64),
}

impl Change {
    /// The length of a file of `len` bytes behind it.
    pub(super) fn len_after(&self, len: u64) -> u64 {
        match self {
            Self::Write { at, bytes } => len.max(at + bytes.len() as u64),
            Self::Resize(len) => *len,
        }
    }
}

/// A name in a folder and what it stands for from now on; nothing where it is taken away.
pub(super) type Entry = (Node, String, Option<Node>);

/// What one call did.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Changed a file.
    Content(Node, Change),
    /// Changed names, all of them at once.
    Names(Vec<Entry>),
    /// Asked that a file or a folder last.
    Sync(Node),
    /// Told its user so many bytes.
    Said(usize),
}

impl Deed {
    /// The file or the folders that it changes.
    pub(super) fn changes(&self) -> Vec<Node> {
        match self {
            Self::Content(node, _) => vec![*node],
            Self::Names(entries) => entries.iter().map(|(folder, _, _)| *folder).collect(),
            Self::Sync(_) | Self::Said(_) => Vec::new(),
        }
    }
}

/// A deed with the lines of the trace between which it was done.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) deed: Deed,
    pub(super) call: String,
    pub(super) begun: usize,
    pub(super) done: usize,
    /// The step behind which it lasts whatever happens.
    pub(super) lasts_behind: Option<usize>,
}

/// A file at the beginning, or a folder.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    File { content: Vec<u8>, mode: u32 },
    Folder,
}

/// What lay in a folder when a program began, and what the program did to it.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) nodes: Vec<Kind>,
    /// The names at the beginning.
    pub(super) names: BTreeMap<(Node, String), Node>,
    pub(super) steps: Vec<Step>,
}

impl Disk {
    /// A disk on which everything in `folder` lasts.
    pub(super) fn holding(folder: &Path) -> Self {
        let mut disk = Self { nodes: vec![Kind::Folder], names: BTreeMap::new(), steps: Vec::new() };
        disk.take_in(ROOT, folder);
        disk
    }

    fn take_in(&mut self, parent: Node, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let node = self.nodes.len();
            self.names.insert((parent, name), node);
            if path.is_dir() {
                self.nodes.push(Kind::Folder);
                self.take_in(node, &path);
            } else {
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                self.nodes.push(Kind::File { content: fs::read(&path).unwrap(), mode });
            }
        }
    }

    /// Notes for each step which other one makes it last: the first sync of what it changed that began when it was over. A change
    /// of names in one folder takes the ones before it along, and what moves between folders is one change.
    pub(super) fn settle(&mut self) {
        let syncs: Vec<(usize, usize, Node)> = self
            .steps
            .iter()
            .enumerate()
            .filter_map(|(place, step)| match step.deed {
                Deed::Sync(node) => Some((place, step.begun, node)),
                Deed::Content(..) | Deed::Names(_) | Deed::Said(_) => None,
            })
            .collect();
        // The earliest step behind which a later change of the same folder lasts.
        let mut carried: BTreeMap<Node, usize> = BTreeMap::new();
        for place in (0..self.steps.len()).rev() {
            let step = &self.steps[place];
            let changed = step.deed.changes();
            let direct = syncs
                .iter()
                .find(|(sync, begun, node)| *sync > place && *begun > step.done && changed.contains(node))
                .map(|(sync, _, _)| *sync);
            let names = matches!(step.deed, Deed::Names(_));
            let later = changed.iter().filter(|_| names).filter_map(|node| carried.get(node)).min().copied();
            let lasts = direct.into_iter().chain(later).min();
            if let (true, Some(behind)) = (names, lasts) {
                for node in changed {
                    carried.entry(node).and_modify(|other| *other = behind.min(*other)).or_insert(behind);
                }
            }
            self.steps[place].lasts_behind = lasts;
        }
    }

    /// Whether step `place` lasts when the power goes after the first `done` steps.
    pub(super) fn lasts(&self, place: usize, done: usize) -> bool {
        self.steps[place].lasts_behind.is_some_and(|behind| behind < done)
    }

    /// How many bytes the program had told its user after the first `done` steps.
    pub(super) fn said(&self, done: usize) -> usize {
        let said = |step: &Step| if let Deed::Said(bytes) = step.deed { bytes } else { 0 };
        self.steps[..done].iter().map(said).sum()
    }

    /// The content of a file at the beginning.
    pub(super) fn begins_with(&self, node: Node) -> &[u8] {
        match &self.nodes[node] {
            Kind::File { content, .. } => content,
            Kind::Folder => panic!("node {node} is a folder"),
        }
    }
}
