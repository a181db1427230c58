//! Every key of a configuration, explained.

use serde_json::Value;
use strategies::catalogue::POLICIES;
use strategies::catalogue::parameters::{Parameter, parameters};
use strategies::registration::OwnKey;

use super::impact::{ImpactRegistration, registered_impacts};
use crate::own_strategies::registered;

/// A section with its keys: name, default, meaning.
type Section = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);

const SECTIONS: [Section; 16] = [
    (
        "[run]",
        "what kind of run, over which time, with how much",
        &[
            (
                "mode",
                "by the command",
                "\"backtest\", \"paper\" or \"live\"; a file that says so is for that command only",
            ),
            ("seed", "0", "seed of everything random in simulation"),
            ("capital", "required", "start capital in the settlement currency, as in \"10000\""),
            ("currency", "\"USDT\"", "name of the settlement currency"),
            (
                "fill",
                "by the data",
                "when and at what price orders fill. Bars: \"next-open\" (default; decided at the close, filled \
                 at the next open) or \"same-close\" (optimistic). Trades: \"trades\" (default; filled by trades \
                 after the order's arrival) or \"at-signal\" (optimistic). Quotes: \"quotes\". Bars beside trades or \
                 quotes are decided on, and the order fills by the ticks that follow",
            ),
            (
                "mark",
                "\"newest\"",
                "what positions are valued at where both trades and quotes are read: the \"newest\" of a trade and the middle of \
                 a quote, only a \"trade\", or only the \"mid\"; opens and closes of bars count as before",
            ),
            (
                "end",
                "\"keep\"",
                "positions when the data ends: \"keep\", \"flatten\" at the last price, or \
                 \"flatten-at-last-open\" as backtesting.py does",
            ),
            (
                "max_wait",
                "5",
                "under next-open: an order decided at a close is dropped when the next open comes later than so many \
                 bar lengths; one that only reduces is not",
            ),
            ("from", "the first record", "records before are not read: 2024-01-31 or 2024-01-31T12:00:00Z"),
            ("to", "the last record", "records at or after are not read"),
        ],
    ),
    (
        "[[data]]",
        "one table for each series, in any order; every series of the datasets when there is none",
        &[
            ("symbol", "required", "the venue's symbol, as in \"BTCUSDT\""),
            ("venue", "any", "the venue, as in \"binance\""),
            (
                "kind",
                "any",
                "\"bars\", \"trades\" or \"quotes\"; bars beside trades or quotes of the same symbol are decided on, \
                 and fill nothing",
            ),
            (
                "interval",
                "of the dataset",
                "length of the bars that a run on real time takes, as in \"1m\" or \"1d\"",
            ),
            ("dataset", "--dataset", "directory of the dataset, from where the program runs"),
        ],
    ),
    (
        "[instrument.SYMBOL]",
        "the venue's rules for one symbol; [instrument.\"venue:SYMBOL\"] where several venues have it",
        &[
            ("tick", "smallest unit", "smallest step of an order's price, as in \"0.01\""),
            ("lot", "smallest unit", "smallest step of an order's quantity, as in \"0.001\""),
            ("min_notional", "none", "smallest price × quantity of an order"),
        ],
    ),
    (
        "[bars]",
        "how trades become bars; only for runs over trades. A time bar that began before the first trade is partial \
         and not announced",
        &[
            ("rule", "\"time\"", "\"time\", \"ticks\" or \"volume\""),
            ("interval", "required for time", "length of a bar, as in \"1m\", \"4h\", \"1d\""),
            ("count", "required for ticks", "trades in a bar"),
            (
                "volume",
                "required for volume",
                "quantity that fills a bar; a trade is never split, so the one that crosses the line belongs \
                 whole to the bar it fills",
            ),
        ],
    ),
    (
        "[costs]",
        "what trading costs; shares as 0.001, \"0.1%\" or \"10bps\"",
        &[
            ("maker_fee", "0", "fee on notional for orders that waited, -1 % to 10 %; negative is a rebate"),
            ("taker_fee", "0", "fee on notional for orders that took, 0 to 10 %"),
            ("slippage", "0", "how much worse than its reference a taking order fills, 0 to 50 %"),
            ("spread", "0", "full spread around a trade price where there are no quotes, 0 to 50 %"),
            ("impact", "none", "what an order's own size costs it: the table [costs.impact]"),
        ],
    ),
    (
        "[costs.impact]",
        "what the size of a taking order costs it besides slippage; nothing without this section",
        &[
            (
                "model",
                "required",
                "\"square-root\": coefficient × √(filled ÷ traded), traded being the volume of the last closed bar, or the size of the trade or quote",
            ),
            (
                "coefficient",
                "required for square-root",
                "impact of an order as large as all that was traded, 0 to 100 %",
            ),
            (
                "max",
                "required for square-root",
                "the most an order pays, also where nothing was traded, 0 to 50 %",
            ),
        ],
    ),
    (
        "[latency]",
        "how long messages travel, 0s to 1h; ignored for bars and at-signal",
        &[
            ("feed", "\"0ns\"", "from the venue's event to our knowing it"),
            ("entry", "\"0ns\"", "from our order to its arrival"),
            ("response", "\"0ns\"", "from the venue's answer to our knowing it"),
        ],
    ),
    (
        "[venue]",
        "the rules of the simulated venue",
        &[
            (
                "limit_fill",
                "\"through\"",
                "a resting limit fills once the market trades \"through\" its price, or at a \"touch\" (optimistic)",
            ),
            (
                "limit_at_open",
                "\"limit\"",
                "bars: a resting limit that the open jumps over fills at its \"limit\", as on a market without \
                 sessions, or at the \"open\", the better price of an opening auction (optimistic)",
            ),
            (
                "depth",
                "\"traded\"",
                "one trade or quote fills as much as it had (\"traded\") or \"unlimited\"",
            ),
        ],
    ),
    (
        "[risk]",
        "the limits of the gate that every order passes",
        &[
            ("account", "\"margin\"", "\"cash\" (no shorts, no borrowing) or \"margin\""),
            ("leverage_max", "1", "largest gross exposure as a share of equity, 0.01 to 10000"),
            ("order_qty_max", "none", "largest quantity of one order"),
            ("order_notional_max", "none", "largest notional of one order"),
            ("position_notional_max", "none", "largest notional of the position in one instrument"),
            ("price_collar", "0.1", "farthest a limit may lie beyond the mark, as a share of it, 0 to 1000"),
            ("open_orders_max", "100", "most working orders at once"),
            ("orders_per_minute_max", "60", "most orders within any minute"),
            (
                "drawdown_max",
                "1",
                "fall from the equity peak that halts trading, above 0 to 1; 1 never halts before equity is gone",
            ),
            ("halt_action", "\"flatten\"", "positions at a drawdown halt: \"flatten\" or \"hold\""),
        ],
    ),
    (
        "[regime]",
        "names the regime of every market; its changes and the gaps in its bars are events",
        &[(
            "detector",
            "\"two-axis\"",
            "who names it: \"two-axis\" (windows for daily bars), \"two-axis-hourly\" or \"change-point\"",
        )],
    ),
    (
        "[conductor]",
        "who is asked at every closed bar how to weigh the specialists; implies [regime]",
        &[
            (
                "kind",
                "\"rule\"",
                "\"rule\" (built in), \"uniform\" (every specialist alike) or \"model\" (ONNX)",
            ),
            ("model", "required for model", "path of the ONNX file, or its name in the registry"),
            ("hash", "of the file", "BLAKE3 the model file must have"),
            ("card", "of its card", "BLAKE3 of what its card must say, as `engine models show` gives it"),
            ("registry", "\"models/registry\"", "directory in which a model is found by name or hash"),
            ("provider", "\"auto\"", "\"cuda\", \"cpu\", or \"auto\": CUDA where it really runs"),
            (
                "answer_within",
                "\"50ms\"",
                "an answer later than this, in the time of the run, counts as missed",
            ),
            ("delay", "\"0ns\"", "how long an answer travels in simulated time"),
            ("latency_budget", "none", "inference that takes longer by the clock is not used"),
            (
                "range_tolerance",
                "0.25",
                "how far beyond its training range a feature may lie, as a share of it",
            ),
            ("floor", "0", "the risk scale after a missed answer, 0 to 1"),
            (
                "on_failure",
                "\"refuse\"",
                "a model that cannot be used: \"refuse\" the run or \"degrade\" to the rule",
            ),
        ],
    ),
    (
        "[strategy]",
        "what trades; its other keys are those of the policy, listed below",
        &[("name", "required", "one of the policies listed below")],
    ),
    (
        "[walk_forward]",
        "how `engine walk-forward` cuts history and what it tries; read past by every other command",
        &[
            ("train", "required", "length of the first training span, as in \"3y\", \"6mo\" or \"90d\""),
            ("test", "required", "length of a test span"),
            (
                "training",
                "\"anchored\"",
                "training begins at the first record, or is \"rolling\" with its length",
            ),
            ("purge", "\"0d\"", "left out after training: what its last bars may know of the future"),
            ("embargo", "\"0d\"", "left out after the purge"),
            ("metric", "\"sharpe\"", "what the best trial is chosen by: \"sharpe\", \"calmar\" or \"cagr\""),
            (
                "grid",
                "required",
                "table of lists: every combination of these settings of [strategy] is a trial, as in \
                 fast = [10, 20]",
            ),
        ],
    ),
    (
        "[warmup]",
        "bars before its beginning from which a run on real time learns; read past by a backtest",
        &[
            (
                "from",
                "\"venue\"",
                "who tells them: \"venue\", or the directory of a dataset with bars of the run's length; what that leaves \
                 out, as the time since it ends, the venue tells",
            ),
            ("bars", "760", "how many, 0 to 100000"),
        ],
    ),
    (
        "[live]",
        "where a run on real time takes its data from, and where its orders go; read past by a backtest",
        &[
            ("ws_url", "the venue's", "base URL of the market streams, as in \"ws://127.0.0.1:9000\""),
            ("rest_url", "the venue's", "base URL of the requests, as in \"http://127.0.0.1:9000\""),
            (
                "clock",
                "\"system\"",
                "\"system\", or \"venue\" to follow the clock of a fake exchange on the loopback, which may be faster",
            ),
            ("silence", "by the venue", "a stream without a word for so long is lost, 1s to 1h"),
            (
                "segment_kib",
                "65536",
                "the journal goes on in another segment after so many KiB, or a day (UTC)",
            ),
            (
                "keep_days",
                "all",
                "segments whose last event is older are dropped, for good, 1 to 36500; what is kept is a run still",
            ),
            (
                "keep_size",
                "all",
                "the oldest segments are dropped, for good, where those put away take more, as in \"20GiB\"",
            ),
            (
                "collar_sigma",
                "10",
                "a trade farther from the one before than so many standard deviations of the last 64 moves, half a per cent \
                 at least, waits for a quote or three trades more that say the same, 0 to 1000; 0: none does",
            ),
            (
                "listings_every",
                "\"10m\"",
                "the venue is asked so often for the steps, minimums and statuses of the run's instruments, 0s to 1d; 0s: never",
            ),
            (
                "orders_url",
                "the venue's",
                "base URL that takes real orders, as in \"ws://127.0.0.1:9000/ws-api/v3\"",
            ),
            (
                "credentials",
                "none",
                "the TOML file with the key of the account, for `engine live`: api_key, and secret or private_key (PEM)",
            ),
            (
                "accepts_no_kill_switch",
                "false",
                "true: real orders may go to another machine though nothing outside can end them yet; kept with the run",
            ),
        ],
    ),
    (
        "[journal]",
        "how the run journal is written",
        &[
            ("page_bytes", "32768", "largest page, 512 to 32768; the head does not depend on it"),
            ("page_log", "false", "also write an append-only page log, from which `engine rebuild` restores"),
            ("self_contained", "false", "embed the market records, so that the run needs no dataset"),
            (
                "snapshot_every",
                "50000",
                "events between snapshots of the state, or twenty times as many records; 0 for one at the end",
            ),
        ],
    ),
];

