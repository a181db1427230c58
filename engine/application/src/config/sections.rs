//! The reader of every section, key by key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Ratio};
use engine_core::risk::RiskLimits;
use engine_core::time::{Span, Timestamp};
use replay_simulation::config::{Costs, JournalConfig, Latency, VenueRules};
use serde_json::{Map, Value};
use strategies::catalogue;
use strategies::settings::{SettingError, Settings, ratio_text};
use strategies::trading::at_decimals;

use super::choices::{
    ACCOUNTS, DEPTHS, ENDS, FILLS, HALT_ACTIONS, KINDS, LIMIT_FILLS, LIMITS_AT_OPEN, MARKS,
};
use super::conductor::{read_conductor, read_regime};
use super::impact::ImpactSection;
use super::live::{MODES, WARMUP_BARS, read_live, read_warmup};
use super::{BarsSection, DataSection, InstrumentSection, RiskSection, RunSection, RunSettings};
use crate::moment::parse_moment;
use crate::own_strategies::registered;

/// Bar lengths an intent waits for its open: long enough for holidays of a market that closes, not for a gap.
const WAIT_BARS_MAX: u32 = 5;
const LATENCY_MAX: Span = Span::HOUR;

const fn percent(whole: i64) -> Ratio {
    Ratio::from_units(whole * 10_000_000)
}

pub(super) fn read(table: &Map<String, Value>) -> Result<RunSettings, SettingError> {
    let mut top = Settings::new("", table);
    let Some(run) = top.table("run")? else {
        return Err(top.missing("run", "a table [run] with at least `capital`"));
    };
    let run = read_run(run)?;
    let data = data(&mut top)?;
    let instruments = instruments(&mut top)?;
    let bars = top.table("bars")?.map(bars).transpose()?;
    let (costs, impact) = top.table("costs")?.map(costs).transpose()?.unwrap_or_default();
    let latency = top.table("latency")?.map(latency).transpose()?.unwrap_or_default();
    let venue = top.table("venue")?.map(venue).transpose()?.unwrap_or_default();
    let nothing = Map::new();
    let risk = risk(top.table("risk")?.unwrap_or_else(|| Settings::new("risk", &nothing)))?;
    let journal = top.table("journal")?.map(journal).transpose()?.unwrap_or_else(default_journal);
    let regime = top.table("regime")?.map(read_regime).transpose()?;
    let conductor = top.table("conductor")?.map(read_conductor).transpose()?;
    let warmup = top.table("warmup")?.map(read_warmup).transpose()?;
    let (warmup_bars, warmup_dataset) = warmup.unwrap_or((WARMUP_BARS, None));
    let live = top.table("live")?.map(read_live).transpose()?.unwrap_or_default();
    let Some(Value::Object(strategy)) = top.value("strategy") else {
        return Err(top.missing("strategy", "a table [strategy] with `name`"));
    };
    let policy = catalogue::read_among(strategy, registered())?;
    // The plan of a walk-forward is another command's to read.
    top.value("walk_forward");
    top.finish()?;
    Ok(RunSettings {
        run,
        data,
        instruments,
        bars,
        costs,
        impact,
        latency,
        venue,
        risk,
        regime,
        conductor,
        policy,
        journal,
        warmup_bars,
        warmup_dataset,
        live,
    })
}

fn read_run(mut run: Settings<'_>) -> Result<RunSection, SettingError> {
    let mode = run.choice("mode", &MODES)?;
    let Some(capital) = money(&mut run, "capital")? else {
        return Err(run.missing("capital", "the start capital, as in \"10000\""));
    };
    let section = RunSection {
        mode,
        seed: run.whole("seed", 0..=u64::MAX)?.unwrap_or(0),
        capital,
        currency: run.text("currency")?.unwrap_or("USDT").to_owned(),
        fill: run.choice("fill", &FILLS)?,
        mark: run.choice("mark", &MARKS)?.unwrap_or_default(),
        end: run.choice("end", &ENDS)?.unwrap_or_default(),
        wait_bars_max: count(&mut run, "max_wait", 1)?.unwrap_or(WAIT_BARS_MAX),
        from: moment(&mut run, "from")?,
        to: moment(&mut run, "to")?,
    };
    if let (Some(from), Some(to)) = (section.from, section.to)
        && from >= to
    {
        let value = run.text("to")?.unwrap_or_default().to_owned();
        return Err(run.out_of_range("to", &value, "a moment after `run.from`"));
    }
    run.finish()?;
    Ok(section)
}

