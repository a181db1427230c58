//! The structure of the code, read from its own sources: imports, banned names, sizes and documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

mod circles;

/// What each of our crates may import of ours; arrows point down only.
const IMPORTS: [(&str, &[&str]); 20] = [
    ("engine-core", &[]),
    ("engine-runtime", &["engine-core"]),
    ("engine-venues", &["engine-core", "engine-runtime"]),
    ("fake-exchange", &[]),
    ("strategies", &["engine-core", "strategies-legacy"]),
    ("strategies-legacy", &["engine-core"]),
    ("journal-store", &["engine-core", "engine-runtime"]),
    ("replay-history", &["engine-core", "engine-runtime", "journal-store"]),
    ("replay-statistics", &["engine-core"]),
    (
        "replay-simulation",
        &["engine-core", "engine-runtime", "journal-store", "replay-history", "replay-statistics"],
    ),
    (
        "replay-replayer",
        &["engine-core", "engine-runtime", "replay-history", "replay-simulation", "replay-statistics"],
    ),
    ("replay-regimes", &["engine-core", "journal-store", "replay-history"]),
    ("replay-report", &["engine-core", "replay-history", "replay-regimes", "replay-statistics"]),
    ("replay-export", &["engine-core", "engine-runtime", "journal-store", "replay-history"]),
    ("models-inference", &["engine-core", "engine-runtime"]),
    ("models-training", &["engine-core", "models-inference", "replay-statistics", "strategies"]),
    (
        "engine-application",
        &[
            "engine-core",
            "engine-runtime",
            "engine-venues",
            "journal-store",
            "models-inference",
            "replay-export",
            "replay-history",
            "replay-replayer",
            "replay-simulation",
            "replay-statistics",
            "strategies",
        ],
    ),
    (
        "engine-research",
        &[
            "engine-application",
            "engine-core",
            "engine-runtime",
            "journal-store",
            "replay-history",
            "replay-regimes",
            "replay-replayer",
            "replay-simulation",
            "replay-statistics",
            "strategies",
        ],
    ),
    (
        "engine-cli",
        &[
            "engine-application",
            "engine-research",
            "engine-core",
            "engine-runtime",
            "fake-exchange",
            "journal-store",
            "models-inference",
            "models-training",
            "replay-export",
            "replay-history",
            "replay-regimes",
            "replay-replayer",
            "replay-report",
            "replay-simulation",
            "replay-statistics",
            "strategies",
            "strategies-legacy",
        ],
    ),
    (
        "system-tests",
        &[
            "engine-core",
            "engine-runtime",
            "journal-store",
            "models-inference",
            "models-training",
            "replay-export",
            "replay-history",
            "replay-regimes",
            "replay-replayer",
            "replay-report",
            "replay-simulation",
            "replay-statistics",
            "strategies",
            "strategies-legacy",
            "engine-application",
            "engine-research",
            "engine-cli",
        ],
    ),
];

/// Everything the core may depend on: without a clock, a socket or a random source it cannot use one. `bincode`, without
/// `std`, writes down what was learned.
const CORE_EXTERNALS: [&str; 4] = ["bincode", "libm", "serde", "thiserror"];

/// Names that must not appear in code that decides.
const BANNED_IN_DECIDERS: [(&str, &str); 14] = [
    ("SystemTime", "time arrives with an input"),
    ("Instant::", "time arrives with an input"),
    ("chrono", "calendars live at the edges"),
    ("std::thread", "the core is one thread"),
    ("std::env", "configuration arrives as values"),
    ("std::fs", "files live behind ports"),
    ("std::net", "sockets live behind ports"),
    ("std::io", "IO lives behind ports"),
    ("HashMap", "its order differs between runs; use BTreeMap or a dense Vec"),
    ("HashSet", "its order differs between runs; use BTreeSet"),
    ("Mutex", "the core is one thread"),
    ("println!", "the core does not log"),
    ("thread_rng", "randomness comes from a seed in the manifest"),
    ("unsafe ", "no unsafe code in our crates"),
];

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Direct dependencies of each of our crates, those of tests and build scripts left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let listed = packages.map(|package| {
        let name = package["name"].as_str().unwrap().to_owned();
        let normal = package["dependencies"].as_array().unwrap().iter().filter(|dep| dep["kind"].is_null());
        (name, normal.map(|dep| dep["name"].as_str().unwrap().to_owned()).collect())
    });
    listed.collect()
}

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(below)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

fn all_sources() -> Vec<(PathBuf, String)> {
    ["engine", "strategies", "models", "journal", "replay", "tests"]
        .iter()
        .flat_map(|at| sources(at))
        .collect()
}

/// A file with empty lines in the place of what only tests see.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    // How far the item is indented that only tests see, until it has ended.
    let mut hidden: Option<usize> = None;
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        match hidden {
            None if code == "#[cfg(test)]" => hidden = Some(indent),
            None => kept.push_str(line),
            // The tests at the foot of a file go to its end, whatever stands in their texts.
            Some(0) if code.starts_with("mod ") && code.ends_with('{') => hidden = Some(usize::MAX),
            Some(outer) if indent == outer && code.ends_with([';', ',', '}']) => hidden = None,
            Some(_) => {}
        }
        kept.push('\n');
    }
    kept
}

