//! `import`: files of history, or a whole folder of them, into a dataset.

use std::fs::File;
use std::io::{IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use engine_core::time::{Span, Timestamp};
use journal_store::record::RecordKind;
use journal_store::series::BarTime;
use journal_store::small_file;
use replay_history::import::{
    ColumnMap, DateOrder, EmptyVolume, FORMATS, Format, FormatNotes, GapReading, ImportError, ImportOutcome,
    ImportRequest, PassedOver, Stream, TreeOutcome, TreeRequest, VolumeUnit, import, import_tree,
};
use serde_json::{Value, json};

use super::interruption::{ends_keeping, listen};
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use engine_application::wiring::clock::now_nanos;
use journal_store::chain::hex;

/// What is set aside of a stream unless the operator allows more: 64 GiB.
const STREAM_BYTES_MAX: u64 = 64 << 30;

/// The file that is standard input.
const STANDARD_INPUT: &str = "-";

const EXAMPLES: &str = "Examples:
  engine import --dataset data/btc --venue binance --instrument BTCUSDT BTCUSDT-1d-2024.zip
  zstdcat bars.csv.zst | engine import --dataset data/btc --venue binance --instrument BTCUSDT -
  engine import --dataset data/btc --venue binance --instrument BTCUSDT --stream /run/trades.fifo
  engine import --dataset data/btc --format frames frames";

mod recorded_frames;

use recorded_frames::{import_recorded, is_recording};

/// `engine import`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// Directory of the dataset; made when there is none.
    #[arg(long, value_name = "DIR", required_unless_present = "list_formats")]
    pub dataset: Option<PathBuf>,
    /// Name of the venue, as in binance; of a folder told by its names when absent.
    #[arg(long, value_name = "V")]
    pub venue: Option<String>,
    /// The venue's symbol, as in BTCUSDT; of a folder every one when absent.
    #[arg(long, value_name = "SYM")]
    pub instrument: Option<String>,
    /// What the rows are; found from the columns when absent.
    #[arg(long)]
    pub kind: Option<Kind>,
    /// Whose layout the files have; --list-formats tells them all.
    #[arg(long, default_value = "auto")]
    pub format: Layout,
    /// Columns by name or number, as in time=ts:ns,price=2,qty=3.
    #[arg(long, value_name = "NAME=COLUMN[:ns|us|ms|s],…", default_value = "")]
    pub columns: ColumnMap,
    /// Length of a bar, as in 1m or 1d; found from the rows when absent.
    #[arg(long, value_name = "I")]
    pub interval: Option<Span>,
    /// Which moment the times of bars name; known from the layout when absent.
    #[arg(long)]
    pub bar_time: Option<Moment>,
    /// Decimals kept of prices, more digits being rounded; when absent 8, or what the numbers need.
    #[arg(long, value_name = "N")]
    pub price_decimals: Option<u8>,
    /// Decimals kept of quantities, with those of prices at most 18; when absent 8, or what the numbers need.
    #[arg(long, value_name = "N")]
    pub qty_decimals: Option<u8>,
    /// What the volume of bars counts: base for the asset, quote for money, which is divided by the close.
    #[arg(long, value_name = "UNIT", default_value = "base")]
    pub volume_in: VolumeUnit,
    /// What a volume without digits means: refuse, or zero where nothing was traded.
    #[arg(long, value_name = "HOW", default_value = "refuse")]
    pub empty_volume: EmptyVolume,
    /// What bars that a source leaves out are: quiet where nothing was traded, or missing; known from the layout when
    /// absent.
    #[arg(long, value_name = "HOW")]
    pub gaps: Option<GapReading>,
    /// What comes first in dates such as 01/02/2021: dmy for the day, mdy for the month.
    #[arg(long, value_name = "ORDER")]
    pub date_order: Option<DateOrder>,
    /// Refuse data with any violation, and files whose rows go both ways in time.
    #[arg(long)]
    pub strict: bool,
    /// The data is made up: mark everything made from it.
    #[arg(long)]
    pub synthetic: bool,
    /// Also keep an append-only page log of the dataset, from which `engine rebuild` restores it.
    #[arg(long)]
    pub page_log: bool,
    /// Tell every layout that is known: how it is recognised, what its times mean, and the options it may need.
    #[arg(long)]
    pub list_formats: bool,
    /// Also read this pipe or device to its end; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub stream: Vec<PathBuf>,
    /// The most bytes of a stream, as it comes, that are set aside on the disk of the dataset.
    #[arg(long, value_name = "N", default_value_t = STREAM_BYTES_MAX)]
    pub stream_bytes_max: u64,
    /// The files, in any order, plain, .gz, .zst or .zip; - for standard input; or one folder of Binance's public data.
    #[arg(required_unless_present_any = ["list_formats", "stream"], value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Whose layout files have, or that they are recorded frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// What a venue said, as `engine record` and others keep it.
    Frames,
    /// Rows of a table.
    Table(Format),
}

