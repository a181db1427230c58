//! `parity`: a run on real time beside the backtest over what it saw.

use std::path::PathBuf;

use clap::Args;
use engine_application::amount::money;
use engine_application::moment::moment_text;
use engine_application::wiring::recording::Recording;
use engine_core::instrument::Instrument;
use engine_core::market::Side;
use engine_core::num::Money;
use engine_research::parity::{Cause, OrderFacts, OrderPair, Parity, parity as compared};
use serde_json::{Map, Value, json};

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine parity`.
#[derive(Debug, Args)]
pub struct ParityArgs {
    /// The run on paper or with real orders.
    pub run: PathBuf,
    /// Show orders that are the same in both, too.
    #[arg(long)]
    pub all: bool,
}

/// Runs `engine parity`.
///
/// # Errors
/// [`Failure`] when the run is not on real time or cannot be read.
pub fn parity(terminal: Terminal, args: &ParityArgs) -> Result<Verdict, Failure> {
    let recording = Recording::open(&args.run)?;
    let parity = compared(&recording)?;
    note_run_state(terminal, &recording.reader);
    let told = Told {
        args,
        parity: &parity,
        mode: &recording.manifest.mode,
        instruments: &recording.manifest.instruments,
    };
    terminal.answer(&told.document(), &told.text())?;
    Ok(Verdict::finding_if(parity.count("same") != parity.orders.len()))
}

/// What there is to tell.
struct Told<'a> {
    args: &'a ParityArgs,
    parity: &'a Parity,
    /// `paper` or `live`: what the run's side is called.
    mode: &'a str,
    instruments: &'a [Instrument],
}

impl Told<'_> {
    fn document(&self) -> Value {
        let Self { args, parity, mode, instruments } = self;
        let orders = parity.orders.iter().map(|pair| {
            let facts =
                |order: &Option<OrderFacts>| order.as_ref().map(|order| facts_document(order, instruments));
            let parts = pair.parts.iter().map(|(cause, part)| (cause.word().to_owned(), money(*part).into()));
            json!({
                "verdict": pair.word(),
                *mode: facts(&pair.run),
                "backtest": facts(&pair.backtest),
                "refusal": pair.refusal,
                "causes": parts.collect::<Map<String, Value>>(),
            })
        });
        let causes = Cause::ALL.into_iter().map(|cause| {
            let total = parity.total(cause);
            let total = total.map(|(orders, sum)| json!({ "orders": orders, "money": money(sum) }));
            (cause.word().to_owned(), total.unwrap_or_default())
        });
        json!({
            "run": args.run.display().to_string(),
            "score": parity.score(),
            "orders": parity.orders.len(),
            "same": parity.count("same"),
            "changed": parity.count("changed"),
            "refused": parity.count("refused"),
            "missed": parity.count("missed"),
            "extra": parity.count("extra"),
            "feed_losses": parity.feed_losses,
            format!("{mode}_equity"): money(parity.run_equity),
            "backtest_equity": money(parity.backtest_equity),
            "difference": parity.difference().map(money),
            "causes": causes.collect::<Map<String, Value>>(),
            "unexplained": parity.unexplained().map(money),
            "table": orders.collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let Self { args, parity, mode, .. } = self;
        let known = |amount: Option<Money>| amount.map_or_else(|| "not known".to_owned(), money);
        let mut text = format!(
            "{} orders: {} same, {} changed, {} refused, {} missed, {} extra; parity {:.2} %\nequity {} {}, {} in the \
             backtest, a difference of {}; feeds were lost {} times\n",
            parity.orders.len(),
            parity.count("same"),
            parity.count("changed"),
            parity.count("refused"),
            parity.count("missed"),
            parity.count("extra"),
            parity.score() * 100.0,
            money(parity.run_equity),
            if *mode == "paper" { "on paper" } else { "in real trading" },
            money(parity.backtest_equity),
            known(parity.difference()),
            parity.feed_losses,
        );
        for cause in Cause::ALL {
            match parity.total(cause) {
                Some((0, _)) => {}
                Some((orders, sum)) => {
                    text.push_str(&format!("{:<9} {:>6} orders {}\n", cause.word(), orders, money(sum)));
                }
                None => text.push_str(&format!("{:<9} is too large to be said\n", cause.word())),
            }
        }
        if parity.unexplained().is_none_or(|left| !left.is_zero()) {
            text.push_str(&format!("no order explains {}\n", known(parity.unexplained())));
        }
        for pair in parity.orders.iter().filter(|pair| args.all || !pair.is_same()) {
            text.push_str(&self.line(pair));
        }
        text
    }

    fn line(&self, pair: &OrderPair) -> String {
        let side = |name: &str, order: &Option<OrderFacts>| match order {
            None => format!("{name}: none"),
            Some(order) => {
                let Some(rules) = self.instruments.get(order.instrument.index()) else {
                    return String::new();
                };
                let price = order.fill_price.map(|price| rules.price_decimal(price).to_string());
                format!(
                    "{name}: {} {} of {} {} at {}",
                    side_word(order.side),
                    rules.qty_decimal(order.filled),
                    rules.qty_decimal(order.qty),
                    rules.symbol,
                    price.unwrap_or_else(|| "no fill".to_owned())
                )
            }
        };
        let (run, backtest) = (side(self.mode, &pair.run), side("backtest", &pair.backtest));
        let parts: Vec<String> =
            pair.parts.iter().map(|(cause, part)| format!("{} {}", cause.word(), money(*part))).collect();
        let parts = if parts.is_empty() { String::new() } else { format!("; {}", parts.join(", ")) };
        format!("{:<8} {}  {run}; {backtest}{parts}\n", pair.word(), moment_text(pair.decided_at()))
    }
}

fn facts_document(order: &OrderFacts, instruments: &[Instrument]) -> Value {
    let Some(rules) = instruments.get(order.instrument.index()) else { return Value::Null };
    json!({
        "order": order.id.number(),
        "instrument": rules.symbol,
        "side": side_word(order.side),
        "decided_at": moment_text(order.decided_at),
        "decided_price": rules.price_decimal(order.decided_price).to_string(),
        "qty": rules.qty_decimal(order.qty).to_string(),
        "filled": rules.qty_decimal(order.filled).to_string(),
        "rejected": order.is_rejected,
        "latency_ns": order.filled_at.map(|filled_at| filled_at.since(order.decided_at).nanos()),
        "fill_price": order.fill_price.map(|price| rules.price_decimal(price).to_string()),
        "slippage_bps": slippage_bps(order),
        "fees": money(order.fees),
    })
}

const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// How much worse than decided it was filled, in basis points.
fn slippage_bps(order: &OrderFacts) -> Option<f64> {
    let (decided, filled) = (order.decided_price.units() as f64, order.fill_price?.units() as f64);
    let worse = match order.side {
        Side::Buy => filled - decided,
        Side::Sell => decided - filled,
    };
    (decided > 0.0).then(|| worse / decided * 10_000.0)
}
