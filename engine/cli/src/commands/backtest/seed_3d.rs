//! `backtest --preset seed-3d`: the original's published run through the engine, and its audit beside it.

use engine_core::indicator::Candle;
use engine_core::instrument::Instrument;
use engine_core::market::{Bar, MarketUpdate};
use engine_core::time::Span;
use replay_history::market_source::MarketSource as _;
use replay_simulation::config::BacktestConfig;
use replay_simulation::series_feed::{DataError, OpenDatasets, open};
use serde::Serialize;
use serde_json::Value;
use strategies::seed_3d::candle;
use strategies_legacy::audit::{Audit, Passive, Variant, audit};
use strategies_legacy::ensemble::BARS_MIN;
use strategies_legacy::specialist::PUBLISHED;

use super::{BacktestAnswer, BacktestOrder, run_backtest};
use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;
use engine_application::config::{ConfigError, RunSettings, resolve};
use engine_application::moment::moment_text;
use engine_application::wiring::datasets::available;

const SEED_3D: &str = include_str!("../../../../../fixtures/config/seed-3d.toml");

/// A configuration that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// The original's published ensemble on daily bars; a reference, never a recommendation.
    #[value(name = "seed-3d")]
    Seed3d,
}

impl Preset {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seed3d => "seed-3d",
        }
    }

    /// What a reader of its report must know.
    #[must_use]
    pub const fn caution(self) -> &'static str {
        match self {
            Self::Seed3d => {
                "These are the original system's published rules, fitted on daily Bitcoin of 2014 to 2025: a result on \
                 those days is no evidence that the strategy earns anything."
            }
        }
    }

    /// Its settings.
    ///
    /// # Errors
    /// [`ConfigError`] when this version cannot read what it ships.
    pub fn settings(self) -> Result<RunSettings, ConfigError> {
        match self {
            Self::Seed3d => RunSettings::read_toml("preset seed-3d", SEED_3D),
        }
    }
}

/// What the audit adds to the answer.
#[derive(Debug, Serialize)]
struct Findings {
    /// What this result is, in words.
    notice: Vec<String>,
    /// First and last bar.
    from: String,
    to: String,
    /// Steps between bars that are longer than a bar. The original does not see them; the engine starts anew.
    gaps: usize,
    /// Final capital in plain numbers, as the original computes it.
    plain_final_capital: f64,
    /// Final capital in the engine's own books over the same in plain numbers, less one.
    engine_over_plain: f64,
    #[serde(flatten)]
    audit: Audit,
}

/// What the original published: its final capital, from 2014-11-16 to 2025-10-24.
const PUBLISHED_CAPITAL: f64 = 28_936.105_484_585_027;

/// What a result is, by whether its final capital is the published one.
fn notice(final_capital: f64) -> Vec<String> {
    let published = (final_capital / PUBLISHED_CAPITAL - 1.0).abs() < 1e-6;
    let (what, days) = match published {
        true => ("This is the original's published result", "the very days traded here"),
        false => (
            "These are the original's rules on other data than its own",
            "not necessarily the days traded here",
        ),
    };
    vec![
        format!("{what} (published: {PUBLISHED_CAPITAL:.2} from 10 000)."),
        "It is no evidence that the strategy earns anything: thresholds and specialists were fitted on daily"
            .to_owned(),
        format!("Bitcoin of 2014 to 2025, {days}; fills are free and at the close that decided; and no"),
        "exit rule is ever consulted. The audit below shows what that leaves.".to_owned(),
    ]
}