#[test]
fn every_crate_imports_only_what_stands_below_it() {
    let ours: BTreeSet<&str> = IMPORTS.iter().map(|(name, _)| *name).collect();
    for (name, depends) in dependencies() {
        let (_, allowed) = IMPORTS.iter().find(|(crate_name, _)| *crate_name == name).unwrap_or_else(|| {
            panic!("{name} has no row in the table of imports");
        });
        for dependency in depends.iter().filter(|dependency| ours.contains(dependency.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not import {dependency}");
        }
    }
}

#[test]
fn the_core_depends_on_nothing_that_could_know_the_time() {
    let core = &dependencies()["engine-core"];
    let allowed: BTreeSet<String> = CORE_EXTERNALS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(*core, allowed);
}

#[test]
fn code_that_decides_names_no_clock_thread_file_or_unordered_map() {
    for folder in ["engine/core/src", "strategies/src", "strategies/legacy/src"] {
        for (path, text) in sources(folder) {
            for (number, line) in without_tests(&text).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for (name, why) in BANNED_IN_DECIDERS {
                    assert!(!code.contains(name), "{}:{}: {name}: {why}", path.display(), number + 1);
                }
            }
        }
    }
}

#[test]
fn no_unordered_map_stands_where_its_order_could_reach_an_output() {
    for folder in ["engine", "strategies", "journal", "replay"] {
        for (path, text) in sources(folder) {
            for (number, line) in without_tests(&text).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                let unordered = code.contains("HashMap") || code.contains("HashSet");
                assert!(!unordered, "{}:{}: use BTreeMap or BTreeSet", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn the_ban_finds_what_it_bans() {
    let line = "let now = std::time::Instant::now();";
    assert!(BANNED_IN_DECIDERS.iter().any(|(name, _)| line.contains(name)));
    let file =
        "a\n#[cfg(test)]\nmod some_tests;\nb\n    #[cfg(test)]\n    fn only() {\n        1;\n    }\n}\n";
    assert_eq!(without_tests(file), "a\n\n\nb\n\n\n\n\n}\n");
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\nb;\n}\n"), "a\n\n\n\n\n");
    assert_eq!(longest_function("fn a() {\n    1\n}\n\nfn b() {\n    1;\n    2\n}\n"), Some((4, 5)));
}

#[test]
fn only_the_journal_knows_sled_and_only_venues_know_sockets() {
    for (name, depends) in dependencies() {
        assert!(name == "journal-store" || !depends.contains("sled"), "{name} must not know sled");
        let edge = matches!(name.as_str(), "engine-venues" | "fake-exchange");
        for sockets in ["tokio", "tokio-tungstenite", "ureq"] {
            assert!(edge || !depends.contains(sockets), "{name} must not know {sockets}");
        }
    }
}

#[test]
fn only_inference_and_training_know_tensors() {
    for (name, depends) in dependencies() {
        let model = matches!(name.as_str(), "models-inference" | "models-training");
        for tensors in ["ort", "ndarray", "burn"] {
            assert!(model || !depends.contains(tensors), "{name} must not know {tensors}");
        }
    }
}

/// A file too long, tests counted; longer tests stand in a file beside it.
fn too_long(text: &str) -> Option<usize> {
    Some(text.lines().count()).filter(|lines| *lines > FILE_LINES_MAX)
}

#[test]
fn no_file_with_its_tests_is_longer_than_a_concept() {
    for (path, text) in all_sources() {
        if let Some(lines) = too_long(&text) {
            panic!("{} has {lines} lines with its tests, at most {FILE_LINES_MAX}", path.display());
        }
    }
    let tests = "\n#[cfg(test)]\nmod tests {\n}\n".to_owned() + &"//\n".repeat(FILE_LINES_MAX);
    assert_eq!((too_long(&tests), too_long("//\n")), (Some(FILE_LINES_MAX + 4), None));
}

/// The longest function as (lines, line it begins at), by brace depth; good enough for formatted code.
fn longest_function(text: &str) -> Option<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut longest = None;
    for (start, line) in lines.iter().enumerate() {
        let begins = line.trim_start().split(' ').take(5).any(|word| word == "fn");
        let is_one_line = line.trim_end().ends_with([';', '}']);
        if !begins || line.trim_start().starts_with("//") || is_one_line {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let Some(length) = lines[start..].iter().position(|line| *line == closing) else { continue };
        longest = longest.max(Some((length + 1, start + 1)));
    }
    longest
}

#[test]
fn no_function_is_longer_than_a_screen() {
    for (path, text) in all_sources() {
        if let Some((lines, at)) = longest_function(&without_tests(&text)) {
            assert!(lines <= FUNCTION_LINES_MAX, "{}:{at}: {lines} lines", path.display());
        }
    }
}

#[test]
fn files_are_named_by_nouns_of_the_trade() {
    for (path, text) in all_sources() {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let vague = ["util", "utils", "common", "helper", "helpers", "manager", "misc"];
        assert!(!vague.contains(&stem.as_str()), "{}: name it after what it holds", path.display());
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//!"), "{}: begins with what it is for", path.display());
    }
}

#[test]
fn the_documents_are_there() {
    let documents = [
        "README.md",
        "engine/ARCHITECTURE.md",
        "engine/DECISIONS.md",
        "engine/CHANGELOG.md",
        "fixtures/README.md",
    ];
    for document in documents {
        let text = std::fs::read_to_string(root().join(document)).unwrap_or_default();
        assert!(text.len() > 200, "{document} is missing or empty");
    }
}