/// A whole number of 32 bits, no less than `low`.
fn count(settings: &mut Settings<'_>, key: &'static str, low: u32) -> Result<Option<u32>, SettingError> {
    let number = settings.whole(key, u64::from(low)..=u64::from(u32::MAX))?;
    Ok(number.and_then(|number| u32::try_from(number).ok()))
}

fn moment(settings: &mut Settings<'_>, key: &'static str) -> Result<Option<Timestamp>, SettingError> {
    let Some(text) = settings.text(key)? else { return Ok(None) };
    match parse_moment(text) {
        Some(moment) => Ok(Some(moment)),
        None => Err(settings.out_of_range(key, text, "2024-01-31 or 2024-01-31T12:00:00Z")),
    }
}

/// A positive amount of the settlement currency.
fn money(settings: &mut Settings<'_>, key: &'static str) -> Result<Option<Money>, SettingError> {
    let Some(amount) = settings.positive(key)? else { return Ok(None) };
    match whole_money(amount) {
        Some(money) => Ok(Some(money)),
        None => Err(settings.out_of_range(key, &amount.to_string(), "at most 10^20, in 18 decimals")),
    }
}

fn whole_money(amount: Decimal) -> Option<Money> {
    // A decimal of 18 digits always fits: money has 18 decimals and 128 bits.
    at_decimals(amount, MONEY_DECIMALS).map(Money::from_units)
}

fn data(top: &mut Settings<'_>) -> Result<Vec<DataSection>, SettingError> {
    let wrong = |found: &Value| SettingError::WrongType {
        path: "data".to_owned(),
        found: found.to_string(),
        expected: "tables [[data]]".to_owned(),
    };
    let items = match top.value("data") {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong(other)),
    };
    let sections = items.iter().enumerate().map(|(index, item)| {
        let table = item.as_object().ok_or_else(|| wrong(item))?;
        let mut data = Settings::new(&format!("data.{index}"), table);
        let dataset = data.text("dataset")?.map(PathBuf::from);
        let venue = data.text("venue")?.map(str::to_owned);
        let kind = data.choice("kind", &KINDS)?;
        let interval = data.span("interval", Span::SECOND..=Span::from_nanos(31 * Span::DAY.nanos()))?;
        let Some(symbol) = data.text("symbol")? else {
            return Err(data.missing("symbol", "the venue's symbol, as in \"BTCUSDT\""));
        };
        data.finish()?;
        Ok(DataSection { dataset, venue, symbol: symbol.to_owned(), kind, interval })
    });
    sections.collect()
}

fn instruments(top: &mut Settings<'_>) -> Result<BTreeMap<String, InstrumentSection>, SettingError> {
    let Some(value) = top.value("instrument") else { return Ok(BTreeMap::new()) };
    let wrong = |found: &Value| SettingError::WrongType {
        path: "instrument".to_owned(),
        found: found.to_string(),
        expected: "tables [instrument.SYMBOL]".to_owned(),
    };
    let tables = value.as_object().ok_or_else(|| wrong(value))?;
    let sections = tables.iter().map(|(symbol, item)| {
        let table = item.as_object().ok_or_else(|| wrong(item))?;
        let mut settings = Settings::new(&format!("instrument.{symbol}"), table);
        let section = InstrumentSection {
            tick: settings.positive("tick")?,
            lot: settings.positive("lot")?,
            notional_min: settings.positive("min_notional")?,
        };
        settings.finish()?;
        Ok((symbol.clone(), section))
    });
    sections.collect()
}

#[derive(Clone, Copy)]
enum Rule {
    Time,
    Ticks,
    Volume,
}

fn bars(mut bars: Settings<'_>) -> Result<BarsSection, SettingError> {
    let rules = [("time", Rule::Time), ("ticks", Rule::Ticks), ("volume", Rule::Volume)];
    let rule = bars.choice("rule", &rules)?.unwrap_or(Rule::Time);
    let interval = bars.span("interval", Span::MILLISECOND..=Span::from_nanos(366 * Span::DAY.nanos()))?;
    let count = bars.whole("count", 1..=u64::from(u32::MAX))?;
    let volume = bars.positive("volume")?;
    let count = count.and_then(|count| u32::try_from(count).ok());
    let section = match rule {
        Rule::Time => interval.map(BarsSection::Time).ok_or(("interval", "a span, as in \"1h\"")),
        Rule::Ticks => count.map(BarsSection::Ticks).ok_or(("count", "a number of trades")),
        Rule::Volume => volume.map(BarsSection::Volume).ok_or(("volume", "a quantity")),
    };
    let section = section.map_err(|(key, expected)| bars.missing(key, expected))?;
    bars.finish()?;
    Ok(section)
}