/// Every key with its default and meaning, as text for a terminal.
#[must_use]
pub fn explain() -> String {
    let mut text = String::from(
        "A configuration is one TOML file. Unknown keys are errors. `engine init` writes one, `engine examples` lists some.\n",
    );
    for (section, meaning, keys) in SECTIONS {
        text.push_str(&format!("\n{section}  {meaning}\n"));
        for (key, default, meaning) in keys {
            let word = if default.starts_with("required") { "" } else { "default " };
            text.push_str(&format!("  {key:<22} {meaning}; {word}{default}\n"));
        }
    }
    for (name, meaning) in POLICIES {
        text.push_str(&format!("\n[strategy] name = \"{name}\"  {meaning}\n"));
        // A policy of the catalogue is always known.
        for Parameter { key, meaning, allowed, default, required } in parameters(name).unwrap_or_default() {
            let default = match (required, default.is_null()) {
                (true, _) => "; required".to_owned(),
                (false, true) => String::new(),
                (false, false) => format!("; default {}", toml_text(&default)),
            };
            text.push_str(&format!("  {key:<22} {meaning}; {allowed}{default}\n"));
        }
    }
    for (name, meaning, keys) in registered_impacts().iter().map(ImpactRegistration::parts) {
        text.push_str(&format!("\n[costs.impact] model = \"{name}\"  {meaning}; of this program\n"));
        for OwnKey { name, default, meaning } in keys {
            text.push_str(&format!("    {name:<20} {meaning}; default {default}\n"));
        }
    }
    for own in registered() {
        text.push_str(&format!("  {:<22} {}; of this program\n", own.name(), own.meaning()));
        for OwnKey { name, default, meaning } in own.keys() {
            text.push_str(&format!("    {name:<20} {meaning}; default {default}\n"));
        }
    }
    text
}

/// A value as a configuration writes it.
#[must_use]
pub fn toml_text(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let pairs = table.iter().map(|(key, value)| format!("{key} = {}", toml_text(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
