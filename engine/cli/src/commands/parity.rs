//! `parity`: a run on paper beside the backtest over what it saw.

use std::path::PathBuf;

use clap::Args;
use engine_application::amount::money;
use engine_application::moment::moment_text;
use engine_application::wiring::recording::Recording;
use engine_core::instrument::Instrument;
use engine_core::market::Side;
use engine_research::parity::{OrderFacts, OrderPair, Parity, parity as compared};
use serde_json::{Value, json};

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine parity`.
#[derive(Debug, Args)]
pub struct ParityArgs {
    /// The run on paper.
    pub run: PathBuf,
    /// Show orders that are the same in both, too.
    #[arg(long)]
    pub all: bool,
}

/// Runs `engine parity`.
///
/// # Errors
/// [`Failure`] when the run is not on paper or cannot be read.
pub fn parity(terminal: Terminal, args: &ParityArgs) -> Result<Verdict, Failure> {
    let recording = Recording::open(&args.run)?;
    let parity = compared(&recording)?;
    note_run_state(terminal, &recording.reader);
    let instruments = &recording.manifest.instruments;
    terminal.answer(&document_of(args, &parity, instruments), &text_of(args, &parity, instruments))?;
    Ok(Verdict::finding_if(parity.count("same") != parity.orders.len()))
}

fn document_of(args: &ParityArgs, parity: &Parity, instruments: &[Instrument]) -> Value {
    let orders = parity.orders.iter().map(|pair| {
        let facts =
            |order: &Option<OrderFacts>| order.as_ref().map(|order| facts_document(order, instruments));
        json!({ "verdict": pair.word(), "paper": facts(&pair.paper), "backtest": facts(&pair.backtest) })
    });
    json!({
        "run": args.run.display().to_string(),
        "score": parity.score(),
        "orders": parity.orders.len(),
        "same": parity.count("same"),
        "changed": parity.count("changed"),
        "missed": parity.count("missed"),
        "extra": parity.count("extra"),
        "feed_losses": parity.feed_losses,
        "paper_equity": money(parity.paper_equity),
        "backtest_equity": money(parity.backtest_equity),
        "table": orders.collect::<Vec<_>>(),
    })
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

fn text_of(args: &ParityArgs, parity: &Parity, instruments: &[Instrument]) -> String {
    let mut text = format!(
        "{} orders: {} same, {} changed, {} missed, {} extra; parity {:.2} %\nequity {} on paper, {} in the backtest; feeds \
         were lost {} times\n",
        parity.orders.len(),
        parity.count("same"),
        parity.count("changed"),
        parity.count("missed"),
        parity.count("extra"),
        parity.score() * 100.0,
        money(parity.paper_equity),
        money(parity.backtest_equity),
        parity.feed_losses,
    );
    for pair in parity.orders.iter().filter(|pair| args.all || !pair.is_same()) {
        text.push_str(&line_of(pair, instruments));
    }
    text
}

fn line_of(pair: &OrderPair, instruments: &[Instrument]) -> String {
    let side = |name: &str, order: &Option<OrderFacts>| match order {
        None => format!("{name}: none"),
        Some(order) => {
            let Some(rules) = instruments.get(order.instrument.index()) else { return String::new() };
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
    let (paper, backtest) = (side("paper", &pair.paper), side("backtest", &pair.backtest));
    format!("{:<8} {}  {paper}; {backtest}\n", pair.word(), moment_text(pair.decided_at()))
}
