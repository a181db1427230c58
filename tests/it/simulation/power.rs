//! How a process ends: at which change of its disk, and what is left then.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use journal_store::disk_watch::{DiskChange, DiskWatch, watched_by};

use super::disk::{Disk, is_of_sled};
use super::random::Random;
use super::sectors::Loss;
use super::world::World;

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is killed; what it wrote stays.
    Kill,
    /// The power goes; what was not synced may be lost.
    PowerCut,
    /// The disk is full from here on; the process ends by itself.
    DiskFull,
    /// One call fails; the process ends by itself.
    BrokenDisk,
    /// Its operator ends it, and begins it again.
    Operator,
}

/// At which change of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// So many changes behind the beginning of the process.
    Beginning(u64),
    /// So many changes behind a time that comes.
    Armed(u64),
    /// So many changes behind the beginning of a segment's end.
    Segment(u64),
}

/// The state of disk and power, shared with whoever is told of changes.
pub(super) struct Power {
    disk: Disk,
    ending: Option<(Ending, Moment)>,
    /// Changes left, once they are counted.
    left: Option<u64>,
    pub(super) is_gone: bool,
    is_full: bool,
    random: Random,
    /// One sync in so many is slow; none for zero.
    pub(super) slow_syncs: u64,
    /// None is slow from here on.
    pub(super) slow_until: Duration,
}

pub(super) type SharedPower = Rc<RefCell<Power>>;

impl Power {
    /// Power for a disk that holds everything in `root`; every change of this thread is told to it from here on.
    pub(super) fn on(root: &Path, random: Random) -> SharedPower {
        let power = Rc::new(RefCell::new(Self {
            disk: Disk::holding(root),
            ending: None,
            left: None,
            is_gone: false,
            is_full: false,
            random,
            slow_syncs: 0,
            slow_until: Duration::ZERO,
        }));
        watched_by(Some(Box::new(Told(Rc::clone(&power)))));
        power
    }

    /// A process begins, which ends as it says, or when it is done.
    pub(super) fn process(&mut self, ending: Option<(Ending, Moment)>) {
        (self.is_gone, self.is_full) = (false, false);
        self.left = ending
            .and_then(|(_, moment)| if let Moment::Beginning(left) = moment { Some(left) } else { None });
        self.ending = ending;
    }

    /// The time has come at which an armed ending is near, and every other comes with the next change.
    pub(super) fn arm(&mut self) {
        let Some((_, moment)) = self.ending else { return };
        self.left = self.left.or(Some(if let Moment::Armed(left) = moment { left } else { 0 }));
    }

    /// The power comes back: what it left is in `folder`.
    pub(super) fn comes_back(&mut self, folder: &Path) -> Loss {
        let loss = self.disk.leave(folder, &mut self.random);
        self.disk = Disk::holding(folder);
        loss
    }

    fn before(&mut self, change: DiskChange<'_>) -> io::Result<()> {
        if self.is_gone {
            return Err(io::Error::other("there is no power"));
        }
        if self.disk.has(path_of(change)) && !is_of_sled(path_of(change)) {
            if self.is_full && !matches!(change, DiskChange::Remove(_) | DiskChange::RemoveAll(_)) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            if self.is_over(change) {
                return self.end(change);
            }
        }
        self.disk.take(change);
        Ok(())
    }

    /// How long a sync takes that is slow.
    fn slowness(&mut self, change: DiskChange<'_>) -> Option<Duration> {
        let is_slow = matches!(change, DiskChange::Sync(path) if self.disk.has(path) && !is_of_sled(path));
        let is_slow = is_slow && !self.is_gone && World::now() < self.slow_until && self.slow_syncs > 0;
        let is_slow = is_slow && self.random.once_in(self.slow_syncs);
        is_slow.then(|| self.random.millis(5, 1_500))
    }

    fn is_over(&mut self, change: DiskChange<'_>) -> bool {
        let Some((_, moment)) = self.ending else { return false };
        let in_segment = path_of(change).components().any(|part| part.as_os_str() == "segments");
        if let (Moment::Segment(left), None, true) = (moment, self.left, in_segment) {
            self.left = Some(left);
        }
        match &mut self.left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    fn end(&mut self, change: DiskChange<'_>) -> io::Result<()> {
        let Some((ending, _)) = self.ending.take() else { return Ok(()) };
        match ending {
            Ending::Kill | Ending::Operator => self.is_gone = true,
            Ending::PowerCut => {
                // The call under way may have come to something.
                if self.random.once_in(2) {
                    self.disk.take(change);
                }
                self.is_gone = true;
            }
            Ending::DiskFull => {
                self.is_full = true;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ending::BrokenDisk => return Err(io::Error::from_raw_os_error(5)),
        }
        Err(io::Error::other("there is no power"))
    }
}

const fn path_of<'a>(change: DiskChange<'a>) -> &'a Path {
    match change {
        DiskChange::Create(path)
        | DiskChange::Write(path, _)
        | DiskChange::Cut(path, _)
        | DiskChange::Sync(path)
        | DiskChange::SyncFolder(path)
        | DiskChange::Folder(path)
        | DiskChange::Rename(path, _)
        | DiskChange::Remove(path)
        | DiskChange::RemoveAll(path) => path,
    }
}

struct Told(SharedPower);

impl DiskWatch for Told {
    fn before(&mut self, change: DiskChange<'_>) -> io::Result<()> {
        let slow = self.0.borrow_mut().slowness(change);
        if let Some(span) = slow {
            World::current().count("slow sync");
            World::current().pass(span);
        }
        self.0.borrow_mut().before(change)
    }
}
