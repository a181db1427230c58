//! `regimes portfolio`: what several markets do together, change by change.

use engine_core::real::Real;
use engine_core::regime::Regime;
use engine_core::regime::portfolio::PortfolioReading;
use engine_core::time::Timestamp;
use journal_store::dataset::DatasetReader;
use journal_store::record::RecordKind;
use replay_regimes::{PortfolioBar, PortfolioChange, portfolio_changes, portfolio_readings};
use serde_json::{Value, json};

use super::{Market, PortfolioArgs, Read};
use crate::output::failure::{Failure, Verdict};
use crate::output::{table::columns, terminal::Terminal};
use engine_application::moment::moment_text;

/// Runs `engine regimes portfolio`.
pub(super) fn portfolio(terminal: Terminal, args: &PortfolioArgs) -> Result<Verdict, Failure> {
    let reads = markets(args)?;
    let names: Vec<&str> = reads.iter().map(|read| read.name.as_str()).collect();
    let Some((first, others)) = reads.split_first() else { return Ok(Verdict::Fine) };
    if others.is_empty() {
        let reason = format!("a portfolio has two markets at least, found only {}", first.name);
        return Err(Failure::request(reason));
    }
    if let Some(odd) = others.iter().find(|read| read.series.interval() != first.series.interval()) {
        return Err(Failure::request(format!(
            "read {} beside {}: their bars last {} and {}; a portfolio takes bars of one length",
            odd.name,
            first.name,
            odd.series.interval(),
            first.series.interval()
        )));
    }
    let synthetic = reads.iter().any(|read| read.synthetic);
    let series: Vec<_> = reads.iter().map(|read| read.series.clone()).collect();
    let mut bars = portfolio_readings(&series).map_err(|error| Failure::request(error.to_string()))?;
    let shown = |at: Timestamp| args.from.is_none_or(|from| at >= from);
    let mut changes = portfolio_changes(&bars);
    changes.retain(|change| shown(change.at));
    bars.retain(|bar| shown(bar.at));
    let said = bars.iter().filter(|bar| bar.reading.is_some()).count();
    let Some(last) = bars.iter().rev().find(|bar| bar.reading.is_some()) else {
        let (names, bars) = (names.join(", "), bars.len());
        return Err(Failure::request(format!("name the regimes of {names}: {bars} bars are too few")));
    };
    let document = json!({
        "dataset": args.dataset.display().to_string(),
        "series": names,
        "synthetic": synthetic,
        "bars": bars.len(),
        "bars_with_reading": said,
        "share_of_bars": shares(&bars, said),
        "last": last.reading.map(|reading| reading_document(last.at, None, &reading)),
        "transitions": changes.iter().map(|change| reading_document(change.at, change.from, &change.reading)).collect::<Vec<_>>(),
    });
    let mut text = table(&changes);
    text.push_str(&format!(
        "{}{}: {} changes in {said} of {} bars\n",
        names.join(" + "),
        if synthetic { " (SYNTHETIC)" } else { "" },
        changes.iter().filter(|change| change.from.is_some()).count(),
        bars.len(),
    ));
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

/// The markets that were named, or every series of bars.
fn markets(args: &PortfolioArgs) -> Result<Vec<Read>, Failure> {
    let dataset = DatasetReader::open(&args.dataset)?;
    let all = dataset.series_list().iter().filter(|entry| entry.info.kind == RecordKind::Bars);
    let mut instruments = args.instruments.clone();
    if instruments.is_empty() {
        instruments = all.map(|entry| format!("{}:{}", entry.info.venue, entry.info.symbol)).collect();
    }
    if let Some(twice) =
        (1..instruments.len()).find(|place| instruments[..*place].contains(&instruments[*place]))
    {
        let reason = format!("{} was named twice; a portfolio holds a market once", instruments[twice]);
        return Err(Failure::request(reason));
    }
    let market = |instrument: String| Market {
        dataset: args.dataset.clone(),
        instrument: Some(instrument),
        to: args.to,
        from: args.from,
    };
    let reads: Vec<Read> =
        instruments.into_iter().map(|name| Read::from(&dataset, &market(name))).collect::<Result<_, _>>()?;
    if reads.is_empty() {
        let place = args.dataset.display();
        return Err(Failure::request(format!("read {place}: it holds no bars; regimes are named of bars")));
    }
    Ok(reads)
}

/// How much of the bars with a reading each regime has.
fn shares(bars: &[PortfolioBar], said: usize) -> Value {
    let share = |regime: Regime| {
        let named = bars.iter().filter(|bar| bar.reading.is_some_and(|reading| reading.regime == regime));
        (regime.name().to_owned(), json!(named.count() as f64 / said as f64))
    };
    Value::Object(Regime::ALL.into_iter().map(share).collect())
}

fn reading_document(at: Timestamp, from: Option<Regime>, reading: &PortfolioReading) -> Value {
    json!({
        "at": moment_text(at),
        "from": from,
        "regime": reading.regime,
        "raw": reading.raw,
        "index": reading.index,
        "correlation": reading.correlation,
        "correlation_high": reading.correlation_high,
        "absorption": reading.absorption,
        "volatile_share": reading.volatile_share,
        "falling_share": reading.falling_share,
    })
}

fn table(changes: &[PortfolioChange]) -> String {
    let head =
        ["bar of", "from", "to", "index", "correlation", "high from", "absorption", "volatile", "falling"];
    let figure = |value: Option<Real>| value.map_or("-".to_owned(), |value| format!("{:.2}", value.get()));
    let row = |change: &PortfolioChange| {
        let reading = &change.reading;
        vec![
            moment_text(change.at),
            change.from.map_or("-", Regime::name).to_owned(),
            reading.regime.name().to_owned(),
            reading.index.regime.name().to_owned(),
            figure(reading.correlation),
            figure(reading.correlation_high),
            figure(reading.absorption),
            format!("{:.0} %", reading.volatile_share.get() * 100.0),
            format!("{:.0} %", reading.falling_share.get() * 100.0),
        ]
    };
    columns(&head, &changes.iter().map(row).collect::<Vec<_>>())
}
