//! The calls of a program, understood: which files and folders they change. A call that this bed has no model of stops it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::disk::{Change, Deed, Disk, Entry, Kind, Node, ROOT, Step};
use super::trace::Call;

/// What a number of an open file stands for.
#[derive(Debug, Clone, Copy)]
struct Open {
    node: Node,
    /// Where the next write goes; unknown where reads move it unseen.
    position: Option<u64>,
    appends: bool,
}

/// A disk under the calls of one program, which runs in the folder `folder`.
#[derive(Debug)]
pub(super) struct FileCalls<'a> {
    disk: &'a mut Disk,
    folder: PathBuf,
    names: BTreeMap<(Node, String), Node>,
    lens: BTreeMap<Node, u64>,
    /// Numbers that were given twice share what they stand for.
    numbers: BTreeMap<u64, usize>,
    opened: Vec<Open>,
}

impl<'a> FileCalls<'a> {
    /// Plays `calls` on `disk`, which holds what was in `folder` before.
    pub(super) fn play(disk: &'a mut Disk, folder: &Path, calls: &[Call]) {
        let (names, folder) = (disk.names.clone(), folder.canonicalize().unwrap());
        let len = |kind: &Kind| if let Kind::File { content, .. } = kind { content.len() as u64 } else { 0 };
        let lens = disk.nodes.iter().map(len).enumerate().collect();
        let mut player =
            FileCalls { disk, folder, names, lens, numbers: BTreeMap::new(), opened: Vec::new() };
        calls.iter().for_each(|call| player.take(call));
        player.disk.settle();
    }

    fn take(&mut self, call: &Call) {
        match call.name.as_str() {
            "open" | "openat" => self.open(call),
            "close" => {
                self.numbers.remove(&call.number(0));
            }
            "dup" | "dup2" | "dup3" => self.repeat(call),
            "fcntl" if call.argument(1).starts_with("F_DUPFD") => self.repeat(call),
            "lseek" => {
                if let Some(open) = self.opened_as(call.number(0)) {
                    open.position = Some(call.answer.cast_unsigned());
                }
            }
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => self.write(call),
            "ftruncate" => self.resize(call, call.number(1)),
            "fallocate" => self.allocate(call),
            "fsync" | "fdatasync" => {
                if let Some(open) = self.opened_as(call.number(0)) {
                    let node = open.node;
                    self.did(call, Deed::Sync(node));
                }
            }
            "rename" | "renameat" | "renameat2" => self.rename(call),
            "link" | "linkat" => self.link(call),
            "unlink" | "unlinkat" | "rmdir" => self.remove(call),
            "mkdir" | "mkdirat" => self.make_folder(call),
            "mmap" => self.map(call),
            "copy_file_range" | "sendfile" | "splice" => {
                let to =
                    if call.name == "sendfile" { 0 } else { usize::from(call.name == "copy_file_range") * 2 };
                assert!(self.opened_as(call.number(to)).is_none(), "no model of {call:?}");
            }
            // It asks for writing to begin; neither the length nor the cache of the drive is brought to last.
            "sync_file_range" | "fcntl" => {}
            other => panic!("no model of {other}: {call:?}"),
        }
    }

    fn did(&mut self, call: &Call, deed: Deed) {
        let call_text = format!("{} on line {} of the trace", call.name, call.done + 1);
        self.disk.steps.push(Step {
            deed,
            call: call_text,
            begun: call.begun,
            done: call.done,
            lasts_behind: None,
        });
    }

    fn opened_as(&mut self, number: u64) -> Option<&mut Open> {
        self.numbers.get(&number).map(|place| &mut self.opened[*place])
    }

    /// The folder and the name of a path; nothing for a path that lies elsewhere.
    fn place(&mut self, at: &str, path: &str) -> Option<(Node, String)> {
        let path = Path::new(path);
        let (from, inside) = if path.is_absolute() {
            (ROOT, path.strip_prefix(&self.folder).ok()?.to_path_buf())
        } else if at == "AT_FDCWD" {
            (ROOT, path.to_path_buf())
        } else {
            (self.opened_as(at.parse().unwrap())?.node, path.to_path_buf())
        };
        let (mut folder, mut name) = (from, ".".to_owned());
        for part in inside.iter().filter(|part| *part != ".") {
            if name != "." {
                folder = *self.names.get(&(folder, name))?;
            }
            name = part.to_str().unwrap().to_owned();
            assert_ne!(name, "..", "no model of paths that go up");
        }
        Some((folder, name))
    }

    fn node(&self, (folder, name): &(Node, String)) -> Option<Node> {
        if name == "." { Some(*folder) } else { self.names.get(&(*folder, name.clone())).copied() }
    }

    fn open(&mut self, call: &Call) {
        let (at, path) = if call.name == "openat" { (call.argument(0), 1) } else { ("AT_FDCWD", 0) };
        let flags = path + 1;
        let Some(place) = self.place(at, &call.path(path)) else {
            self.numbers.remove(&call.answer.cast_unsigned());
            let writes = ["O_WRONLY", "O_RDWR"].iter().any(|flag| call.has_flag(flags, flag));
            let is_outside = call.path(path).starts_with("/dev/");
            return assert!(
                !writes || is_outside,
                "no model of files elsewhere: {call:?} {}",
                call.path(path)
            );
        };
        assert!(!call.has_flag(flags, "O_TMPFILE"), "no model of {call:?}");
        let found = self.node(&place);
        let node = found.unwrap_or_else(|| {
            assert!(call.has_flag(flags, "O_CREAT"), "not known: {call:?} {place:?}");
            let mode = u32::from_str_radix(call.argument(flags + 1), 8).unwrap() & 0o755;
            let node = self.added(Kind::File { content: Vec::new(), mode });
            self.name(call, vec![(place.0, place.1, Some(node))]);
            node
        });
        if call.has_flag(flags, "O_TRUNC") && self.lens[&node] > 0 {
            self.change(call, node, Change::Resize(0));
        }
        let position = (!call.has_flag(flags, "O_RDWR")).then_some(0);
        self.numbers.insert(call.answer.cast_unsigned(), self.opened.len());
        self.opened.push(Open { node, position, appends: call.has_flag(flags, "O_APPEND") });
    }