fn costs(mut costs: Settings<'_>) -> Result<(Costs, Option<ImpactSection>), SettingError> {
    let impact = costs.table("impact")?.map(super::impact::read).transpose()?;
    let section = Costs {
        maker_fee: costs.ratio("maker_fee", percent(-1)..=percent(10))?.unwrap_or_default(),
        taker_fee: costs.ratio("taker_fee", percent(0)..=percent(10))?.unwrap_or_default(),
        slippage: costs.ratio("slippage", percent(0)..=percent(50))?.unwrap_or_default(),
        spread: costs.ratio("spread", percent(0)..=percent(50))?.unwrap_or_default(),
        impact_max: impact.as_ref().map(|impact| impact.model().max()).unwrap_or_default(),
    };
    if impact.is_some() && section.taking().units() + section.impact_max.units() >= Ratio::ONE.units() {
        let allowed = "less than all of the price together with slippage and half the spread";
        return Err(costs.out_of_range("impact", &ratio_text(section.impact_max), allowed));
    }
    costs.finish()?;
    Ok((section, impact))
}

fn latency(mut latency: Settings<'_>) -> Result<Latency, SettingError> {
    let section = Latency {
        feed: latency.span("feed", Span::ZERO..=LATENCY_MAX)?.unwrap_or_default(),
        entry: latency.span("entry", Span::ZERO..=LATENCY_MAX)?.unwrap_or_default(),
        response: latency.span("response", Span::ZERO..=LATENCY_MAX)?.unwrap_or_default(),
    };
    latency.finish()?;
    Ok(section)
}

fn venue(mut venue: Settings<'_>) -> Result<VenueRules, SettingError> {
    let section = VenueRules {
        limit_fill: venue.choice("limit_fill", &LIMIT_FILLS)?.unwrap_or_default(),
        limit_at_open: venue.choice("limit_at_open", &LIMITS_AT_OPEN)?.unwrap_or_default(),
        depth: venue.choice("depth", &DEPTHS)?.unwrap_or_default(),
    };
    venue.finish()?;
    Ok(section)
}

fn risk(mut risk: Settings<'_>) -> Result<RiskSection, SettingError> {
    let default = RiskLimits::default();
    let open_orders_max = count(&mut risk, "open_orders_max", 1)?.unwrap_or(default.open_orders_max);
    let orders_per_minute_max =
        count(&mut risk, "orders_per_minute_max", 1)?.unwrap_or(default.orders_per_minute_max);
    let leverage = risk.ratio("leverage_max", percent(1)..=percent(1_000_000))?;
    let collar = risk.ratio("price_collar", percent(0)..=percent(100_000))?;
    let drawdown = risk.ratio("drawdown_max", Ratio::from_units(1)..=Ratio::ONE)?;
    let section = RiskSection {
        account: risk.choice("account", &ACCOUNTS)?.unwrap_or_default(),
        leverage_max: leverage.unwrap_or(default.leverage_max),
        order_qty_max: risk.positive("order_qty_max")?,
        order_notional_max: money(&mut risk, "order_notional_max")?,
        position_notional_max: money(&mut risk, "position_notional_max")?,
        price_collar: collar.unwrap_or(default.price_collar),
        open_orders_max,
        orders_per_minute_max,
        // A backtest that stops half-way without having been asked to is no answer.
        drawdown_max: drawdown.unwrap_or(Ratio::ONE),
        halt_action: risk.choice("halt_action", &HALT_ACTIONS)?.unwrap_or_default(),
    };
    risk.finish()?;
    Ok(section)
}

/// Pages of a run are small: sled must never tear one.
fn default_journal() -> JournalConfig {
    JournalConfig::default()
}

fn journal(mut journal: Settings<'_>) -> Result<JournalConfig, SettingError> {
    let default = default_journal();
    let pages = journal.whole("page_bytes", 512..=32_768)?;
    let section = JournalConfig {
        page_bytes: pages.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(default.page_bytes),
        page_log: journal.flag("page_log")?.unwrap_or(default.page_log),
        self_contained: journal.flag("self_contained")?.unwrap_or(default.self_contained),
        snapshot_every: journal.whole("snapshot_every", 0..=u64::MAX)?.unwrap_or(default.snapshot_every),
    };
    journal.finish()?;
    Ok(section)
}
