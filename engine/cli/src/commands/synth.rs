//! `synth`: a seeded synthetic market.

use std::path::PathBuf;

use clap::Args;
use engine_core::time::{Span, Timestamp};
use journal_store::chain::hex;
use replay_history::synth::{SynthRequest, SynthSize, synthesise};
use serde_json::json;

use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;
use engine_application::moment::moment_text;

/// `engine synth`.
#[derive(Debug, Args)]
pub struct SynthArgs {
    /// Directory of the dataset; made when there is none.
    #[arg(long, value_name = "DIR")]
    pub dataset: PathBuf,
    /// Everything random comes from here.
    #[arg(long)]
    pub seed: u64,
    /// Make this many trades.
    #[arg(long, value_name = "N", conflicts_with = "bars", required_unless_present = "bars")]
    pub ticks: Option<u64>,
    /// Make this many bars.
    #[arg(long, value_name = "N")]
    pub bars: Option<u64>,
    /// Length of a bar.
    #[arg(long, value_name = "I", default_value = "1h", requires = "bars")]
    pub interval: Span,
    /// Name of the venue.
    #[arg(long, default_value = "synthetic")]
    pub venue: String,
    /// Symbol of the instrument.
    #[arg(long, default_value = "SYNUSD")]
    pub instrument: String,
}

/// Makes a synthetic market.
///
/// # Errors
/// [`Failure::Import`] when it cannot be made or stored.
pub fn synth(terminal: Terminal, args: SynthArgs) -> Result<Verdict, Failure> {
    let size = match (args.ticks, args.bars) {
        (Some(ticks), _) => SynthSize::Ticks(ticks),
        (None, Some(bars)) => SynthSize::Bars(bars, args.interval),
        (None, None) => return Err(Failure::request("make a market: give --ticks N or --bars N".to_owned())),
    };
    let SynthArgs { dataset, seed, venue, instrument: symbol, .. } = args;
    let outcome = synthesise(&SynthRequest { dataset, venue, symbol, seed, size })?;
    let entry = &outcome.entry;
    let document = json!({
        "series": entry.info.name(),
        "synthetic": true,
        "seed": seed,
        "records": entry.head.count,
        "digest": hex(&entry.head.digest),
        "first_at": moment_text(Timestamp::from_nanos(entry.first_at)),
        "last_at": moment_text(Timestamp::from_nanos(entry.last_at)),
        "nothing_new": outcome.nothing_new,
        "regimes": outcome.regimes,
    });
    let text = format!(
        "{}: {} synthetic records, {} regimes, seed {seed}{}\n",
        entry.info.name(),
        entry.head.count,
        outcome.regimes.len(),
        if outcome.nothing_new { "; nothing new" } else { "" },
    );
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}
