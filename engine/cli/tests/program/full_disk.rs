//! An import for which the disk is too small ends with 2 and has stored nothing by halves.

use std::fs;
use std::path::Path;
use std::process::Command;

use journal_store::verify::verify;

/// A small file system of its own, taken away at the end.
pub(crate) struct Disk {
    pub(crate) folder: tempfile::TempDir,
}

impl Disk {
    /// `None` where nothing may be mounted.
    pub(crate) fn new(kilobytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kilobytes}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        if !is_mounted {
            println!("skipped: a small disk cannot be mounted here");
        }
        is_mounted.then_some(Self { folder })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

fn import(dataset: &Path, file: &Path) -> i32 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.arg("import").arg("--dataset").arg(dataset);
    command.args(["--venue", "v", "--instrument", "S", "--kind", "trades"]).arg(file);
    command.output().unwrap().status.code().unwrap()
}

fn trades(from: u64, to: u64) -> String {
    let row = |number: u64| {
        let price = 1 + (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40);
        format!("{},{price}.{},1\n", 1_600_000_000_000 + number * 7, number % 10_000)
    };
    "time,price,qty\n".to_owned() + &(from..to).map(row).collect::<String>()
}

#[test]
fn an_import_on_a_full_disk_stores_everything_or_nothing() {
    let elsewhere = tempfile::tempdir().unwrap();
    let (first, second) = (elsewhere.path().join("1.csv"), elsewhere.path().join("2.csv"));
    fs::write(&first, trades(0, 60_000)).unwrap();
    fs::write(&second, trades(60_000, 140_000)).unwrap();
    let mut refused = 0;
    for kilobytes in [16, 64, 200, 500, 700, 800, 900, 1_100, 1_300, 1_500, 1_700, 2_000, 3_000, 30_000] {
        let Some(disk) = Disk::new(kilobytes) else { return };
        let dataset = disk.folder.path().join("data");
        let mut stored = 0;
        for (file, whole) in [(&first, 60_000), (&second, 140_000)] {
            let code = import(&dataset, file);
            assert!(code == 0 || code == 2, "{kilobytes} KB: exit {code}");
            refused += u32::from(code == 2);
            if dataset.exists() {
                let report = verify(&dataset, None).unwrap_or_else(|error| panic!("{kilobytes} KB: {error}"));
                assert!(report.is_sound(), "{kilobytes} KB: {report:?}");
                assert!(
                    report.events == stored || report.events == whole,
                    "{kilobytes} KB: {}",
                    report.events
                );
                assert!(
                    code == 2 || (report.events == whole && report.complete),
                    "{kilobytes} KB: {report:?}"
                );
                stored = report.events;
            }
            if stored != whole {
                break;
            }
        }
        assert!(kilobytes < 30_000 || stored == 140_000, "{kilobytes} KB are enough");
    }
    assert!(refused > 3, "the disks must be too small for something");
}
