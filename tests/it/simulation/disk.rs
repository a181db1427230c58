//! A disk that knows what of it lasts, and what the loss of power leaves of the rest.
//!
//! The model is that of engine/DECISIONS.md ("What a power cut can leave"), and a little harsher: of what is pending, a
//! sector may also be torn inside. Names are kept up to some moment, in one order over the disk or in one for each folder.
//! What sled writes to its files is taken in when it is made to last.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use journal_store::disk_watch::DiskChange;

use super::random::Random;
use super::sectors::{Change, Content, Loss, SECTOR, apply, some_of};

type Node = usize;
const ROOT: Node = 0;

/// Names that change at once.
#[derive(Debug, Clone)]
struct Naming {
    entries: Vec<(Node, String, Option<Node>)>,
    lasts: bool,
}

impl Naming {
    fn touches(&self, folder: Node) -> bool {
        self.entries.iter().any(|(of, _, _)| *of == folder)
    }
}

type Names = BTreeMap<(Node, String), Node>;

fn rename(names: &mut Names, naming: &Naming) {
    for (folder, name, node) in &naming.entries {
        match node {
            Some(node) => names.insert((*folder, name.clone()), *node),
            None => names.remove(&(*folder, name.clone())),
        };
    }
}

/// Everything below a folder.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    root: PathBuf,
    files: BTreeMap<Node, Content>,
    nodes: usize,
    lasting: Names,
    now: Names,
    pending: Vec<Naming>,
    /// The folders of sled.
    sleds: BTreeSet<Node>,
}

impl Disk {
    /// A disk on which everything in `root` lasts.
    pub(super) fn holding(root: &Path) -> Self {
        let mut disk = Self {
            root: root.to_path_buf(),
            files: BTreeMap::new(),
            nodes: 1,
            lasting: Names::new(),
            now: Names::new(),
            pending: Vec::new(),
            sleds: BTreeSet::new(),
        };
        disk.take_in(ROOT, root);
        disk.now = disk.lasting.clone();
        disk
    }

