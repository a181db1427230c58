//! Importing from standard input and from named pipes.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const IMPORT: &str = "--json import --venue v --instrument X --dataset";

/// Hours of bars, the last of which needs twelve decimals of price.
fn rows() -> String {
    let mut rows = "time,open,high,low,close,volume\n".to_owned();
    for hour in 0..3_000_i64 {
        let last = if hour == 2_999 { "1.000000000001" } else { "1.5" };
        writeln!(rows, "{},1.5,2,1,{last},3", 1_600_000_000 + 3_600 * hour).unwrap();
    }
    rows
}

fn engine(dir: &Path, line: &str, input: Option<&[u8]>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.args(line.split_whitespace()).current_dir(dir).env("HOME", dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // A child that refuses early closes its end.
    let _ = pipe.write_all(input.unwrap_or_default());
    drop(pipe);
    child.wait_with_output().unwrap()
}

fn document(output: &Output) -> serde_json::Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_pipe_gives_the_dataset_that_its_file_gives() {
    let bench = tempfile::tempdir().unwrap();
    let dir = bench.path();
    fs::write(dir.join("bars.csv"), rows()).unwrap();
    let packed = zstd::encode_all(rows().as_bytes(), 3).unwrap();
    let whole = document(&engine(dir, &format!("{IMPORT} file bars.csv"), None));
    assert_eq!((&whole["records"], &whole["entry"]["info"]["price_decimals"]), (&3_000.into(), &12.into()));
    for (name, bytes) in [("plain", rows().into_bytes()), ("packed", packed)] {
        let piped = document(&engine(dir, &format!("{IMPORT} {name} -"), Some(&bytes)));
        assert_eq!(piped["digest"], whole["digest"], "{name}");
        let source = &piped["entry"]["sources"][0]["note"];
        assert_eq!(source["file"], "standard input");
        assert_eq!(source["blake3"], blake3::hash(&bytes).to_hex().as_str());
        // Its content is known, by whatever name it comes again.
        let again = document(&engine(dir, &format!("{IMPORT} {name} -"), Some(&bytes)));
        assert_eq!(again["nothing_new"], true);
    }
    let left: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_when_it_is_named_as_a_stream_and_refused_as_a_file() {
    let bench = tempfile::tempdir().unwrap();
    let dir = bench.path();
    let pipe = dir.join("bars.fifo");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = engine(dir, &format!("{IMPORT} set bars.fifo"), None);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("is a pipe") && said.contains("--stream"), "{said}");
    let writer = std::thread::spawn(move || fs::write(pipe, rows()).unwrap());
    let piped = document(&engine(dir, &format!("{IMPORT} set --stream bars.fifo"), None));
    writer.join().unwrap();
    assert_eq!(piped["records"], 3_000);
    assert_eq!(piped["entry"]["sources"][0]["note"]["file"], "bars.fifo");
}

#[test]
fn a_stream_that_is_broken_too_long_or_empty_leaves_nothing() {
    let bench = tempfile::tempdir().unwrap();
    let dir = bench.path();
    let packed = zstd::encode_all(rows().as_bytes(), 3).unwrap();
    let cut = &packed[..packed.len() / 2];
    let bad = format!("{}x,1,2,1,1,3\n", rows());
    for (options, input, expected) in [
        ("-", cut, "standard input"),
        ("-", bad.as_bytes(), "standard input, row 3002"),
        ("-", b"".as_slice(), "ended without a byte"),
        ("--stream-bytes-max 1000 -", bad.as_bytes(), "more than 1000 bytes"),
        ("--stream-bytes-max 1000000 --stream /dev/zero", b"", "zero: the stream has more than"),
    ] {
        let refused = engine(dir, &format!("{IMPORT} set {options}"), Some(input));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
        assert_eq!(fs::read_dir(dir).unwrap().count(), 0, "{expected}");
    }
}