/// What `--list-formats` says of recorded frames.
const FRAMES: [(&str, &str); 4] = [
    ("name", "frames"),
    (
        "recognised",
        "files of engine record by their names; captures of cryptofeed and hftbacktest by --format frames",
    ),
    ("times", "the venue's moment, and the moment of receipt; ns UTC"),
    (
        "options",
        "--venue where the files do not say whose frames they are; --instrument, --kind, --interval take a part",
    ),
];

impl std::str::FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "frames" { Ok(Self::Frames) } else { text.parse().map(Self::Table) }
    }
}

/// What rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Open, high, low and close over an interval.
    Bars,
    /// Single trades.
    Trades,
    /// Best bid and offer.
    Quotes,
}

impl From<Kind> for RecordKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Bars => Self::Bars,
            Kind::Trades => Self::Trades,
            Kind::Quotes => Self::Quotes,
        }
    }
}

/// Which moment the time of a bar names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Moment {
    /// When it begins.
    Open,
    /// When it ends.
    Close,
}

impl From<Moment> for BarTime {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Open => Self::Open,
            Moment::Close => Self::Close,
        }
    }
}

/// Imports files, or a folder, into a dataset.
///
/// # Errors
/// [`Failure::Import`]; of files nothing stored has changed then, of a folder the series before stay.
pub fn import_files(terminal: Terminal, args: ImportArgs) -> Result<Verdict, Failure> {
    if args.list_formats {
        let frames: Value = FRAMES.iter().map(|(key, words)| ((*key).to_owned(), json!(words))).collect();
        let mut formats: Vec<Value> = FORMATS.iter().map(|notes| json!(notes)).collect();
        formats.push(frames);
        terminal.answer(&json!({ "formats": formats }), &formats_text())?;
        return Ok(Verdict::Fine);
    }
    let are_recorded = !args.files.is_empty() && args.files.iter().all(|file| is_recording(file));
    if args.format == Layout::Frames || (args.format == Layout::Table(Format::Auto) && are_recorded) {
        return import_recorded(terminal, args);
    }
    args.files.iter().filter(|file| !is_standard_input(file)).try_for_each(|file| refuse_endless(file))?;
    let (venue, symbol) = (args.venue.clone(), args.instrument.clone());
    if let [dir] = args.files.as_slice()
        && dir.is_dir()
    {
        let dir = dir.clone();
        let request = ImportRequest { interruption: listen()?, ..request(args, "", "") };
        let tree = TreeRequest { dir, venue, symbol, request };
        return import_folder(terminal, &tree);
    }
    let (Some(venue), Some(symbol)) = (venue, symbol) else {
        let line =
            "import files: add --venue V and --instrument SYM, as in --venue binance --instrument BTCUSDT";
        return Err(Failure::request(line.to_owned()));
    };
    ends_keeping(terminal, || "nothing is stored".to_owned())?;
    let streams = streams(&args)?;
    let request = ImportRequest { streams, interruption: listen()?, ..request(args, &venue, &symbol) };
    let outcome = import(&request, &mut Line::bytes(terminal))?;
    terminal.answer(&document(&request.dataset, &outcome), &import_text(&request.dataset, &outcome))?;
    Ok(Verdict::Fine)
}

/// A device or a pipe need not end, and a file is read more than once.
fn refuse_endless(file: &Path) -> Result<(), Failure> {
    // What is not there is named where it is opened.
    let Ok(metadata) = std::fs::metadata(file) else { return Ok(()) };
    match small_file::not_plain(&metadata) {
        // A directory is refused, or read, where files are looked at.
        None | Some("a directory") => Ok(()),
        Some(what) => {
            let advice = "name it with --stream, or save it to a file first";
            Err(Failure::request(format!(
                "import {}: it is {what}, which need not end; {advice}",
                file.display()
            )))
        }
    }
}

fn is_standard_input(file: &Path) -> bool {
    file == Path::new(STANDARD_INPUT)
}

