//! `verify` misses the files that were beside a run when it was closed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::verification::{said, with_run};

#[test]
fn a_file_that_was_beside_a_closed_run_and_is_gone_or_another_is_named() {
    let folder = with_run();
    let copy = folder.path("copy.json");
    std::fs::copy(folder.path("a/checkpoint.json"), &copy).unwrap();
    let listed = std::fs::read_dir(folder.path("a/snapshots")).unwrap();
    let snapshots: Vec<_> = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!snapshots.is_empty());
    let places = snapshots.iter().map(|name| format!("snapshots/{name}")).chain(["side.json".to_owned()]);
    for place in places {
        let path = folder.path("a").join(&place);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let findings = folder.json("verify a", 1)["findings"].clone();
        assert_eq!(findings.as_array().unwrap().len(), 1, "{findings}");
        assert_eq!(findings[0]["place"], place.as_str());
        assert!(findings[0]["reason"].as_str().unwrap().contains("is gone"), "{findings}");

        // A head that was written anew without naming it is told by the signed one, and by its copy.
        let head = std::fs::read(folder.path("a/head.json")).unwrap();
        name_no_files(&folder.path("a/head.json"));
        assert!(said(&folder, "verify a", 1).contains(&format!("{place}: the file is gone")));
        std::fs::rename(folder.path("a/checkpoint.json"), folder.path("signed.json")).unwrap();
        assert!(said(&folder, "verify a", 0).contains("unsigned"), "nothing is left that names it");
        let said = said(&folder, "verify a --against copy.json", 1);
        assert!(said.contains(&format!("{place}: the file is gone")), "{said}");
        std::fs::rename(folder.path("signed.json"), folder.path("a/checkpoint.json")).unwrap();
        std::fs::write(folder.path("a/head.json"), head).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    // Another sound one in its place is not the one that was there.
    let note = journal_store::run::SideNote { label: "another".to_owned(), ..Default::default() };
    journal_store::run::write_side(&folder.path("a"), &note).unwrap();
    assert!(said(&folder, "verify a", 1).contains("side.json: the file is not the one"));
}

/// `head.json` of a run, its parts in their order.
#[derive(Serialize, Deserialize)]
struct Sealed {
    content: Content,
    blake3: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    journal: String,
    format: u16,
    complete: bool,
    page_log: bool,
    head: Head,
    pages: u64,
    files: Vec<serde_json::Value>,
    signed_by: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    count: u64,
    digest: String,
    link: String,
}

/// Writes the head at `path` anew, as one that names no files and no signer.
fn name_no_files(path: &Path) {
    let mut sealed: Sealed = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    (sealed.content.files, sealed.content.signed_by) = (Vec::new(), None);
    sealed.blake3 = blake3::hash(&serde_json::to_vec(&sealed.content).unwrap()).to_hex().to_string();
    let mut bytes = serde_json::to_vec_pretty(&sealed).unwrap();
    bytes.push(b'\n');
    std::fs::write(path, bytes).unwrap();
}
