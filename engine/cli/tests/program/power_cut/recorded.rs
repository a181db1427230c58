//! A program that has run, and the power cut after each of its calls.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use super::cut::{Left, PowerCut};
use super::disk::Disk;
use super::file_calls::FileCalls;
use super::trace;
use crate::folder::Folder;
use crate::paper::variable;

/// Names a call that the program is to go without, as `fdatasync:7`: the bed must find that it is missing.
pub(super) const WITHOUT: &str = "POWER_CUT_WITHOUT";

pub(super) fn is_long() -> bool {
    std::env::var_os("POWER_CUT").is_some_and(|value| value == "long")
}

/// A folder for states, in memory where there is such a place: they are many, and nothing here waits for a drive.
pub(super) fn scratch() -> Folder {
    let memory = PathBuf::from("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    Folder { dir: dir.unwrap(), library: None }
}

/// A program that has run, every call of it on its disk.
pub(super) struct Recorded {
    pub(super) folder: Folder,
    pub(super) line: String,
    pub(super) disk: Disk,
    pub(super) said: String,
}

impl Recorded {
    /// Runs the program with the words of `line` in `folder` to its end.
    pub(super) fn run(folder: Folder, line: &str) -> Self {
        let mut disk = Disk::holding(folder.dir.path());
        let traces = tempfile::tempdir().unwrap();
        let log = traces.path().join("calls");
        let mut program: Command = folder.command(line);
        program.env("HOME", folder.dir.path());
        let without = std::env::var(WITHOUT).ok();
        let output = trace::traced(&program, &log, without.as_deref()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {errors}");
        let text = std::fs::read_to_string(&log).unwrap();
        FileCalls::play(&mut disk, folder.dir.path(), &trace::calls(&text));
        let said = String::from_utf8(output.stdout).unwrap();
        let recorded = Self { folder, line: line.to_owned(), disk, said };
        recorded.is_understood();
        recorded
    }

    /// With every call made, the disk is what the program really left.
    fn is_understood(&self) {
        let (made, real) = (scratch(), Disk::holding(self.folder.dir.path()));
        self.cut(self.disk.steps.len(), Left::Everything).leave(made.dir.path());
        let same = PowerCut { disk: &real, done: 0, left: Left::Everything };
        let again = scratch();
        let really = same.leave(again.dir.path());
        let nothing_lost = Disk::holding(made.dir.path());
        let third = scratch();
        let made = PowerCut { disk: &nothing_lost, done: 0, left: Left::Everything }.leave(third.dir.path());
        assert_eq!(made, really, "{}: the calls do not make what the program left", self.line);
    }

    fn cut(&self, done: usize, left: Left) -> PowerCut<'_> {
        PowerCut { disk: &self.disk, done, left }
    }

    /// Runs `check` on what a power cut after each call leaves, with the number of calls made.
    pub(super) fn at_every_call(&self, wanted: usize, mut check: impl FnMut(&Folder, usize)) -> usize {
        let last = self.disk.steps.len();
        let stride = if is_long() { 1 } else { (last / wanted).max(1) };
        let mixes = if is_long() { variable("POWER_CUT_MIXES", 16) } else { 1 };
        let seed = variable("POWER_CUT_SEED", 1);
        let mut seen = BTreeSet::new();
        for done in (0..=last).filter(|done| done % stride == 0 || *done == last) {
            let mixed = (0..mixes).map(|mix| Left::Some(seed + mix * 1_000_003 + done as u64 * 7_919));
            for left in [Left::Synced, Left::Everything].into_iter().chain(mixed) {
                let state = scratch();
                if seen.insert((done == last, *self.cut(done, left).leave(state.dir.path()).as_bytes())) {
                    let case = Case { recorded: self, done, left };
                    check(&state, done);
                    drop(case);
                }
            }
        }
        seen.len()
    }
}

/// Names the state that a check was at when it failed.
struct Case<'a> {
    recorded: &'a Recorded,
    done: usize,
    left: Left,
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let call = self.done.checked_sub(1).map(|last| &self.recorded.disk.steps[last].call);
            let kept = scratch();
            self.recorded.cut(self.done, self.left).leave(kept.dir.path());
            let place = kept.dir.path().to_owned();
            // Where a failure is what is wanted, nobody will look at it.
            if std::env::var_os(WITHOUT).is_none() {
                let _ = kept.dir.keep();
            }
            println!(
                "`engine {}`, cut after {} of {} calls ({call:?}), {:?}; the state is kept in {}",
                self.recorded.line,
                self.done,
                self.recorded.disk.steps.len(),
                self.left,
                place.display()
            );
        }
    }
}