/// Runs the original's published backtest and audits it on the same bars.
///
/// # Errors
/// [`Failure`] as a backtest, and [`Failure`] where the data is not one series of daily bars long enough for a
/// decision; no run is made then.
pub(super) fn run_audited(terminal: Terminal, order: &BacktestOrder<'_>) -> Result<BacktestAnswer, Failure> {
    let bars = daily_bars(order)?;
    let mut done = run_backtest(terminal, order)?;
    if done.verdict == Verdict::Interrupted {
        return Ok(done);
    }
    let engine = done.document.get("final_equity").and_then(Value::as_f64).unwrap_or(f64::NAN);
    let notice = notice(engine);
    done.text = format!("{}\n{}", notice.join("\n"), done.text);
    let history: Vec<Candle> = bars.iter().map(|(_, candle)| *candle).collect();
    let Some(audit) = audit(&history, &PUBLISHED) else {
        done.text.push_str("\nno audit: nothing was traded\n");
        return Ok(done);
    };
    let moment =
        |bar: Option<&(Bar, Candle)>| bar.map(|(bar, _)| moment_text(bar.open_at)).unwrap_or_default();
    let plain = audit.variants.first().map_or(f64::NAN, |published| published.final_capital);
    let findings = Findings {
        notice,
        from: moment(bars.first()),
        to: moment(bars.last()),
        gaps: bars.windows(2).filter(|pair| pair[0].0.close_at != pair[1].0.open_at).count(),
        plain_final_capital: plain,
        engine_over_plain: engine / plain - 1.0,
        audit,
    };
    done.text = format!("{}\n{}", done.text, text(&findings));
    if let Some(document) = done.document.as_object_mut() {
        let findings = serde_json::to_value(&findings).map_err(std::io::Error::from)?;
        document.insert("audit".to_owned(), findings);
    }
    Ok(done)
}

/// Every bar of the run, also as the original reads it.
fn daily_bars(order: &BacktestOrder<'_>) -> Result<Vec<(Bar, Candle)>, Failure> {
    let mut datasets = OpenDatasets::default();
    let available = available(order.settings, &order.datasets, &mut datasets)?;
    let config = resolve(order.settings, &available)?;
    let mut data = open(&config, &mut datasets)?;
    let rules = one_instrument(&config)?;
    let mut bars = Vec::new();
    while let Some(item) = data.source.next().map_err(engine_runtime::runner::RunError::from)? {
        match item.update {
            MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar) => bars.push((bar, candle(&bar, rules))),
            MarketUpdate::Open(_) | MarketUpdate::Trade(_) | MarketUpdate::Quote(_) => {}
        }
    }
    let other =
        bars.iter().map(|(bar, _)| bar.close_at.since(bar.open_at)).find(|length| *length != Span::DAY);
    if let Some(length) = other {
        return Err(unsuitable(
            &config,
            format!("seed-3d reads daily bars, these have {length}; import daily bars"),
        ));
    }
    if bars.len() < BARS_MIN {
        let reason = format!(
            "{} bars; seed-3d needs {BARS_MIN} for its first decision, import more history",
            bars.len()
        );
        return Err(unsuitable(&config, reason));
    }
    Ok(bars)
}

fn one_instrument(config: &BacktestConfig) -> Result<&Instrument, Failure> {
    match (config.instruments.as_slice(), config.feeds.as_slice()) {
        ([rules], [_]) => Ok(rules),
        (_, feeds) => {
            let count = feeds.len();
            let reason = format!("{count} series; seed-3d reads one, name a dataset with a single series");
            Err(unsuitable(config, reason))
        }
    }
}

fn unsuitable(config: &BacktestConfig, reason: String) -> Failure {
    let series: Vec<&str> = config.feeds.iter().map(|feed| feed.series.as_str()).collect();
    Failure::from(DataError::Unsuitable { series: series.join(", "), reason })
}

