//! `demo`: a market, a backtest on it, its replay, its proof and its report, in one command.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::time::Span;
use journal_store::chain::hex;
use journal_store::record::RecordKind;
use journal_store::series::SeriesEntry;
use journal_store::verify::verify;
use replay_history::import::{ImportRequest, import};
use replay_history::synth::{SynthRequest, SynthSize, synthesise};
use serde_json::json;

use super::backtest::{BacktestAnswer, BacktestOrder, run_backtest};
use super::import::Kind;
use crate::output::failure::{Failure, Verdict};
use crate::output::file::write_whole;
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use engine_application::config::RunSettings;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::replay::check_again;

/// `engine demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Directory for everything the demo makes; replaced when an earlier demo made it.
    #[arg(long, value_name = "DIR", default_value = "demo-run")]
    pub out: PathBuf,
    /// Seed of the synthetic market.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Your own files instead of a synthetic market.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// What your files hold; found from the columns when absent.
    #[arg(long, requires = "data")]
    pub kind: Option<Kind>,
    /// Symbol of your files.
    #[arg(long, value_name = "SYM", default_value = "DEMO")]
    pub instrument: String,
}

/// The configuration of the demo, as it is shipped.
const CONFIG: &str = include_str!("../../../../fixtures/config/demo.toml");

/// Marks a directory that a demo made and that a later one may replace.
const MARK: &str = ".engine-demo";

/// Three years of hours.
const BARS: u64 = 3 * 365 * 24;

/// Where everything lies.
struct Place {
    dir: PathBuf,
    dataset: PathBuf,
    run: PathBuf,
    config: PathBuf,
    report: PathBuf,
}

impl Place {
    fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
            dataset: dir.join("data"),
            run: dir.join("run"),
            config: dir.join("demo.toml"),
            report: dir.join("report.html"),
        }
    }

    /// Makes the directory anew; only an earlier demo is replaced.
    fn clear(&self) -> Result<(), Failure> {
        let taken = std::fs::read_dir(&self.dir).is_ok_and(|mut entries| entries.next().is_some());
        if taken && !self.dir.join(MARK).is_file() {
            let line = format!(
                "make {}: it holds something that no demo made; choose another directory with --out DIR",
                self.dir.display()
            );
            return Err(Failure::request(line));
        }
        if taken {
            std::fs::remove_dir_all(&self.dir).map_err(|error| Failure::io("remove", &self.dir, error))?;
        }
        std::fs::create_dir_all(&self.dir).map_err(|error| Failure::io("create", &self.dir, error))?;
        write_whole(&self.dir.join(MARK), b"made by engine demo, which may replace this directory\n")
    }
}

/// Runs `engine demo`.
///
/// # Errors
/// [`Failure`] of the step that could not be made.
pub fn demo(terminal: Terminal, args: &DemoArgs) -> Result<Verdict, Failure> {
    let place = Place::new(&args.out);
    place.clear()?;
    terminal.note("1/4  the market");
    let market = market(terminal, args, &place)?;
    terminal.note("2/4  the backtest");
    let config = config_for(market.info.kind);
    write_whole(&place.config, config.as_bytes())?;
    let done = backtest(terminal, &RunSettings::read_toml("demo.toml", &config)?, &place)?;
    terminal.note("3/4  the replay: every event decided again");
    let (replayed, replay_time) = check_again(&Recording::open(&place.run)?, &[])?;
    terminal.note("4/4  the proof: every page checked");
    let proofs = [verify(&place.dataset, None)?, verify(&place.run, None)?];
    let sound = proofs.iter().all(journal_store::verify::VerifyReport::is_sound);
    let same = replayed.difference.is_none();
    let synthetic = market.info.synthetic;
    let document = json!({
        "dir": place.dir.display().to_string(),
        "synthetic": synthetic,
        "series": market.info.name(),
        "records": market.head.count,
        "backtest": done.document,
        "replay": {
            "same": same,
            "events": replayed.events,
            "ticks": replayed.records_read,
            "elapsed_s": replay_time.as_secs_f64(),
        },
        "verify": {
            "sound": sound,
            "findings": proofs.iter().flat_map(|proof| &proof.findings).collect::<Vec<_>>(),
        },
        "report": place.report.display().to_string(),
    });
    let text = format!(
        "{}\nreplay {}: {} events and {} market inputs decided again\nverify {}\n\nopen {}\n",
        done.text,
        if same { "same" } else { "DIFFERENT" },
        replayed.events,
        replayed.records_read,
        if sound { "sound: every page, link and digest" } else { "NOT SOUND; run engine verify" },
        place.report.display(),
    );
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!(same && sound)))
}

/// The shipped configuration; trades become bars of a minute first, or every tick would be a decision.
fn config_for(kind: RecordKind) -> String {
    match kind {
        RecordKind::Trades => format!("{CONFIG}\n[bars]\nrule = \"time\"\ninterval = \"1m\"\n"),
        RecordKind::Bars | RecordKind::Quotes => CONFIG.to_owned(),
    }
}

fn market(terminal: Terminal, args: &DemoArgs, place: &Place) -> Result<SeriesEntry, Failure> {
    if args.data.is_empty() {
        let request = SynthRequest {
            dataset: place.dataset.clone(),
            venue: "synthetic".to_owned(),
            symbol: args.instrument.clone(),
            seed: args.seed,
            size: SynthSize::Bars(BARS, Span::HOUR),
        };
        return Ok(synthesise(&request)?.entry);
    }
    let files = args.data.clone();
    let request = ImportRequest {
        kind: args.kind.map(Into::into),
        ..ImportRequest::new(&place.dataset, "demo", &args.instrument, files)
    };
    let outcome = import(&request, &mut Line::bytes(terminal))?;
    for violation in outcome.quality.violations() {
        terminal.note(&format!("     note: {violation}"));
    }
    Ok(outcome.entry)
}

fn backtest(terminal: Terminal, settings: &RunSettings, place: &Place) -> Result<BacktestAnswer, Failure> {
    let command = format!(
        "engine backtest {} --dataset {} --run {}",
        place.config.display(),
        place.dataset.display(),
        "ANOTHER-RUN"
    );
    let done = run_backtest(
        terminal,
        &BacktestOrder {
            settings,
            datasets: vec![place.dataset.clone()],
            run: &place.run,
            report: Some(&place.report),
            key: None,
            command,
            since: &[],
            caution: None,
        },
    )?;
    terminal.note(&format!("     head {}", hex(&done.head.digest)));
    Ok(done)
}
