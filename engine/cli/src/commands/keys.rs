//! `keys`: the user's own signing key, and the public keys of others whose signatures count.

use std::path::Path;

use clap::Subcommand;
use journal_store::checkpoint::{CheckpointKey, default_key_path, read_public_key};
use journal_store::public_key::PublicKey;
use journal_store::trust::{self, OWN, TrustedKeys, is_key_name};
use serde_json::json;

use crate::output::failure::{Failure, Verdict};
use crate::output::{table::columns, terminal::Terminal};
use engine_application::wiring::signing::list_path;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Show your own public key, for others to trust; made with its private half when there is none.
    Show,
    /// List the keys whose signatures count.
    List,
    /// Let signatures of a public key count, under a name.
    Trust {
        /// The name: letters, digits, - _ . and @. A file that holds a key may be named alone, and gives the name.
        #[arg(value_name = "NAME|FILE")]
        name: String,
        /// The key as `engine keys show` writes it, or a file that holds it.
        #[arg(value_name = "PUBLIC_KEY|FILE")]
        key: Option<String>,
    },
    /// Let signatures of a key no longer count.
    Remove {
        /// Its name.
        name: String,
    },
}

/// Runs `engine keys`.
///
/// # Errors
/// [`Failure`] when a key or the list of them cannot be read or written.
pub fn keys(terminal: Terminal, command: &KeysCommand) -> Result<Verdict, Failure> {
    match command {
        KeysCommand::Show => show(terminal),
        KeysCommand::List => list(terminal),
        KeysCommand::Trust { name, key: Some(key) } => trust_key(terminal, name, key),
        KeysCommand::Trust { name: file, key: None } => trust_file(terminal, file),
        KeysCommand::Remove { name } => remove(terminal, name),
    }
}

fn show(terminal: Terminal) -> Result<Verdict, Failure> {
    let Some(path) = default_key_path() else { return Ok(list_path().map(|_| Verdict::Fine)?) };
    let key = CheckpointKey::load_or_create(&path)?.public();
    let document = json!({ "public_key": key.to_string(), "private_key_file": path.display().to_string() });
    terminal.answer(&document, &format!("{key}\n"))?;
    Ok(Verdict::Fine)
}

fn list(terminal: Terminal) -> Result<Verdict, Failure> {
    let path = list_path()?;
    let trusted = TrustedKeys::read(Some(&path), default_key_path().as_deref())?;
    let rows: Vec<Vec<String>> =
        trusted.iter().map(|(name, key)| vec![name.to_owned(), key.to_string()]).collect();
    let keys: Vec<_> =
        trusted.iter().map(|(name, key)| json!({ "name": name, "public_key": key.to_string() })).collect();
    let text = if rows.is_empty() { "no keys\n".to_owned() } else { columns(&["name", "key"], &rows) };
    terminal.answer(&json!({ "file": path.display().to_string(), "keys": keys }), &text)?;
    Ok(Verdict::Fine)
}

/// The key in a file, under the file's name without its ending.
fn trust_file(terminal: Terminal, file: &str) -> Result<Verdict, Failure> {
    let path = Path::new(file);
    let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| path.is_file());
    let Some(name) = name else {
        let advice = "give a name and a key, as in `engine keys trust anna ed25519:…`, or a file with a key";
        return Err(Failure::request(format!("trust {file:?}: it is no file; {advice}")));
    };
    trust_key(terminal, name, file)
}

fn trust_key(terminal: Terminal, name: &str, given: &str) -> Result<Verdict, Failure> {
    if !is_key_name(name) {
        let line = format!("trust {name:?}: a name has 1 to 64 letters, digits, - _ . and @");
        return Err(Failure::request(line));
    }
    if name == OWN {
        return Err(Failure::request(format!(
            "trust {OWN:?}: this is the name of your own key; choose another"
        )));
    }
    let key = match given.parse::<PublicKey>() {
        Ok(key) => key,
        Err(_) if Path::new(given).exists() => read_public_key(Path::new(given))?,
        Err(error) => {
            return Err(Failure::request(format!("trust {name}: {error}; {given:?} is none and no file")));
        }
    };
    let before = trust::change(&list_path()?, name, Some(key))?;
    let replaced = before.filter(|before| *before != key);
    let mut text = format!("signatures of {key} count as those of {name}\n");
    if let Some(before) = replaced {
        text.push_str(&format!("the key {before}, which had this name, no longer counts\n"));
    }
    let replaced = replaced.map(|before| before.to_string());
    let document = json!({ "name": name, "public_key": key.to_string(), "replaced": replaced });
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

fn remove(terminal: Terminal, name: &str) -> Result<Verdict, Failure> {
    let Some(key) = trust::change(&list_path()?, name, None)? else {
        let line = format!("remove {name:?}: no trusted key has this name; `engine keys list` shows them");
        return Err(Failure::request(line));
    };
    let document = json!({ "name": name, "public_key": key.to_string() });
    terminal.answer(&document, &format!("signatures of {name}, {key}, no longer count\n"))?;
    Ok(Verdict::Fine)
}