    fn added(&mut self, kind: Kind) -> Node {
        self.disk.nodes.push(kind);
        let node = self.disk.nodes.len() - 1;
        self.lens.insert(node, 0);
        node
    }

    fn name(&mut self, call: &Call, entries: Vec<Entry>) {
        for (folder, name, node) in &entries {
            match node {
                Some(node) => self.names.insert((*folder, name.clone()), *node),
                None => self.names.remove(&(*folder, name.clone())),
            };
        }
        self.did(call, Deed::Names(entries));
    }

    fn change(&mut self, call: &Call, node: Node, change: Change) {
        let len = self.lens.get_mut(&node).unwrap();
        *len = change.len_after(*len);
        self.did(call, Deed::Content(node, change));
    }

    fn repeat(&mut self, call: &Call) {
        let new = call.answer.cast_unsigned();
        match self.numbers.get(&call.number(0)).copied() {
            Some(place) => self.numbers.insert(new, place),
            None => self.numbers.remove(&new),
        };
    }

    fn write(&mut self, call: &Call) {
        let mut bytes = call.bytes();
        bytes.truncate(usize::try_from(call.answer).unwrap());
        let number = call.number(0);
        let Some(open) = self.opened_as(number).map(|open| *open) else {
            if number == 1 {
                self.did(call, Deed::Said(bytes.len()));
            }
            return;
        };
        let is_placed = call.name.starts_with('p');
        let at = match (is_placed, open.appends) {
            (_, true) => self.lens[&open.node],
            (true, false) => call.number(3),
            (false, false) => open.position.unwrap_or_else(|| panic!("where {call:?} goes is not known")),
        };
        if !is_placed {
            self.opened_as(number).unwrap().position = Some(at + bytes.len() as u64);
        }
        self.change(call, open.node, Change::Write { at, bytes });
    }

    fn resize(&mut self, call: &Call, len: u64) {
        let node = self.opened_as(call.number(0)).unwrap_or_else(|| panic!("not open: {call:?}")).node;
        if self.lens[&node] != len {
            self.change(call, node, Change::Resize(len));
        }
    }

    fn allocate(&mut self, call: &Call) {
        assert_eq!(call.argument(1), "0", "no model of {call:?}");
        let node = self.opened_as(call.number(0)).unwrap_or_else(|| panic!("not open: {call:?}")).node;
        let len = self.lens[&node].max(call.number(2) + call.number(3));
        self.resize(call, len);
    }

    /// The places that a call with two paths names.
    fn two_places(&mut self, call: &Call) -> Option<((Node, String), (Node, String))> {
        let (from, to) = if call.name.contains("at") {
            ((call.argument(0), 1), (call.argument(2), 3))
        } else {
            (("AT_FDCWD", 0), ("AT_FDCWD", 1))
        };
        let places = (self.place(from.0, &call.path(from.1)), self.place(to.0, &call.path(to.1)));
        assert_eq!(places.0.is_some(), places.1.is_some(), "no model of {call:?}");
        places.0.zip(places.1)
    }

    fn rename(&mut self, call: &Call) {
        assert!(!call.arguments.iter().any(|flag| flag.contains("RENAME_EXCHANGE")), "no model of {call:?}");
        let Some((from, to)) = self.two_places(call) else { return };
        let node = self.node(&from).unwrap_or_else(|| panic!("not known: {call:?} {from:?}"));
        self.name(call, vec![(from.0, from.1, None), (to.0, to.1, Some(node))]);
    }

    fn link(&mut self, call: &Call) {
        let Some((from, to)) = self.two_places(call) else { return };
        let node = self.node(&from);
        self.name(call, vec![(to.0, to.1, node)]);
    }

    fn remove(&mut self, call: &Call) {
        let (at, path) = if call.name == "unlinkat" { (call.argument(0), 1) } else { ("AT_FDCWD", 0) };
        if let Some((folder, name)) = self.place(at, &call.path(path)) {
            self.name(call, vec![(folder, name, None)]);
        }
    }

    fn make_folder(&mut self, call: &Call) {
        let (at, path) = if call.name == "mkdirat" { (call.argument(0), 1) } else { ("AT_FDCWD", 0) };
        if let Some((folder, name)) = self.place(at, &call.path(path)) {
            let node = self.added(Kind::Folder);
            self.name(call, vec![(folder, name, Some(node))]);
        }
    }

    fn map(&mut self, call: &Call) {
        let writes = call.has_flag(2, "PROT_WRITE") && call.has_flag(3, "MAP_SHARED");
        let of_ours = call.argument(4).parse().is_ok_and(|number| self.opened_as(number).is_some());
        assert!(!(writes && of_ours), "no model of writes through memory: {call:?}");
    }
}
