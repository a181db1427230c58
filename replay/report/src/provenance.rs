//! Where a result comes from: assumptions, manifest, and how to repeat and check it.

use std::fmt::Write as _;

use engine_core::event::Manifest;
use engine_core::num::{Decimal, MONEY_DECIMALS};
use serde_json::{Value, json};

use super::ReportInput;
use super::html::{escaped, section};

/// What the backtest takes for granted.
pub(super) fn assumptions(input: &ReportInput<'_>) -> String {
    let rule = input.fill_rule;
    let first = format!("Fills follow <code>{}</code>: {}", escaped(rule.name), escaped(rule.meaning));
    let rest = input.assumptions.iter().map(|text| escaped(text));
    let items = std::iter::once(first).chain(rest).fold(String::new(), |mut out, text| {
        let _ = write!(out, "<li>{text}</li>");
        out
    });
    section("assumptions", "What this backtest assumes", &format!("<ul class=\"prose\">{items}</ul>"))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The manifest as people read it: amounts as decimals, digests in hexadecimal, the configuration unfolded.
#[must_use]
pub fn manifest_json(manifest: &Manifest) -> Value {
    let config: Value = serde_json::from_str(&manifest.config_json)
        .unwrap_or_else(|_| Value::String(manifest.config_json.clone()));
    let instruments: Vec<Value> = manifest
        .instruments
        .iter()
        .map(|rules| {
            json!({
                "venue": rules.venue,
                "symbol": rules.symbol,
                "price_decimals": rules.price_decimals,
                "qty_decimals": rules.qty_decimals,
                "tick": rules.price_decimal(rules.tick).to_string(),
                "lot": rules.qty_decimal(rules.lot).to_string(),
                "notional_min": amount(rules.notional_min.units()),
            })
        })
        .collect();
    let datasets: Vec<Value> = manifest
        .datasets
        .iter()
        .map(|data| {
            json!({
                "name": data.name,
                "count": data.count,
                "digest": hex(&data.digest),
                "first": data.first,
                "last": data.last,
            })
        })
        .collect();
    json!({
        "engine_version": manifest.engine_version,
        "mode": manifest.mode,
        "strategy": manifest.strategy,
        "synthetic": manifest.synthetic,
        "seed": manifest.seed,
        "capital": amount(manifest.capital.units()),
        "instruments": instruments,
        "datasets": datasets,
        "config": config,
    })
}

fn amount(units: i128) -> String {
    Decimal { units, decimals: MONEY_DECIMALS }.to_string()
}

/// The manifest and the head of the journal.
pub(super) fn manifest(input: &ReportInput<'_>) -> String {
    let document = manifest_json(input.manifest);
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    let body = format!(
        "<p>Head of the run's journal: <code class=\"hash\">{}</code></p><p class=\"remark\">Equal manifests \
         and equal data give an equal head, on any machine. Datasets are named by content: the digest covers \
         every record.</p><details open><summary>Manifest</summary><pre>{}</pre></details>",
        escaped(input.head),
        escaped(&text)
    );
    section("manifest", "Manifest", &body)
}

/// The commands that repeat and check the run.
pub(super) fn commands(input: &ReportInput<'_>) -> String {
    if input.commands.is_empty() {
        return String::new();
    }
    let items = input.commands.iter().fold(String::new(), |mut out, line| {
        let _ =
            write!(out, "<dt>{}</dt><dd><pre>{}</pre></dd>", escaped(&line.purpose), escaped(&line.command));
        out
    });
    section("commands", "Repeat and verify", &format!("<dl>{items}</dl>"))
}
