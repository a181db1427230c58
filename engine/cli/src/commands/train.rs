//! `train conductor` and `train seed-dann`: networks trained, judged and written.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine_core::indicator::Candle;
use engine_core::instrument::InstrumentId;
use engine_core::time::{Span, Timestamp};
use journal_store::dataset::{DatasetReader, SeriesReader};
use journal_store::record::{BarRecord, RecordKind};
use models_training::conductor::market::RunSleeves;
use models_training::conductor::panel::{ClosedBar, Series};
use models_training::conductor::{self, Choices, Findings, model, report};
use models_training::original::{self, OriginalData};
use models_training::{onnx, training};
use serde_json::json;
use strategies::ensemble::sleeve_weights::SLEEVES;

use super::interruption::ends_keeping_nothing;
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use crate::signals;
use engine_application::moment::moment_text;
use engine_research::trials::{self, Part, TrialBook, TrialRecord};
use journal_store::chain::hex;

/// `engine train`.
#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Train the network that weighs the specialists, judge it walking forward, and write it with its card.
    Conductor(ConductorArgs),
    /// Train the original system's network on the original system's data, and show what it is worth.
    SeedDann(SeedDannArgs),
}

/// `engine train conductor`.
#[derive(Debug, Args)]
pub struct ConductorArgs {
    /// A dataset with bars; may be given several times. Every series of bars of the interval is used.
    #[arg(long, value_name = "DIR", required = true)]
    pub dataset: Vec<PathBuf>,
    /// Directory of the model, its card, the report and the list of trials; made when there is none.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Length of the bars.
    #[arg(long, value_name = "I", default_value = "1d")]
    pub interval: Span,
    /// Everything random comes from here.
    #[arg(long, value_name = "N", default_value_t = Choices::SEED)]
    pub seed: u64,
    /// Passes over the rows.
    #[arg(long, value_name = "N", default_value_t = Choices::EPOCHS)]
    pub epochs: usize,
}

/// `engine train seed-dann`.
#[derive(Debug, Args)]
pub struct SeedDannArgs {
    /// Directory with dann_train.json and dann_val.json.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Directory of the model and the report; made when there is none.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Everything random comes from here.
    #[arg(long, value_name = "N", default_value_t = Choices::SEED)]
    pub seed: u64,
    /// Passes over the rows.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub epochs: usize,
}

impl training::Progress for Line {
    fn advanced(&mut self, done: u64, total: u64, what: &str) {
        self.described(done, total, what);
    }
}

/// Runs `engine train`.
///
/// # Errors
/// [`Failure`] when the data cannot be used or the files cannot be written.
pub fn train(terminal: Terminal, command: &TrainCommand) -> Result<Verdict, Failure> {
    match command {
        TrainCommand::Conductor(args) => train_conductor(terminal, args),
        TrainCommand::SeedDann(args) => train_seed_dann(terminal, args),
    }
}

fn train_conductor(terminal: Terminal, args: &ConductorArgs) -> Result<Verdict, Failure> {
    let series = series_of(&args.dataset, args.interval)?;
    let epochs = epochs(args.epochs)?;
    let panel = conductor::panel(&series, &SLEEVES, &|| Box::new(RunSleeves::default()))?;
    folder(&args.out)?;
    let choices = Choices { seed: args.seed, epochs };
    ends_keeping_nothing(terminal)?;
    let (findings, fitted) = conductor::train(&panel, choices, &mut Line::steps(terminal))?;
    let bytes = model::to_bytes(&fitted, &findings, &series);
    let card = model::card(&bytes, &panel, &findings, &series);
    signals::is_done();
    let path = model::write(&args.out, &bytes, &card)?;
    let trials = record_trials(&args.out, &findings, &model::data_digest(&series))?;
    let verdict = report::Verdict::of(&findings);
    let document = json!({
        "model": path.display().to_string(),
        "card": card,
        "findings": findings,
        "verdict": verdict,
        "trials": trials,
    });
    write_json(&args.out.join("conductor.report.json"), &document)?;
    let text = conductor_text(&path, &findings, trials);
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

fn conductor_text(path: &Path, findings: &Findings, trials: usize) -> String {
    let mut text = report::text(findings);
    text.push_str(&format!("\nmodel {} with its card beside it\n", path.display()));
    text.push_str(&format!("{trials} trials so far, this training included, in {}\n", trials::FILE));
    text
}

/// Adds every judged use of a network to the trials in `out`, as walk-forward does: their number is a fact. The
/// judged years are what a use could be chosen by. Answers how many trials there are now.
fn record_trials(out: &Path, findings: &Findings, data: &str) -> Result<usize, Failure> {
    let path = out.join(trials::FILE);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text.lines().filter(|line| !line.trim().is_empty()).count(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(Failure::io("read", &path, error)),
    };
    let [from, to] = findings.judged.map(|at| moment_text(Timestamp::from_nanos(at)));
    let record = |(trial, tried): (usize, conductor::Tried<'_>)| {
        let mut strategy = serde_json::Map::new();
        strategy.insert("conductor".to_owned(), tried.configuration);
        strategy.insert("data".to_owned(), data.into());
        let figures = tried.earned.figures;
        TrialRecord {
            fold: 0,
            part: Part::Train,
            trial,
            strategy,
            from: from.clone(),
            to: to.clone(),
            days: tried.earned.returns.len(),
            sharpe: Some(figures.sharpe),
            cagr_pct: Some(figures.cagr * 100.0),
            max_drawdown_pct: Some(figures.max_drawdown * 100.0),
            trades: None,
            head: None,
        }
    };
    let records: Vec<TrialRecord> = (before + 1..).zip(conductor::tried(findings)).map(record).collect();
    TrialBook::append(out)?.add(&records)?;
    Ok(before + records.len())
}

fn epochs(asked: usize) -> Result<usize, Failure> {
    let line = || Failure::request("train for 0 epochs: give at least 1".to_owned());
    (asked > 0).then_some(asked).ok_or_else(line)
}

fn folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|source| Failure::io("make", path, source))
}

