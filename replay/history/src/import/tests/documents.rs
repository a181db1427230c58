//! `FORMATS.md` says what the code knows.

use std::fs;
use std::path::{Path, PathBuf};

use crate::import::{FORMATS, Format, GapReading};

/// The folder of all crates that deal with history: documents lie there, and tests of a format in several of them.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The cells of every row of the table.
fn rows() -> Vec<Vec<String>> {
    let document = fs::read_to_string(folder().join("FORMATS.md")).unwrap();
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_table_of_formats_has_the_names_of_the_code_in_its_order() {
    let documented: Vec<String> = rows().iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let known: Vec<&str> = FORMATS.iter().map(|notes| notes.format.name()).collect();
    assert_eq!(documented, known);
    for notes in FORMATS {
        assert_eq!(notes.format.name().parse::<Format>(), Ok(notes.format));
        assert!(!notes.recognised.is_empty() && !notes.times.is_empty());
    }
    for (row, notes) in rows().iter().zip(&FORMATS) {
        let quiet = GapReading::of(notes.format) == GapReading::Quiet;
        assert_eq!(row[3] == "quiet", quiet, "{}", row[0]);
    }
    assert!(rows().iter().all(|row| row.len() == 6 && row.iter().all(|cell| !cell.is_empty())));
}

#[test]
fn every_row_of_the_table_names_tests_that_are_there() {
    let mut folders = vec![folder()];
    let mut sources = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    for row in rows() {
        let tests: Vec<&str> = row[5].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{} has no test", row[0]);
        for test in tests {
            assert!(
                sources.contains(&format!("#[test]\nfn {test}()"))
                    || sources.contains(&format!("#[test]\n    fn {test}()")),
                "{test}"
            );
        }
    }
}
