//! Settings and datasets joined: decimals are known, series are chosen, everything is checked together.

use engine_core::bars::BarRule;
use engine_core::instrument::Instrument;
use engine_core::machine::CoreConfig;
use engine_core::mark::MarkRule;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty};
use engine_core::risk::RiskLimits;
use engine_core::strategy::Strategy;
use journal_store::record::RecordKind;
use journal_store::series::SeriesInfo;
use replay_simulation::config::{BacktestConfig, FeedConfig, FillModel};
use strategies::sample::Source;
use strategies::settings::SettingError;
use strategies::spelling::nearest_name;
use strategies::trading::{RunFacts, at_decimals, names};

use super::canonical::canonical;
use super::conductor::watch;
use super::impact::ImpactSection;
use super::resolve_error::ResolveError;
use super::series::{Available, Chosen, choose, series_names};
use super::target_file::with_targets;
use super::{BarsSection, DataSection, InstrumentSection, RunSection, RunSettings};

/// Joins settings and datasets into a backtest.
///
/// # Errors
/// [`ResolveError`] for the first thing that does not fit.
pub fn resolve(settings: &RunSettings, available: &[Available]) -> Result<BacktestConfig, ResolveError> {
    let chosen = choose(settings, available)?;
    let (instruments, feeds) = instruments(settings, &chosen)?;
    let mut settings = settings.clone();
    settings.data = chosen.iter().map(|(_, series)| section_of(series, &settings.data)).collect();
    settings.run.fill = Some(fill(&settings, &chosen)?);
    check_bars(&settings, &chosen)?;
    check_mark(&settings, &chosen)?;
    check_symbols(&settings, &instruments)?;
    settings.policy = with_targets(&settings)?;
    policy_of(&settings, &instruments)?;
    let config_json = canonical(&settings);
    Ok(recorded(&settings, config_json, instruments, feeds)?)
}

/// The backtest of settings that are resolved already, as a manifest keeps them.
///
/// # Errors
/// [`SettingError`] for a number finer than the instruments can hold.
pub fn recorded(
    settings: &RunSettings,
    config_json: String,
    instruments: Vec<Instrument>,
    feeds: Vec<FeedConfig>,
) -> Result<BacktestConfig, SettingError> {
    let core = core_config(settings, instruments)?;
    Ok(BacktestConfig {
        strategy: settings.policy.name().to_owned(),
        config_json,
        seed: settings.run.seed,
        capital: core.capital,
        instruments: core.instruments,
        feeds,
        from: settings.run.from,
        to: settings.run.to,
        bars: core.bars,
        mark: core.mark,
        fill: settings.run.fill.unwrap_or(FillModel::NextOpen),
        end: settings.run.end,
        costs: settings.costs,
        impact: settings.impact.as_ref().map(ImpactSection::model),
        latency: settings.latency,
        venue: settings.venue,
        wait_bars_max: core.wait_bars_max,
        limits: core.limits,
        watch: core.watch,
        journal: settings.journal,
    })
}

/// What the core of a run is made of besides its strategy.
fn core_config(settings: &RunSettings, instruments: Vec<Instrument>) -> Result<CoreConfig, SettingError> {
    let qty = |path: &str, number: Decimal| {
        let decimals = instruments.iter().map(|rules| rules.qty_decimals).min().unwrap_or_default();
        let same = instruments.iter().all(|rules| rules.qty_decimals == decimals);
        let units = at_decimals(number, decimals);
        let allowed = format!("at most {decimals} decimals, the same for every instrument");
        units.filter(|_| same).map(Qty::from_units).ok_or_else(|| out_of_range(path, number, &allowed))
    };
    let bars = match settings.bars {
        None => None,
        Some(BarsSection::Time(span)) => Some(BarRule::Time(span)),
        Some(BarsSection::Ticks(count)) => Some(BarRule::Ticks(count)),
        Some(BarsSection::Volume(volume)) => Some(BarRule::Volume(qty("bars.volume", volume)?)),
    };
    let risk = &settings.risk;
    let limits = RiskLimits {
        account: risk.account,
        order_qty_max: risk.order_qty_max.map(|max| qty("risk.order_qty_max", max)).transpose()?,
        order_notional_max: risk.order_notional_max,
        position_notional_max: risk.position_notional_max,
        leverage_max: risk.leverage_max,
        price_collar: risk.price_collar,
        open_orders_max: risk.open_orders_max,
        orders_per_minute_max: risk.orders_per_minute_max,
        drawdown_max: risk.drawdown_max,
        halt_action: risk.halt_action,
        taker_cost: settings.costs.reserve(),
    };
    let timing = settings.run.fill.unwrap_or(FillModel::NextOpen).timing();
    let watch = watch(settings.regime, settings.conductor.as_ref());
    let RunSection { capital, wait_bars_max, mark, .. } = settings.run;
    Ok(CoreConfig { instruments, capital, bars, mark, timing, wait_bars_max, limits, watch })
}