fn text(findings: &Findings) -> String {
    let audit = &findings.audit;
    let mut text = String::from("AUDIT\n\n");
    text.push_str(&who_traded(audit));
    text.push_str(&concentration(audit));
    text.push_str("\nthe same decisions on other terms\n");
    text.push_str(&variants(&audit.variants));
    text.push_str("\npassive over the same days, no costs\n");
    text.push_str(&passives(&audit.passive));
    text.push_str("\nreturn at other entry thresholds of the volatile specialist\n");
    let row = |at: &strategies_legacy::audit::ThresholdReturn| {
        vec![
            at.entry_threshold.to_string(),
            format!("{:.2}", at.total_return_pct),
            at.round_trips.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = audit.thresholds.iter().map(row).collect();
    text.push_str(&columns(&["threshold", "return %", "round trips"], &rows));
    let idle = if audit.other_genes_are_idle { "the same, bit for bit" } else { "another" };
    text.push_str(&format!(
        "\nwith both other specialists and every exit gene replaced the curve is {idle}\n\
         bars {} to {}, {} gaps; final capital in plain numbers {:.9}, engine over plain {:+.2e}\n",
        findings.from, findings.to, findings.gaps, findings.plain_final_capital, findings.engine_over_plain,
    ));
    text
}

fn who_traded(audit: &Audit) -> String {
    let row = |used: &strategies_legacy::audit::RegimeUse| {
        vec![
            used.regime.name().to_owned(),
            used.days.to_string(),
            used.specialist.name().to_owned(),
            format!("{:.4}", used.entry_threshold),
            used.days_answered.to_string(),
            used.entries.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = audit.regimes.iter().map(row).collect();
    let head = ["regime", "days", "asked", "needs a signal of", "days answered", "entries"];
    let largest = audit.largest_prediction;
    format!("{}the largest signal of {} days is {largest:.4}\n", columns(&head, &rows), audit.decision_days)
}

fn concentration(audit: &Audit) -> String {
    let per_cent = |share: f64| share * 100.0;
    format!(
        "\nthe five best trades made {:.1} % of the profit, the best alone {:.1} %; the longest was held {} days\n\
         in the market {:.1} % of days; exposure {:.1} % on average, {:.1} % at its largest\n",
        per_cent(audit.top5_trades_share_of_profit),
        per_cent(audit.best_trade_share_of_profit),
        audit.longest_hold_bars,
        per_cent(audit.time_in_market),
        per_cent(audit.mean_exposure),
        per_cent(audit.max_exposure),
    )
}

fn variants(variants: &[Variant]) -> String {
    let row = |variant: &Variant| {
        vec![
            variant.terms.to_owned(),
            format!("{:.2}", variant.curve.total_return_pct),
            format!("{:.3}", variant.curve.sharpe_252),
            format!("{:.3}", variant.curve.sharpe_365),
            format!("{:.2}", variant.curve.max_drawdown_pct),
            format!("{:.1}", variant.win_rate_pct),
            format!("{:.2}", variant.total_cost),
        ]
    };
    let rows: Vec<Vec<String>> = variants.iter().map(row).collect();
    columns(&["terms", "return %", "Sharpe 252", "Sharpe 365", "drawdown %", "wins %", "paid"], &rows)
}

fn passives(passive: &[Passive]) -> String {
    let row = |passive: &Passive| {
        vec![
            passive.holding.to_owned(),
            format!("{:.4}", passive.weight),
            format!("{:.2}", passive.curve.total_return_pct),
            format!("{:.2}", passive.curve.cagr_pct),
            format!("{:.3}", passive.curve.sharpe_252),
            format!("{:.3}", passive.curve.sharpe_365),
            format!("{:.2}", passive.curve.max_drawdown_pct),
        ]
    };
    let rows: Vec<Vec<String>> = passive.iter().map(row).collect();
    let head = ["holding", "share", "return %", "a year %", "Sharpe 252", "Sharpe 365", "drawdown %"];
    columns(&head, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_reads_and_fills_as_published() {
        let settings = Preset::Seed3d.settings().unwrap();
        assert_eq!(settings.policy.name(), Preset::Seed3d.name());
        assert_eq!(settings.run.fill, Some(replay_simulation::config::FillModel::SameClose));
        assert!(settings.data.is_empty());
    }

    #[test]
    fn only_the_published_result_is_called_that() {
        assert!(notice(PUBLISHED_CAPITAL)[0].contains("published result"));
        assert!(notice(PUBLISHED_CAPITAL * 1.00001)[0].contains("other data"));
        assert!(notice(f64::NAN)[0].contains("other data"));
    }
}
