//! `regimes eval` and `regimes show`: who names market regimes, how well, and what they say of a market.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use engine_core::regime::change_point::ChangePointDetector;
use engine_core::regime::posterior::PosteriorModel;
use engine_core::regime::two_axis::{TwoAxisDetector, TwoAxisParameters};
use engine_core::time::Timestamp;
use journal_store::dataset::DatasetReader;
use journal_store::record::RecordKind;
use journal_store::series::SeriesEntry;
use replay_regimes::{
    BarSeries, Candidate, LabelRule, Recogniser, StoredBarsError, hmm_refitted, jump_refitted,
    scaled_two_axis, stored_bars, two_axis_refitted,
};
use strategies_legacy::detector::LegacyDetector;

use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;
use engine_application::moment::parse_moment;

mod eval;
mod portfolio;
mod show;
mod words;

/// What to do with regime detectors.
#[derive(Debug, Subcommand)]
pub enum RegimesCommand {
    /// Judge detectors against hindsight labels, beside baselines and null markets.
    Eval(EvalArgs),
    /// Print what a detector says of a market, and draw it over the price.
    Show(ShowArgs),
    /// Print the regime of several markets together: their index, correlation and absorption ratio.
    Portfolio(PortfolioArgs),
}

/// Which bars.
#[derive(Debug, Args)]
pub struct Market {
    /// The dataset.
    #[arg(long, value_name = "DIR")]
    pub dataset: PathBuf,
    /// The venue's symbol, or venue:symbol; may be left out where there is one series of bars.
    #[arg(long, value_name = "SYM")]
    pub instrument: Option<String>,
    /// Only bars that begin before this moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<Timestamp>,
    /// The first bar that is judged or shown; when absent that after three tenths of the bars, which are left to
    /// warm up and to fit on.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Timestamp>,
}

/// `engine regimes eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Which bars.
    #[command(flatten)]
    pub market: Market,
    /// Which detector.
    #[arg(long, value_name = "D", default_value = "two-axis")]
    pub detector: Asked,
    /// Markets made for each null; none with 0.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=100_000))]
    pub nulls: u64,
    /// Everything random comes from here.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `engine regimes show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which bars.
    #[command(flatten)]
    pub market: Market,
    /// Which detector.
    #[arg(long, value_name = "D", default_value = "two-axis")]
    pub detector: Detector,
    /// Draw the regimes over the price in a self-contained HTML file.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
}

/// `engine regimes portfolio`.
#[derive(Debug, Args)]
pub struct PortfolioArgs {
    /// The dataset.
    #[arg(long, value_name = "DIR")]
    pub dataset: PathBuf,
    /// A market of the portfolio, several times; every series of bars when left out.
    #[arg(long = "instrument", value_name = "SYM")]
    pub instruments: Vec<String>,
    /// Only bars that begin before this moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<Timestamp>,
    /// The first bar that is shown; all before it still teach.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Timestamp>,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    parse_moment(text)
        .ok_or_else(|| "write a day or moment such as 2018-01-01 or 2018-01-01T12:00:00Z".to_owned())
}

/// A detector by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Detector {
    /// The two-axis rule with hysteresis, the default.
    TwoAxis,
    /// The same with windows in proportion to those of the labels; on daily bars it is the same.
    TwoAxisScaled,
    /// The original system's detector.
    Legacy,
    /// A Gaussian hidden Markov model, fitted each year.
    Hmm,
    /// A statistical jump model, fitted each year.
    Jump,
    /// Bayesian online change-point detection with the two-axis rule on what it finds.
    ChangePoint,
}

/// The detectors that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// This one.
    One(Detector),
    /// Every one of them.
    All,
}

impl ValueEnum for Asked {
    fn value_variants<'a>() -> &'a [Self] {
        static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| {
            Detector::value_variants().iter().copied().map(Asked::One).chain([Asked::All]).collect()
        });
        &ASKED
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::One(detector) => detector.to_possible_value(),
            Self::All => Some(PossibleValue::new("all").help("Every one of them")),
        }
    }
}

impl Asked {
    /// Each detector asked for, and the original's, which every other is compared with. Where the default rule's
    /// windows are not in proportion to the labels, the rule with such windows stands beside it.
    fn detectors(self, rule: &LabelRule) -> Vec<Detector> {
        let mut all = match self {
            Self::One(Detector::TwoAxis) => vec![Detector::TwoAxis, Detector::TwoAxisScaled],
            Self::One(detector) => vec![detector],
            Self::All => Detector::value_variants().to_vec(),
        };
        all.retain(|detector| *detector != Detector::Legacy);
        let twice = *rule == LabelRule::DAILY && all.contains(&Detector::TwoAxis);
        all.retain(|detector| !twice || *detector != Detector::TwoAxisScaled);
        all.push(Detector::Legacy);
        all
    }
}

