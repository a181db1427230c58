//! Every policy of the catalogue, and what its settings can make of it.

use engine_core::instrument::Instrument;
use engine_core::num::Ratio;
use engine_core::regime::DetectorKind;
use engine_core::risk::Account;
use engine_core::strategy::Strategy;
use engine_core::time::Timestamp;
use serde_json::{Map, Value, json};
use strategies::catalogue::parameters::example;
use strategies::catalogue::{POLICIES, Policy, read};
use strategies::delayed_bars::DelayedBars;
use strategies::rules::functions::{Call, FUNCTIONS, Series, Signature};
use strategies::sample::Source;
use strategies::signals::params::Given;
use strategies::signals::target_list::TargetRow;
use strategies::trading::RunFacts;
use strategies::trading_window::TradingWindow;

/// What a policy is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapping {
    None,
    Delayed,
    Windowed(Timestamp),
}

/// A policy that can be built as often as it is wanted.
#[derive(Debug, Clone)]
pub(super) struct Built {
    pub(super) name: String,
    policy: Policy,
    wrapping: Wrapping,
}

impl Built {
    /// A new one, that has seen nothing.
    pub(super) fn strategy(
        &self,
        instruments: &[Instrument],
        source: Source,
        detector: DetectorKind,
    ) -> Box<dyn Strategy> {
        let facts = RunFacts { instruments, source, seed: 11, detector };
        let strategy = self.policy.build(&facts).unwrap();
        match self.wrapping {
            Wrapping::None => strategy,
            Wrapping::Delayed => Box::new(DelayedBars::new(strategy)),
            Wrapping::Windowed(from) => Box::new(TradingWindow::new(strategy, from)),
        }
    }
}

/// The policy `name` with nothing but what it cannot do without, and `more`.
fn policy(name: &str, more: Value, moments: &[Timestamp]) -> Policy {
    let mut table: Map<String, Value> = example(name);
    table.extend(more.as_object().unwrap().clone());
    if name == "seed-3d" {
        table.insert("instruments".to_owned(), json!(["X0"]));
    }
    let mut policy = read(&table).unwrap_or_else(|error| panic!("{name}: {error}"));
    if let Policy::Signals(params) = &mut policy {
        params.given =
            Some(Given { rows: targets(moments).into(), account: Account::Margin, leverage_max: Ratio::ONE });
    }
    policy
}

/// A target every now and then: sides, sizes and nothing in turn.
fn targets(moments: &[Timestamp]) -> Vec<TargetRow> {
    let parts = [300, 450, 0, -200, -400, 100, 250].map(|mills| Ratio::from_units(mills * 1_000_000));
    let due = moments.iter().enumerate().filter(|(index, _)| index % 5 == 2);
    let mut rows = Vec::new();
    for (((_, at), target), line) in due.zip(parts.iter().cycle()).zip(1_u64..) {
        for symbol in ["X0", "X1"] {
            rows.push(TargetRow { line, at: *at, symbol: Some(symbol.into()), target: *target });
        }
    }
    rows
}

/// A call of `signature` on short lengths.
fn call(signature: &Signature) -> String {
    let mut arguments: Vec<String> = match signature.series {
        Series::Samples => Vec::new(),
        Series::CloseWhenAbsent | Series::One => vec!["close".into()],
        Series::Two => vec!["close".into(), "(open + low) / 2".into()],
    };
    arguments.extend(signature.lengths.iter().enumerate().map(|(at, length)| {
        let wanted = u32::try_from(3 + 4 * at).unwrap();
        wanted.clamp(length.low, length.high).to_string()
    }));
    format!("{}({})", signature.name, arguments.join(", "))
}

/// A condition with every function of the language at work, each of which can make it true.
fn every_function() -> String {
    let parts: Vec<String> = FUNCTIONS
        .iter()
        .map(|signature| match signature.call {
            Call::Number(_) => format!("{0} > 1.001 * {0}[2]", call(signature)),
            Call::Cross(_) => call(signature),
            Call::Lag => format!("{0} < close", call(signature)),
        })
        .collect();
    parts.join(" or ")
}

/// Every policy of the catalogue as it is, and those whose settings bring something else to remember.
pub(super) fn all(moments: &[Timestamp]) -> Vec<Built> {
    let plain = POLICIES.iter().map(|(name, _)| ((*name).to_owned(), *name, json!({}), Wrapping::None));
    let exits = json!({ "trailing_stop": "2%", "take_profit": "3%", "direction": "long-short" });
    let fast = json!({ "fast": 3, "slow": 7, "stop_loss": "2%", "direction": "long-short" });
    let bracketed = ["sma-cross", "ema-cross"].map(|name| (name, fast.clone()));
    let bracketed = bracketed.into_iter().chain([
        ("donchian", json!({ "entry": 5, "exit": 3, "take_profit": "2%", "direction": "long-short" })),
        ("limit-dip", json!({ "offset": "0.3%", "hold": 4, "stop_loss": "2%", "take_profit": "1%" })),
        ("random", exits),
    ]);
    let bracketed = bracketed.map(|(name, more)| (format!("{name} with exits"), name, more, Wrapping::None));
    let rules = json!({
        "enter_long": every_function(), "exit_long": "rsi(4)[3] > 60",
        "enter_short": "cross_down(sma(3), ema(9)) and not (close > open)[1]", "exit_short": "close > high[4]",
        "stop_loss": "4%",
    });
    let from = moments[moments.len() / 3];
    let wrapped = [
        ("every function".to_owned(), "rules", rules, Wrapping::None),
        ("rg-ens12 a bar late".to_owned(), "rg-ens12", json!({}), Wrapping::Delayed),
        ("random a bar late".to_owned(), "random", json!({}), Wrapping::Delayed),
        ("specialists in a window".to_owned(), "regime-specialists", json!({}), Wrapping::Windowed(from)),
    ];
    let specialists = json!({ "on_change": "hand-over", "in_crisis": "reduce" });
    let more = [("specialists hand over".to_owned(), "regime-specialists", specialists, Wrapping::None)];
    let settings = plain.chain(bracketed).chain(wrapped).chain(more);
    settings
        .map(|(label, name, more, wrapping)| Built {
            policy: policy(name, more, moments),
            name: label,
            wrapping,
        })
        .collect()
}
