//! A commented configuration for a dataset and a policy, to begin with.

use std::path::Path;

use engine_core::time::Span;
use journal_store::record::RecordKind;
use journal_store::series::SeriesInfo;
use replay_simulation::series_feed::OpenDatasets;
use strategies::catalogue::parameters::{Parameter, parameters};
use strategies::settings::SettingError;

use crate::config::{Available, ResolveError, RunSettings, resolve, toml_text};
use crate::wiring::error::ApplicationError;

/// The text of a configuration that runs `strategy` on the series of the dataset in `dataset`; `file` is where it will lie.
///
/// Series that cannot be in one run with the others are written as comments. What is returned was read and joined with
/// the dataset, so that it runs, once a file that its strategy reads is there.
///
/// # Errors
/// [`ApplicationError`] when dataset or policy cannot be used.
pub fn draft(dataset: &Path, strategy: &str, file: &Path) -> Result<String, ApplicationError> {
    let mut datasets = OpenDatasets::default();
    let available = Available::of(dataset, datasets.reader(dataset)?)?;
    let parameters = parameters(strategy).map_err(|error| ApplicationError::Request(named(&error)))?;
    let (used, left) = chosen(&available.series, strategy);
    let Some(first) = used.first() else {
        return Err(ApplicationError::Request(format!(
            "write a configuration for {}: it holds no series; import some history",
            dataset.display()
        )));
    };
    let text = [
        head(dataset, strategy, file),
        RUN.to_owned(),
        data(&used, &left),
        bars(first),
        COSTS.to_owned(),
        policy(strategy, &parameters),
    ]
    .concat();
    let settings = RunSettings::read_toml(&file.display().to_string(), &text)?;
    match resolve(&settings, &[available]) {
        // The file that a strategy reads may be made after the configuration that names it.
        Ok(_) | Err(ResolveError::Setting(SettingError::File { .. })) => Ok(text),
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with the name of a policy, without the key it has in a file.
fn named(error: &SettingError) -> String {
    error.to_string().replacen("`strategy.name`", "--strategy", 1)
}

/// The series that one run can read, and the others: one kind, and for bars one length; the seed's run reads one.
fn chosen<'a>(series: &'a [SeriesInfo], strategy: &str) -> (Vec<&'a SeriesInfo>, Vec<&'a SeriesInfo>) {
    let kinds = [RecordKind::Bars, RecordKind::Trades, RecordKind::Quotes];
    let first = kinds.iter().find_map(|kind| series.iter().find(|info| info.kind == *kind));
    let fits = |info: &&SeriesInfo| {
        first.is_some_and(|first| info.kind == first.kind && info.interval == first.interval)
    };
    let (mut used, mut left): (Vec<_>, Vec<_>) = series.iter().partition(fits);
    if strategy == "seed-3d" && used.len() > 1 {
        left.extend(used.split_off(1));
    }
    (used, left)
}

fn head(dataset: &Path, strategy: &str, file: &Path) -> String {
    let (dataset, file) = (dataset.display(), file.display());
    format!(
        "# {strategy} on {dataset}. Under [strategy] a key that is left out has the value it has here; left out costs are none.\n#\n\
         #   engine backtest {file} --dataset {dataset} --run RUN --report RUN.html\n\
         #   engine backtest {file} --dataset {dataset} --run OTHER --set KEY=VALUE\n#\n\
         # `engine help CONFIG` explains every key, `engine strategies {strategy}` those of the strategy.\n\n"
    )
}

const RUN: &str = "\
[run]
capital = \"100000\"          # start capital in the settlement currency
currency = \"USDT\"
seed = 0                    # of everything random in simulation
end = \"keep\"                # positions when the data ends; \"flatten\" closes them
# from = 2020-01-01         # records before are not read
# to = 2024-01-01           # records at or after are not read

";

const COSTS: &str = "\
[costs]
maker_fee = \"0.1%\"          # for orders that waited
taker_fee = \"0.1%\"          # for orders that took
slippage = \"5bps\"           # how much worse than its reference a taking order fills

[risk]
account = \"margin\"          # \"cash\": no shorts, no borrowing
leverage_max = 1            # largest gross exposure as a share of equity
drawdown_max = 1            # fall from the equity peak that halts trading; 1 never halts before equity is gone

";

fn data(used: &[&SeriesInfo], left: &[&SeriesInfo]) -> String {
    let section = |mark: &str, info: &SeriesInfo| {
        let length = info.interval.map_or(String::new(), |interval| format!(" of {interval}"));
        let made_up = if info.synthetic { ", synthetic" } else { "" };
        format!(
            "{mark}[[data]]                    # {}{length}{made_up}\n{mark}venue = {:?}\n{mark}symbol = {:?}\n\
             {mark}kind = {:?}\n\n",
            info.kind,
            info.venue,
            info.symbol,
            info.kind.word()
        )
    };
    let used = used.iter().map(|info| section("", info));
    let note = (!left.is_empty()).then(|| "# Not in one run with the series above:\n".to_owned());
    used.chain(note).chain(left.iter().map(|info| section("# ", info))).collect()
}

/// Trades become bars first: a decision at every trade is seldom what is meant.
fn bars(first: &SeriesInfo) -> String {
    match first.kind {
        RecordKind::Trades => {
            let minute = Span::MINUTE;
            format!(
                "[bars]                      # trades become bars\nrule = \"time\"\ninterval = \"{minute}\"\n\n"
            )
        }
        RecordKind::Bars | RecordKind::Quotes => String::new(),
    }
}

fn policy(strategy: &str, parameters: &[Parameter]) -> String {
    let mut text = format!("[strategy]\nname = {strategy:?}\n");
    let written = strategies::catalogue::parameters::example(strategy);
    let genes = parameters.iter().filter(|parameter| parameter.key.contains('.')).count();
    for Parameter { key, meaning, allowed, default, .. } in
        parameters.iter().filter(|one| !one.key.contains('.'))
    {
        let value = written.get(key).unwrap_or(default);
        let line = match value.is_null() {
            true => format!("# {key} = …"),
            false => format!("{key} = {}", toml_text(value)),
        };
        text.push_str(&format!("{line:<27} # {meaning}; {allowed}\n"));
    }
    if genes > 0 {
        text.push_str(&format!(
            "# {genes} genes have settings of their own: `engine strategies {strategy}`\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use replay_history::synth::{SynthRequest, SynthSize, synthesise};
    use strategies::catalogue::POLICIES;

    use super::*;

    fn market(dir: &Path, symbol: &str, size: SynthSize) {
        let request = SynthRequest {
            dataset: dir.to_path_buf(),
            venue: "synthetic".to_owned(),
            symbol: symbol.to_owned(),
            seed: 7,
            size,
        };
        synthesise(&request).unwrap();
    }

    #[test]
    fn every_policy_gets_a_configuration_that_fits_the_dataset() {
        let dir = tempfile::tempdir().unwrap();
        market(dir.path(), "ONE", SynthSize::Bars(50, Span::DAY));
        market(dir.path(), "TWO", SynthSize::Bars(50, Span::DAY));
        market(dir.path(), "HOURS", SynthSize::Bars(50, Span::HOUR));
        for (name, _) in POLICIES {
            let text = draft(dir.path(), name, Path::new("x.toml")).unwrap();
            let settings = RunSettings::read_toml("x.toml", &text).unwrap();
            assert_eq!(settings.policy.name(), name);
            let table = strategies::catalogue::parameters::example(name);
            assert_eq!(
                settings.policy,
                strategies::catalogue::read(&table).unwrap(),
                "{name}: defaults only"
            );
            assert!(text.contains("# [[data]]"), "{name}: {text}");
        }
    }

    #[test]
    fn trades_become_bars_and_wrong_names_get_one_line() {
        let dir = tempfile::tempdir().unwrap();
        market(dir.path(), "T", SynthSize::Ticks(100));
        assert!(draft(dir.path(), "donchian", Path::new("x.toml")).unwrap().contains("interval = \"1m\""));
        let error = draft(dir.path(), "donchain", Path::new("x.toml")).unwrap_err().to_string();
        assert!(
            error.contains("--strategy = \"donchain\"") && error.contains("did you mean `donchian`"),
            "{error}"
        );
    }
}