impl Detector {
    /// Its name on the command line.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The windows of a two-axis rule; `None` for other detectors.
    fn two_axis(self, rule: &LabelRule) -> Option<TwoAxisParameters> {
        match self {
            Self::TwoAxis => Some(TwoAxisParameters::default()),
            Self::TwoAxisScaled => Some(scaled_two_axis(rule)),
            Self::Legacy | Self::Hmm | Self::Jump | Self::ChangePoint => None,
        }
    }

    fn recogniser(self, rule: &LabelRule) -> Result<Recogniser, Failure> {
        Ok(match self {
            Self::TwoAxis | Self::TwoAxisScaled => {
                let parameters = self.two_axis(rule).unwrap_or_default();
                let fresh = TwoAxisDetector::new(parameters, PosteriorModel::DEFAULT);
                let fresh =
                    fresh.map_err(|error| Failure::request(format!("make {}: {error}", self.name())))?;
                Recogniser::fixed(move || fresh.clone())
            }
            Self::Legacy => Recogniser::fixed(LegacyDetector::default),
            Self::Hmm => hmm_refitted(),
            Self::Jump => jump_refitted(),
            Self::ChangePoint => Recogniser::fixed(ChangePointDetector::default),
        })
    }

    fn candidate(self, rule: &LabelRule) -> Result<Candidate, Failure> {
        let refitted = self.two_axis(rule).map(two_axis_refitted);
        Ok(Candidate { name: self.name(), recogniser: self.recogniser(rule)?, refitted })
    }
}

/// Runs `engine regimes`.
///
/// # Errors
/// [`Failure`] when the bars cannot be read, are too few, overlap or never move.
pub fn regimes(terminal: Terminal, command: &RegimesCommand) -> Result<Verdict, Failure> {
    match command {
        RegimesCommand::Eval(args) => eval::eval(terminal, args),
        RegimesCommand::Show(args) => show::show(terminal, args),
        RegimesCommand::Portfolio(args) => portfolio::portfolio(terminal, args),
    }
}

/// A market as it was read.
#[derive(Debug)]
struct Read {
    name: String,
    synthetic: bool,
    series: BarSeries,
    from: usize,
}

impl Read {
    fn of(market: &Market) -> Result<Self, Failure> {
        Self::from(&DatasetReader::open(&market.dataset)?, market)
    }

    fn from(dataset: &DatasetReader, market: &Market) -> Result<Self, Failure> {
        let entry = chosen(&market.dataset, dataset.series_list(), market.instrument.as_deref())?;
        let info = &entry.info;
        let series = dataset.series(&info.name())?;
        let series = stored_bars(&series, market.to).map_err(|error| match error {
            StoredBarsError::Dataset(error) => Failure::from(error),
            unsuited @ (StoredBarsError::NoBars { .. } | StoredBarsError::Unsound { .. }) => {
                Failure::request(unsuited.to_string())
            }
        })?;
        if series.is_empty() {
            return Err(Failure::request(format!(
                "read {}: it has no bars in the asked period",
                info.name()
            )));
        }
        let from = market.from.map_or(series.len() * 3 / 10, |from| series.place(from));
        Ok(Self { name: info.name(), synthetic: info.synthetic, series, from })
    }
}

/// The one series of bars that was meant.
fn chosen<'a>(
    dir: &Path,
    entries: &'a [SeriesEntry],
    instrument: Option<&str>,
) -> Result<&'a SeriesEntry, Failure> {
    let bars: Vec<&SeriesEntry> =
        entries.iter().filter(|entry| entry.info.kind == RecordKind::Bars).collect();
    let meant = |entry: &&&SeriesEntry| {
        let info = &entry.info;
        instrument.is_none_or(|name| name == info.symbol || name == format!("{}:{}", info.venue, info.symbol))
    };
    let found: Vec<&SeriesEntry> = bars.iter().filter(meant).copied().collect();
    let names: Vec<String> =
        bars.iter().map(|entry| format!("{}:{}", entry.info.venue, entry.info.symbol)).collect();
    let place = dir.display();
    match (found.as_slice(), bars.len()) {
        ([only], _) => Ok(only),
        (_, 0) => Err(Failure::request(format!("read {place}: it holds no bars; regimes are named of bars"))),
        ([], _) => {
            let asked = instrument.unwrap_or_default();
            Err(Failure::request(format!("read {asked:?} in {place}: it holds bars of {}", names.join(", "))))
        }
        (_, _) => Err(Failure::request(format!(
            "read {place}: it holds bars of {}; choose with --instrument",
            names.join(", ")
        ))),
    }
}
