//! `new`: a crate of the user's own, which is the engine with one more strategy.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine new`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("engine").required(true))]
pub struct NewArgs {
    /// The folder to make; its last part is the name of the crate.
    #[arg(value_name = "STRATEGY_DIR")]
    pub dir: PathBuf,
    /// The folder of the engine's sources to build against.
    #[arg(long, value_name = "PATH", group = "engine")]
    pub engine_path: Option<PathBuf>,
    /// The repository of the engine to build against.
    #[arg(long, value_name = "URL", group = "engine")]
    pub engine_git: Option<String>,
}

/// Every file of the crate. The strategy is the example of this crate, so it is compiled with the tests.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("new/Cargo.toml.txt")),
    ("README.md", include_str!("new/README.md.txt")),
    ("backtest.toml", include_str!("new/backtest.toml.txt")),
    ("src/main.rs", include_str!("../../examples/own_strategy/main.rs")),
    ("src/strategy.rs", include_str!("../../examples/own_strategy/strategy.rs")),
    ("tests/program.rs", include_str!("new/program_test.rs.txt")),
];

/// What stands for the name of the crate in the files.
const NAME: &str = "{{name}}";

/// Where each crate of the engine lies among its sources, by what stands for it in the files.
const CRATES: [(&str, &str); 3] =
    [("{{engine-cli}}", "engine/cli"), ("{{engine-core}}", "engine/core"), ("{{strategies}}", "strategies")];

/// Runs `engine new`.
///
/// # Errors
/// [`Failure`] when the folder is there already, its name is none of a crate, or the engine is not where it was named.
pub fn new(terminal: Terminal, args: &NewArgs) -> Result<Verdict, Failure> {
    let name = crate_name(&args.dir)?;
    let dependency = dependency(args)?;
    if args.dir.exists() {
        let line = format!("make {}: it is there already; name a folder that is not", args.dir.display());
        return Err(Failure::request(line));
    }
    for (file, text) in FILES {
        let mut text = text.replace(NAME, &name);
        for (word, folder) in CRATES {
            text = text.replace(word, &dependency(folder));
        }
        let path = args.dir.join(file);
        let parent = path.parent().unwrap_or(&args.dir);
        std::fs::create_dir_all(parent).map_err(|error| Failure::io("make", parent, error))?;
        std::fs::write(&path, text).map_err(|error| Failure::io("write", &path, error))?;
    }
    let files: Vec<&str> = FILES.iter().map(|(file, _)| *file).collect();
    let document = json!({ "folder": args.dir.display().to_string(), "crate": name, "files": files });
    let text = format!(
        "{} holds the crate {name}: {}\ncd {} && cargo test; its README.md says how to run a backtest\n",
        args.dir.display(),
        files.join(", "),
        args.dir.display()
    );
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

/// The name of the crate in `dir`.
fn crate_name(dir: &Path) -> Result<String, Failure> {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_plain =
        |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || matches!(char, '-' | '_');
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(is_plain) {
        return Ok(name);
    }
    Err(Failure::request(format!(
        "make {}: the last part names the crate: lower-case letters, digits, - and _, beginning with a letter",
        dir.display()
    )))
}

/// How a crate of the engine, given by its folder, is depended on.
fn dependency(args: &NewArgs) -> Result<impl Fn(&str) -> String, Failure> {
    let path = match &args.engine_path {
        None => None,
        Some(path) => {
            let real = std::fs::canonicalize(path).map_err(|error| Failure::io("find", path, error))?;
            if !real.join("engine/cli/Cargo.toml").is_file() {
                let line = format!("build against {}: the engine's sources are not there", path.display());
                return Err(Failure::request(line));
            }
            Some(real)
        }
    };
    let git = args.engine_git.clone().unwrap_or_default();
    // A quoted text of JSON is one of TOML.
    Ok(move |folder: &str| match &path {
        Some(path) => format!("path = {}", json!(path.join(folder).display().to_string())),
        None => format!("git = {}", json!(git)),
    })
}