/// The strategy of a run. Settings must be resolved.
///
/// # Errors
/// [`SettingError`] for what the run's instruments cannot hold.
pub fn policy_of(
    settings: &RunSettings,
    instruments: &[Instrument],
) -> Result<Box<dyn Strategy>, SettingError> {
    let has = |kind| settings.data.iter().any(|data| data.kind == Some(kind));
    let source = match () {
        () if settings.bars.is_some() || has(RecordKind::Bars) => Source::Bars,
        () if has(RecordKind::Trades) => Source::Trades,
        () => Source::Quotes,
    };
    let detector = settings.regime.unwrap_or_default();
    with_targets(settings)?.build(&RunFacts { instruments, source, seed: settings.run.seed, detector })
}

fn section_of(series: &SeriesInfo, asked: &[DataSection]) -> DataSection {
    let of_series = |data: &&DataSection| {
        data.symbol == series.symbol && data.kind.is_none_or(|kind| kind == series.kind)
    };
    DataSection {
        dataset: None,
        venue: Some(series.venue.clone()),
        symbol: series.symbol.clone(),
        kind: Some(series.kind),
        interval: asked.iter().find(of_series).and_then(|data| data.interval),
    }
}

fn instruments(
    settings: &RunSettings,
    chosen: &[Chosen<'_>],
) -> Result<(Vec<Instrument>, Vec<FeedConfig>), ResolveError> {
    let mut instruments: Vec<Instrument> = Vec::new();
    let mut feeds = Vec::new();
    for (dataset, series) in chosen {
        let known = |rules: &Instrument| rules.venue == series.venue && rules.symbol == series.symbol;
        let index = match instruments.iter().position(known) {
            Some(index) => index,
            None => {
                instruments.push(instrument(settings, series)?);
                instruments.len() - 1
            }
        };
        let decimals = instruments.get(index).map(|rules| (rules.price_decimals, rules.qty_decimals));
        if decimals != Some((series.price_decimals, series.qty_decimals)) {
            return Err(ResolveError::MixedDecimals { symbol: series.symbol.clone() });
        }
        let instrument = u16::try_from(index).map_err(|_| SettingError::OutOfRange {
            path: "data".to_owned(),
            value: chosen.len().to_string(),
            allowed: "at most 65536 instruments".to_owned(),
            nearest: None,
        })?;
        feeds.push(FeedConfig { series: series.name(), dataset: dataset.dataset.clone(), instrument });
    }
    Ok((instruments, feeds))
}

fn instrument(settings: &RunSettings, series: &SeriesInfo) -> Result<Instrument, ResolveError> {
    let with_venue = format!("{}:{}", series.venue, series.symbol);
    let named = [with_venue, series.symbol.clone()];
    let named = named.iter().find_map(|name| Some((name, settings.instruments.get(name)?)));
    let (table, asked) =
        named.map_or((&series.symbol, InstrumentSection::default()), |(name, asked)| (name, *asked));
    let InstrumentSection { tick, lot, notional_min } = asked;
    let (price, qty) = (series.price_decimals, series.qty_decimals);
    let step = |key: &str, number: Option<Decimal>, decimals| match number {
        None => Ok(1),
        Some(number) => {
            let units = at_decimals(number, decimals).and_then(|units| i64::try_from(units).ok());
            let path = format!("instrument.{table}.{key}");
            let allowed = format!("at most the {decimals} decimals of {}", series.name());
            units.ok_or_else(|| out_of_range(&path, number, &allowed))
        }
    };
    let least = |amount: Decimal| {
        let path = format!("instrument.{}.notional_min", series.symbol);
        let units = at_decimals(amount, MONEY_DECIMALS);
        units
            .map(Money::from_units)
            .ok_or_else(|| out_of_range(&path, amount, "at most 10^20, in 18 decimals"))
    };
    let rules = Instrument {
        venue: series.venue.clone(),
        symbol: series.symbol.clone(),
        price_decimals: price,
        qty_decimals: qty,
        tick: Price::from_units(step("tick", tick, price)?),
        lot: Qty::from(step("lot", lot, qty)?),
        notional_min: notional_min.map_or(Ok(Money::ZERO), least)?,
    };
    let symbol = series.symbol.clone();
    rules.validated().map_err(|reason| ResolveError::Instrument { symbol, reason })
}

/// The fill model: as asked when the data can serve it, else by the kind of data.
fn fill(settings: &RunSettings, chosen: &[Chosen<'_>]) -> Result<FillModel, ResolveError> {
    let has = |kind| chosen.iter().any(|(_, series)| series.kind == kind);
    let (bars, trades, quotes) = (has(RecordKind::Bars), has(RecordKind::Trades), has(RecordKind::Quotes));
    let fitting: &[FillModel] = match (bars, trades, quotes) {
        (true, false, false) => &[FillModel::NextOpen, FillModel::SameClose],
        (false, true, false) => &[FillModel::Trades, FillModel::AtSignal],
        (false, false, _) => &[FillModel::Quotes],
        (false, true, true) => &[FillModel::Quotes, FillModel::Trades, FillModel::AtSignal],
        // Decided on the closed bar, filled by what follows.
        (true, true, false) => &[FillModel::Trades],
        (true, false, true) => &[FillModel::Quotes],
        (true, true, true) => &[FillModel::Quotes, FillModel::Trades],
    };
    let Some(asked) = settings.run.fill else {
        return Ok(fitting.first().copied().unwrap_or(FillModel::NextOpen));
    };
    if fitting.contains(&asked) {
        return Ok(asked);
    }
    let allowed = fitting.iter().map(|fill| fill.name()).collect::<Vec<_>>().join(" or ");
    Err(ResolveError::Setting(SettingError::OutOfRange {
        path: "run.fill".to_owned(),
        value: format!("\"{}\"", asked.name()),
        allowed: format!("{allowed} for the data of this run ({})", series_names(chosen.iter())),
        nearest: None,
    }))
}

/// A mark that nothing would ever move leaves every order refused.
fn check_mark(settings: &RunSettings, chosen: &[Chosen<'_>]) -> Result<(), ResolveError> {
    let (kind, words) = match settings.run.mark {
        MarkRule::Newest => return Ok(()),
        MarkRule::Trade => (RecordKind::Trades, "trade"),
        MarkRule::Mid => (RecordKind::Quotes, "mid"),
    };
    for (_, series) in chosen {
        let mine = |other: &&Chosen<'_>| (&other.1.venue, &other.1.symbol) == (&series.venue, &series.symbol);
        if !chosen.iter().filter(mine).any(|(_, other)| other.kind == kind) {
            return Err(ResolveError::Setting(SettingError::OutOfRange {
                path: "run.mark".to_owned(),
                value: format!("\"{words}\""),
                allowed: format!(
                    "a kind of price that is read of every symbol; {} has no {}",
                    series.symbol,
                    kind.word()
                ),
                nearest: None,
            }));
        }
    }
    Ok(())
}

/// Bars that are decided on come from one place, and what is decided has a price beside them.
fn check_bars(settings: &RunSettings, chosen: &[Chosen<'_>]) -> Result<(), ResolveError> {
    let has = |kind| chosen.iter().any(|(_, series)| series.kind == kind);
    let refused = |allowed: &str| {
        let (path, value) = ("bars".to_owned(), "a rule".to_owned());
        Err(SettingError::OutOfRange { path, value, allowed: allowed.to_owned(), nearest: None }.into())
    };
    match settings.bars {
        Some(_) if !has(RecordKind::Trades) => refused("runs over trades; remove [bars]"),
        Some(_) if has(RecordKind::Bars) => {
            refused("runs without a series of bars; remove [bars], or that series")
        }
        Some(_) | None => check_roles(settings, chosen),
    }
}

/// In a run over bars and ticks every instrument needs both: bars to decide on, and the ticks that its orders fill by.
fn check_roles(settings: &RunSettings, chosen: &[Chosen<'_>]) -> Result<(), ResolveError> {
    let price = match settings.run.fill {
        Some(FillModel::Trades | FillModel::AtSignal) => RecordKind::Trades,
        Some(FillModel::Quotes) => RecordKind::Quotes,
        Some(FillModel::NextOpen | FillModel::SameClose) | None => return Ok(()),
    };
    if !chosen.iter().any(|(_, series)| series.kind == RecordKind::Bars) {
        return Ok(());
    }
    for (_, series) in chosen {
        let mine = |other: &&Chosen<'_>| (&other.1.venue, &other.1.symbol) == (&series.venue, &series.symbol);
        let has = |kind| chosen.iter().filter(mine).any(|(_, other)| other.kind == kind);
        if let Some(missing) = [RecordKind::Bars, price].into_iter().find(|kind| !has(*kind)) {
            let symbol = series.symbol.clone();
            return Err(ResolveError::RoleMissing { symbol, has: series.kind, missing });
        }
    }
    Ok(())
}

/// Rules for a symbol that the run does not have would silently do nothing.
fn check_symbols(settings: &RunSettings, instruments: &[Instrument]) -> Result<(), ResolveError> {
    let known: Vec<&str> = instruments.iter().map(|rules| rules.symbol.as_str()).collect();
    let refused = |name: &str, allowed: String, nearest: Option<&str>| {
        let (path, value) = (format!("instrument.{name}"), "a table".to_owned());
        Err(SettingError::OutOfRange { path, value, allowed, nearest: nearest.map(str::to_owned) }.into())
    };
    for name in settings.instruments.keys() {
        let meant: Vec<String> = instruments
            .iter()
            .filter(|rules| names(name, rules))
            .map(|rules| format!("[instrument.\"{}:{}\"]", rules.venue, rules.symbol))
            .collect();
        match meant.len() {
            0 => {
                let allowed = format!("the instruments of this run: {}", known.join(", "));
                return refused(name, allowed, nearest_name(name, known.iter().copied()));
            }
            1 => {}
            // Rules are those of one venue, and a table for both would be right for one of them at most.
            _ => return refused(name, format!("one venue at a time: {}", meant.join(", ")), None),
        }
    }
    Ok(())
}

fn out_of_range(path: &str, number: Decimal, allowed: &str) -> SettingError {
    SettingError::OutOfRange {
        path: path.to_owned(),
        value: number.to_string(),
        allowed: allowed.to_owned(),
        nearest: None,
    }
}
