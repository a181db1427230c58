//! Settings joined with what a venue says of its symbols, for runs on real time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine_core::instrument::Instrument;
use engine_core::num::{Decimal, MONEY_DECIMALS};
use journal_store::record::RecordKind;
use journal_store::series::SeriesInfo;
use replay_simulation::config::BacktestConfig;

use super::resolve::resolve;
use super::resolve_error::ResolveError;
use super::series::Available;
use super::{DataSection, RunSettings};

/// Joins settings with the rules of the `instruments` they name. Steps and minimums are the venue's, where the settings
/// do not say otherwise.
///
/// # Errors
/// [`ResolveError`] for the first thing that does not fit.
pub fn resolve_live(
    settings: &RunSettings,
    instruments: &[Instrument],
) -> Result<BacktestConfig, ResolveError> {
    let mut settings = settings.clone();
    for rules in instruments {
        state_rules(&mut settings, rules);
    }
    let series = settings.data.iter().filter_map(|data| series_of(data, instruments)).collect();
    let venue = Available { dataset: PathBuf::new(), series, beginnings: BTreeMap::new() };
    resolve(&settings, &[venue])
}

fn series_of(data: &DataSection, instruments: &[Instrument]) -> Option<SeriesInfo> {
    let rules = instruments.iter().find(|rules| rules.symbol == data.symbol)?;
    let kind = data.kind.unwrap_or(RecordKind::Trades);
    Some(SeriesInfo {
        venue: rules.venue.clone(),
        symbol: rules.symbol.clone(),
        kind,
        price_decimals: rules.price_decimals,
        qty_decimals: rules.qty_decimals,
        interval: data.interval.filter(|_| kind == RecordKind::Bars),
        bar_time: None,
        synthetic: false,
    })
}

/// Writes the rules of the venue into the settings, where they say nothing.
fn state_rules(settings: &mut RunSettings, rules: &Instrument) {
    let named = format!("{}:{}", rules.venue, rules.symbol);
    let name = if settings.instruments.contains_key(&named) { named } else { rules.symbol.clone() };
    let section = settings.instruments.entry(name).or_default();
    let of = |units, decimals| Some(Decimal { units, decimals });
    section.tick = section.tick.or_else(|| of(i128::from(rules.tick.units()), rules.price_decimals));
    section.lot = section.lot.or_else(|| of(rules.lot.units(), rules.qty_decimals));
    if section.notional_min.is_none() && rules.notional_min.is_positive() {
        section.notional_min = Some(shortened(rules.notional_min.units(), MONEY_DECIMALS));
    }
}

/// An amount with no more decimals than it needs, so that its digits fit.
fn shortened(mut units: i128, mut decimals: u8) -> Decimal {
    while decimals > 0 && units % 10 == 0 {
        (units, decimals) = (units / 10, decimals - 1);
    }
    Decimal { units, decimals }
}