    fn take_in(&mut self, parent: Node, folder: &Path) {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let node = self.node();
            self.lasting.insert((parent, name_of(&path)), node);
            if path.is_dir() {
                self.is_folder(node, &path);
                self.take_in(node, &path);
            } else {
                let lasting = fs::read(&path).unwrap();
                let len = lasting.len() as u64;
                self.files.insert(node, Content { lasting, pending: Vec::new(), len });
            }
        }
    }

    /// Whether `path` is on it.
    pub(super) fn has(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    const fn node(&mut self) -> Node {
        self.nodes += 1;
        self.nodes - 1
    }

    fn find(&self, path: &Path) -> Option<Node> {
        let below = path.strip_prefix(&self.root).ok()?;
        let mut node = ROOT;
        for part in below.components() {
            node = *self.now.get(&(node, part.as_os_str().to_str().unwrap().to_owned()))?;
        }
        Some(node)
    }

    /// The folder that `path` is in, and its name there; nothing for what is not on this disk.
    fn place(&self, path: &Path) -> Option<(Node, String)> {
        Some((self.find(path.parent()?)?, name_of(path)))
    }

    fn names(&mut self, entries: Vec<(Node, String, Option<Node>)>) {
        let naming = Naming { entries, lasts: false };
        rename(&mut self.now, &naming);
        // Which files sled has at a moment is its own affair.
        if naming.entries.iter().all(|(folder, _, _)| self.sleds.contains(folder)) {
            rename(&mut self.lasting, &naming);
        } else {
            self.pending.push(naming);
        }
    }

    fn is_folder(&mut self, node: Node, path: &Path) {
        if is_of_sled(path.strip_prefix(&self.root).unwrap_or(path)) {
            self.sleds.insert(node);
        }
    }

    /// A new name for a new file or folder.
    fn add(&mut self, path: &Path) -> Option<Node> {
        let (folder, name) = self.place(path)?;
        let node = self.node();
        self.names(vec![(folder, name, Some(node))]);
        Some(node)
    }

    /// The disk as it is behind `change`.
    pub(super) fn take(&mut self, change: DiskChange<'_>) {
        match change {
            DiskChange::Create(path) => match self.find(path) {
                Some(node) => self.change(node, |_| Change::Cut(0)),
                None => {
                    if let Some(node) = self.add(path) {
                        self.files.insert(node, Content::default());
                    }
                }
            },
            DiskChange::Write(path, bytes) => {
                if let Some(node) = self.find(path) {
                    self.change(node, |at| Change::Write { at, bytes: bytes.to_vec() });
                }
            }
            DiskChange::Cut(path, len) => {
                if let Some(node) = self.find(path) {
                    self.change(node, |_| Change::Cut(len));
                }
            }
            DiskChange::Sync(path) => self.sync(path),
            DiskChange::SyncFolder(path) => self.sync_folder(path),
            DiskChange::Folder(path) => {
                if self.find(path).is_none()
                    && let Some(node) = self.add(path)
                {
                    self.is_folder(node, path);
                }
            }
            DiskChange::Rename(from, to) => {
                if let (Some(node), Some((old, before)), Some((new, behind))) =
                    (self.find(from), self.place(from), self.place(to))
                {
                    self.names(vec![(old, before, None), (new, behind, Some(node))]);
                }
            }
            DiskChange::Remove(path) => {
                if let (Some(_), Some((folder, name))) = (self.find(path), self.place(path)) {
                    self.names(vec![(folder, name, None)]);
                }
            }
            DiskChange::RemoveAll(path) => {
                if let (Some(node), Some(place)) = (self.find(path), self.place(path)) {
                    self.remove_all(node, place);
                }
            }
        }
    }

    fn change(&mut self, node: Node, change: impl FnOnce(u64) -> Change) {
        let Some(content) = self.files.get_mut(&node) else { return };
        let change = change(content.len);
        content.len = change.len_after(content.len);
        content.pending.push(change);
    }

    fn sync(&mut self, path: &Path) {
        if is_of_sled(path) {
            // Its bytes are its own: they are what they are now.
            let (Ok(lasting), Some(place)) = (fs::read(path), self.place(path)) else { return };
            let node = self.find(path).unwrap_or_else(|| {
                let node = self.node();
                self.names(vec![(place.0, place.1, Some(node))]);
                node
            });
            let len = lasting.len() as u64;
            self.files.insert(node, Content { lasting, pending: Vec::new(), len });
            return;
        }
        let Some(content) = self.find(path).and_then(|node| self.files.get_mut(&node)) else { return };
        let Content { lasting, pending, .. } = content;
        for change in pending.drain(..) {
            apply(lasting, &change, |_| SECTOR);
        }
    }

    fn sync_folder(&mut self, path: &Path) {
        if is_of_sled(path) {
            self.forget_removed(path);
            for entry in fs::read_dir(path).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    self.take(DiskChange::Folder(&path));
                } else if self.find(&path).is_none() {
                    self.sync(&path);
                }
            }
        }
        let Some(folder) = self.find(path) else { return };
        // A change takes those before it in the same folders along.
        let mut lasting = BTreeSet::from([folder]);
        for naming in self.pending.iter_mut().rev() {
            if lasting.iter().any(|folder| naming.touches(*folder)) {
                naming.lasts = true;
                lasting.extend(naming.entries.iter().map(|(folder, _, _)| *folder));
            }
        }
        let settled = self.pending.iter().position(|naming| !naming.lasts).unwrap_or(self.pending.len());
        for naming in self.pending.drain(..settled) {
            rename(&mut self.lasting, &naming);
        }
    }

    /// Files that sled has removed from its folder, which it does not tell.
    fn forget_removed(&mut self, path: &Path) {
        let Some(folder) = self.find(path) else { return };
        let names = self.now.range((folder, String::new())..(folder + 1, String::new()));
        let gone: Vec<String> =
            names.map(|((_, name), _)| name.clone()).filter(|name| !path.join(name).exists()).collect();
        gone.into_iter().for_each(|name| self.names(vec![(folder, name, None)]));
    }

    fn remove_all(&mut self, node: Node, (folder, name): (Node, String)) {
        let below: Vec<(String, Node)> = self
            .now
            .range((node, String::new())..(node + 1, String::new()))
            .map(|((_, name), node)| (name.clone(), *node))
            .collect();
        for (name, child) in below {
            self.remove_all(child, (node, name));
        }
        self.names(vec![(folder, name, None)]);
    }

    /// Writes what the loss of power leaves to `folder`, which is empty.
    pub(super) fn leave(&self, folder: &Path, random: &mut Random) -> Loss {
        let (names, mut loss) = self.kept_names(random);
        let mut contents: BTreeMap<Node, Vec<u8>> = BTreeMap::new();
        let mut under_way = vec![(ROOT, folder.to_path_buf())];
        while let Some((node, path)) = under_way.pop() {
            for ((_, name), child) in names.range((node, String::new())..(node + 1, String::new())) {
                let path = path.join(name);
                let Some(content) = self.files.get(child) else {
                    fs::create_dir(&path).unwrap();
                    under_way.push((*child, path));
                    continue;
                };
                let left = contents.entry(*child).or_insert_with(|| some_of(content, random, &mut loss));
                fs::write(&path, left).unwrap();
            }
        }
        loss
    }

    fn kept_names(&self, random: &mut Random) -> (Names, Loss) {
        let mut names = self.lasting.clone();
        let mut lost = 0;
        if random.once_in(2) {
            let least = self.pending.iter().rposition(|naming| naming.lasts).map_or(0, |place| place + 1);
            let kept = least + random.place(self.pending.len() - least + 1);
            self.pending[..kept].iter().for_each(|naming| rename(&mut names, naming));
            lost += self.pending.len() - kept;
        } else {
            let keeps = 1 + random.below(8);
            let mut gone: BTreeSet<Node> = BTreeSet::new();
            for naming in &self.pending {
                let is_behind_lost = gone.iter().any(|folder| naming.touches(*folder));
                if naming.lasts || (!is_behind_lost && random.below(keeps + 1) > 0) {
                    rename(&mut names, naming);
                } else {
                    lost += 1;
                    gone.extend(naming.entries.iter().map(|(folder, _, _)| *folder));
                }
            }
        }
        (names, Loss { names: lost as u64, ..Loss::default() })
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Whether `path` is sled's folder or in it.
pub(super) fn is_of_sled(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "store")
}