fn write_json(path: &Path, document: &serde_json::Value) -> Result<(), Failure> {
    let text = format!("{document:#}\n");
    std::fs::write(path, text).map_err(|source| Failure::io("write", path, source))
}

/// Every series of bars of `interval` in `datasets`, by name.
fn series_of(datasets: &[PathBuf], interval: Span) -> Result<Vec<Series>, Failure> {
    let mut found: Vec<Series> = Vec::new();
    for dir in datasets {
        let reader = DatasetReader::open(dir)?;
        for entry in reader.series_list() {
            let is_wanted = entry.info.kind == RecordKind::Bars && entry.info.interval == Some(interval);
            if !is_wanted {
                continue;
            }
            let series = read_series(&reader.series(&entry.info.name())?, interval)?;
            if found.iter().any(|before| before.name == series.name) {
                let line = format!("train on {}: two datasets hold it; give one of them", series.name);
                return Err(Failure::request(line));
            }
            found.push(series);
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    if found.is_empty() {
        let line =
            format!("train on bars of {interval}: the datasets hold none; import some or give --interval");
        return Err(Failure::request(line));
    }
    Ok(found)
}

fn read_series(reader: &SeriesReader, interval: Span) -> Result<Series, Failure> {
    let info = reader.info();
    let scale = |decimals: u8| (0..decimals).fold(1.0_f64, |power, _| power * 10.0);
    let (prices, quantities) = (scale(info.price_decimals), scale(info.qty_decimals));
    let mut bars = Vec::new();
    let mut records: Vec<BarRecord> = Vec::new();
    for page in reader.pages(1)? {
        if !page?.copy_to(&mut records) {
            return Err(Failure::request(format!("train on {}: it holds no bars", info.name())));
        }
        bars.extend(records.iter().map(|record| {
            let bar = record.bar(InstrumentId::new(0), interval);
            let price = |units: i64| units as f64 / prices;
            let candle = Candle {
                open: price(record.open),
                high: price(record.high),
                low: price(record.low),
                close: price(record.close),
                volume: record.volume as f64 / quantities,
            };
            ClosedBar { close_at: bar.close_at.nanos(), candle }
        }));
    }
    let digest = hex(&reader.entry().head.digest);
    Ok(Series { name: info.name(), interval_ns: interval.nanos(), bars, digest })
}

fn train_seed_dann(terminal: Terminal, args: &SeedDannArgs) -> Result<Verdict, Failure> {
    let data = OriginalData::read(&args.data)?;
    let epochs = epochs(args.epochs)?;
    folder(&args.out)?;
    ends_keeping_nothing(terminal)?;
    let (report, trained) = original::train_all(&data, args.seed, epochs, &mut Line::steps(terminal))?;
    signals::is_done();
    let metadata = [("seed", args.seed.to_string()), ("dataset_digest", data.digest.clone())];
    let bytes = onnx::to_bytes(&original::graph(&trained), "seed-dann", &metadata);
    let path = args.out.join("seed-dann.onnx");
    std::fs::write(&path, &bytes).map_err(|source| Failure::io("write", &path, source))?;
    let document = json!({ "model": path.display().to_string(), "report": report });
    write_json(&args.out.join("seed-dann.report.json"), &document)?;
    terminal.answer(&document, &original::text(&report))?;
    Ok(Verdict::Fine)
}
