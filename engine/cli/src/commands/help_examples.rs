//! An example for every help page.

use clap::{Command, CommandFactory as _};

use super::Cli;

/// An example of each command, by its words; commands that have one of their own are not here.
const EXAMPLES: [(&str, &str); 52] = [
    ("data check", "engine data check demo-run/data"),
    ("synth", "engine synth --dataset data/made-up --seed 7 --bars 26280 --interval 1h"),
    ("replay", "engine replay demo-run/run --check"),
    ("paper", "engine paper --example paper --run paper-run"),
    ("live", "engine live --example live --run live-run"),
    ("balances", "engine balances live-run"),
    ("orders", "engine orders live-run"),
    ("reconcile", "engine reconcile live-run --accept deposit"),
    ("record", "engine record paper.toml --out frames"),
    ("doctor", "engine doctor --example paper"),
    ("archive", "engine archive paper-run --before 2026-11-01"),
    ("status", "engine status paper-run"),
    ("parity", "engine parity paper-run"),
    ("calibrate", "engine calibrate live-run --out calibrated.toml"),
    ("fakex", "engine fakex --dialect binance --symbols BTCUSDT,ETHUSDT --rate 50 --port 9000"),
    ("state", "engine state demo-run/run --at 2024-06-30"),
    ("diff", "engine diff runs/donchian runs/longer"),
    ("show", "engine show demo-run/run --kind filled"),
    ("significance", "engine significance demo-run/run"),
    ("regimes eval", "engine regimes eval --dataset demo-run/data --instrument DEMO"),
    ("regimes show", "engine regimes show --dataset demo-run/data --instrument DEMO"),
    ("regimes portfolio", "engine regimes portfolio --dataset data/majors"),
    ("walk-forward", "engine walk-forward walk-forward-btc-1d.toml --dataset data/btc --out trials"),
    ("study ensemble", "engine study ensemble --dataset data/majors --html study.html"),
    ("study specialists", "engine study specialists --dataset data/majors"),
    ("verify", "engine verify demo-run/run"),
    ("keys show", "engine keys show"),
    ("keys list", "engine keys list"),
    ("keys trust", "engine keys trust colleague KEY"),
    ("keys remove", "engine keys remove colleague"),
    ("heads", "engine heads demo-run/run --log heads.log"),
    ("export", "engine export demo-run/run --format jsonl --out events.jsonl"),
    ("rebuild", "engine rebuild restored --pages run.pages"),
    ("models ls", "engine models ls"),
    ("models show", "engine models show conductor"),
    ("models verify", "engine models verify models/registry"),
    ("models bench", "engine models bench conductor"),
    ("models import", "engine models import network.onnx"),
    ("train seed-dann", "engine train seed-dann --data data/seed --out trained"),
    ("train conductor", "engine train conductor --dataset data/majors --out trained"),
    ("new", "engine new my-strategy --engine-path engine-sources"),
    ("help", "engine help CONFIG"),
    ("strategies", "engine strategies donchian"),
    ("examples", "engine examples donchian-btc-1d > my.toml"),
    ("init", "engine init donchian.toml --dataset demo-run/data --strategy donchian"),
    ("compare", "engine compare runs/donchian runs/longer"),
    ("runs", "engine runs runs"),
    ("trades", "engine trades demo-run/run"),
    ("demo", "engine demo --data BTCUSDT-1d-2024.zip --out btc-demo"),
    ("completions", "engine completions bash > ~/.local/share/bash-completion/completions/engine"),
    (
        "backtest",
        "engine backtest --example demo --dataset demo-run/data --run slow --from 2025-01-01 --set strategy.slow=960",
    ),
    (
        "sweep",
        "engine sweep --example demo --dataset demo-run/data --set strategy.fast=60,120 --set strategy.slow=480,960",
    ),
];

/// The command line with an example on every page.
#[must_use]
pub fn command() -> Command {
    explained(Cli::command(), "")
}

fn explained(command: Command, words: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let command = names.iter().fold(command, |command, name| {
        let words = format!("{words} {name}");
        command.mut_subcommand(name, |inner| explained(inner, words.trim_start()))
    });
    match EXAMPLES.iter().find(|(named, _)| *named == words) {
        Some((_, example)) => command.after_help(format!("Example:\n  {example}")),
        None => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(command: &Command, words: &str, found: &mut Vec<(String, String)>) {
        for inner in command.get_subcommands() {
            let words = format!("{words} {}", inner.get_name());
            if inner.has_subcommands() {
                pages(inner, &words, found);
            } else {
                let example = inner.get_after_help().map(ToString::to_string).unwrap_or_default();
                found.push((words.trim_start().to_owned(), example));
            }
        }
    }

    /// Every page has an example, and every example is a line that the command line takes.
    #[test]
    fn every_help_page_has_an_example_that_is_understood() {
        let mut found = Vec::new();
        pages(&command(), "", &mut found);
        assert!(found.len() >= 30);
        for (words, example) in found {
            let line =
                example.lines().nth(1).unwrap_or_else(|| panic!("`engine help {words}` has no example"));
            let line = line.split(" > ").next().unwrap_or_default();
            assert!(line.trim().starts_with(&format!("engine {words}")), "{words}: {line}");
            let parsed = command().try_get_matches_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{words}: {}", parsed.unwrap_err());
        }
    }
}
