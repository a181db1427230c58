//! `init`: a commented configuration for a dataset and a strategy.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use engine_application::draft::draft;
use serde_json::json;

use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine init`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  engine init donchian.toml --dataset demo-run/data --strategy donchian")]
pub struct InitArgs {
    /// The file to write; STRATEGY.toml when absent. What is there already is never overwritten.
    #[arg(value_name = "FILE.toml")]
    pub file: Option<PathBuf>,
    /// The dataset whose series it names.
    #[arg(long, value_name = "DIR")]
    pub dataset: PathBuf,
    /// The strategy; `engine strategies` lists them.
    #[arg(long, value_name = "NAME")]
    pub strategy: String,
}

/// Runs `engine init`.
///
/// # Errors
/// [`Failure`] when dataset or strategy cannot be used, or when the file is there already.
pub fn init(terminal: Terminal, args: &InitArgs) -> Result<Verdict, Failure> {
    let file = args.file.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", args.strategy)));
    let text = draft(&args.dataset, &args.strategy, &file)?;
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&file);
    let written = written.and_then(|mut open| open.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::request(format!(
            "write {}: it is there already and stays as it is; name another file",
            file.display()
        )),
        _ => Failure::io("write", &file, error),
    })?;
    let (file, dataset) = (file.display().to_string(), args.dataset.display());
    let next = format!("engine backtest {file} --dataset {dataset} --run {}-run", args.strategy);
    let document = json!({ "file": file, "strategy": args.strategy, "next": next });
    terminal.answer(&document, &format!("{file} written; run it with\n  {next}\n"))?;
    Ok(Verdict::Fine)
}
