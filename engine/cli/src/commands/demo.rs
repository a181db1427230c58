//! `demo`: a market, a backtest on it, its replay, its proof and its report, in one command.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::time::Span;
use journal_store::chain::hex;
use journal_store::record::RecordKind;
use journal_store::series::{SeriesEntry, SeriesInfo};
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
    /// Symbol of your files; from the name of the first when absent.
    #[arg(long, value_name = "SYM")]
    pub instrument: Option<String>,
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
    let config = config_for(&market.info);
    write_whole(&place.config, config.as_bytes())?;
    let done = backtest(terminal, &RunSettings::read_toml("demo.toml", &config)?, &place)?;
    if done.verdict == Verdict::Interrupted {
        terminal.answer(&done.document, &done.text)?;
        return Ok(done.verdict);
    }
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

/// The averages of the shipped configuration, which is for bars of an hour.
const AVERAGES: [(&str, i64); 3] = [("fast", 120), ("slow", 480), ("warmup", 480)];

/// Fewer bars than this make no average.
const FAST_BARS_MIN: i64 = 10;

/// The shipped configuration, its averages as long in time as over hours where that leaves enough bars. Trades become
/// bars of a minute first, or every tick would be a decision.
fn config_for(series: &SeriesInfo) -> String {
    let interval = match (series.kind, series.interval) {
        (RecordKind::Bars, Some(interval)) => interval,
        (RecordKind::Trades, _) => return format!("{CONFIG}\n[bars]\nrule = \"time\"\ninterval = \"1m\"\n"),
        (RecordKind::Bars | RecordKind::Quotes, _) => return CONFIG.to_owned(),
    };
    let [(_, fast), (_, slow), _] = AVERAGES;
    let bars = |hours: i64| hours.saturating_mul(Span::HOUR.nanos()) / interval.nanos().max(1);
    let fast_bars = bars(fast).max(FAST_BARS_MIN);
    AVERAGES.iter().fold(CONFIG.to_owned(), |text, (key, hours)| {
        let length = if *hours == slow { fast_bars.saturating_mul(slow / fast) } else { fast_bars };
        text.replace(&format!("\n{key} = {hours}"), &format!("\n{key} = {length}"))
    })
}

/// The symbol that a file name says: its first part that looks like one, as in `BTCUSDT-1d-2024.zip`.
fn symbol_of(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_string_lossy().to_uppercase();
    let parts: Vec<&str> = name.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    let stem = parts.split_last().map_or(&[] as &[&str], |(_, stem)| stem);
    let quoted = |part: &&&str| {
        let quotes = ["USDT", "USDC", "USD", "EUR", "BTC", "ETH"];
        quotes.iter().any(|quote| part.len() > quote.len() && part.ends_with(quote))
    };
    let lettered = |part: &&&str| part.starts_with(|letter: char| letter.is_ascii_alphabetic());
    stem.iter().find(quoted).or_else(|| stem.iter().find(lettered)).map(|part| (*part).to_owned())
}

fn market(terminal: Terminal, args: &DemoArgs, place: &Place) -> Result<SeriesEntry, Failure> {
    let symbol = args.instrument.clone().or_else(|| args.data.first().and_then(|file| symbol_of(file)));
    let symbol = symbol.unwrap_or_else(|| "DEMO".to_owned());
    if args.data.is_empty() {
        let request = SynthRequest {
            dataset: place.dataset.clone(),
            venue: "synthetic".to_owned(),
            symbol,
            seed: args.seed,
            size: SynthSize::Bars(BARS, Span::HOUR),
        };
        return Ok(synthesise(&request)?.entry);
    }
    let files = args.data.clone();
    let request = ImportRequest {
        kind: args.kind.map(Into::into),
        ..ImportRequest::new(&place.dataset, "demo", &symbol, files)
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

#[cfg(test)]
mod tests {
    use strategies::catalogue::Policy;

    use super::*;

    fn averages(interval: Span) -> (u32, u32, u32) {
        let series = SeriesInfo {
            venue: "v".to_owned(),
            symbol: "S".to_owned(),
            kind: RecordKind::Bars,
            price_decimals: 2,
            qty_decimals: 2,
            interval: Some(interval),
            bar_time: None,
            synthetic: false,
        };
        let settings = RunSettings::read_toml("demo.toml", &config_for(&series)).unwrap();
        let Policy::EmaCross(params) = settings.policy else { panic!("another policy") };
        (params.fast, params.slow, params.warmup)
    }

    #[test]
    fn averages_are_as_long_in_time_whatever_the_bars() {
        assert_eq!(averages(Span::HOUR), (120, 480, 480), "as it is shipped");
        assert_eq!(averages(Span::DAY), (10, 40, 40), "and never fewer bars than make an average");
        assert_eq!(averages(Span::MINUTE), (7_200, 28_800, 28_800));
    }

    #[test]
    fn a_file_name_tells_its_symbol() {
        let cases = [
            ("BTCUSDT-1d-2024.zip", Some("BTCUSDT")),
            ("data/binance_ETHUSDT_1h.csv.zst", Some("ETHUSDT")),
            ("synthetic-SYNUSD-trades.csv", Some("SYNUSD")),
            ("goog.csv", Some("GOOG")),
            ("2024.csv", None),
        ];
        for (file, symbol) in cases {
            assert_eq!(symbol_of(Path::new(file)).as_deref(), symbol, "{file}");
        }
    }
}