/// Reads standard input and every named stream to its end.
fn streams(args: &ImportArgs) -> Result<Vec<Arc<Stream>>, Failure> {
    let dataset = args.dataset.as_deref().unwrap_or(Path::new(""));
    let set_aside = |source: &mut dyn Read, name: &str| {
        Stream::set_aside(source, name, dataset, args.stream_bytes_max).map(Arc::new)
    };
    let mut streams = Vec::new();
    if args.files.iter().any(|file| is_standard_input(file)) {
        let mut input = std::io::stdin().lock();
        if input.is_terminal() {
            let line = "import -: standard input is a terminal; pipe a file into it, or name the file";
            return Err(Failure::request(line.to_owned()));
        }
        streams.push(set_aside(&mut input, "standard input")?);
    }
    for path in &args.stream {
        let mut source = File::open(path).map_err(|source| ImportError::Io {
            action: "open",
            path: path.display().to_string(),
            source,
        })?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        streams.push(set_aside(&mut source, &name)?);
    }
    Ok(streams)
}

fn request(args: ImportArgs, venue: &str, symbol: &str) -> ImportRequest {
    // The command line asks for a dataset wherever there are files.
    let dataset = args.dataset.unwrap_or_default();
    let files = args.files.into_iter().filter(|file| !is_standard_input(file)).collect();
    ImportRequest {
        kind: args.kind.map(Into::into),
        format: if let Layout::Table(format) = args.format { format } else { Format::Auto },
        columns: args.columns,
        interval: args.interval,
        bar_time: args.bar_time.map(Into::into),
        price_decimals: args.price_decimals,
        qty_decimals: args.qty_decimals,
        volume_unit: args.volume_in,
        empty_volume: args.empty_volume,
        gaps: args.gaps,
        date_order: args.date_order,
        now: Some(Timestamp::from_nanos(now_nanos())),
        strict: args.strict,
        synthetic: args.synthetic,
        page_log: args.page_log,
        ..ImportRequest::new(dataset, venue, symbol, files)
    }
}

fn import_folder(terminal: Terminal, tree: &TreeRequest) -> Result<Verdict, Failure> {
    let TreeOutcome { series, passed_over } = import_tree(tree, &mut Line::bytes(terminal))?;
    let dataset = &tree.request.dataset;
    let documents: Vec<Value> = series.iter().map(|outcome| document(dataset, outcome)).collect();
    let mut text: String = series.iter().map(|outcome| import_text(dataset, outcome)).collect();
    for PassedOver { reason, files, first } in &passed_over {
        text.push_str(&format!("passed over      {files} files: {reason} (first {first})\n"));
    }
    let document = json!({
        "dataset": dataset.display().to_string(),
        "series": documents,
        "passed_over": passed_over,
    });
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

fn document(dataset: &Path, outcome: &ImportOutcome) -> Value {
    json!({
        "dataset": dataset.display().to_string(),
        "series": outcome.entry.info.name(),
        "rows": outcome.rows,
        "skipped": outcome.skipped,
        "nothing_new": outcome.nothing_new,
        "records": outcome.entry.head.count,
        "digest": hex(&outcome.entry.head.digest),
        "files": outcome.files,
        "quality": outcome.quality,
        "violations": outcome.quality.violations(),
        "entry": outcome.entry,
    })
}

fn formats_text() -> String {
    let mut text = String::new();
    for FormatNotes { format, recognised, times, options } in &FORMATS {
        text.push_str(&format!("{format}\n  recognised  {recognised}\n  times       {times}\n"));
        if !options.is_empty() {
            text.push_str(&format!("  options     {options}\n"));
        }
    }
    let [(_, name), (_, recognised), (_, times), (_, options)] = FRAMES;
    text.push_str(&format!(
        "{name}\n  recognised  {recognised}\n  times       {times}\n  options     {options}\n"
    ));
    text
}

fn import_text(dataset: &Path, outcome: &ImportOutcome) -> String {
    let name = outcome.entry.info.name();
    let records = outcome.entry.head.count;
    if outcome.nothing_new {
        return format!("{name}: nothing new; {records} records in {}\n", dataset.display());
    }
    let ImportOutcome { rows, skipped, quality, .. } = outcome;
    let mut text = format!(
        "{name}: {rows} rows added, {skipped} passed over; {records} records in {}\n",
        dataset.display()
    );
    text.push_str(&quality.to_string());
    for violation in quality.violations() {
        text.push_str(&format!("violation        {violation}\n"));
    }
    text
}
