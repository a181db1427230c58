//! Buying and holding beside a run: valued at the last look of every day, whatever the charts of a long run keep.

use engine_core::time::Span;
use journal_store::memory_journal::MemoryJournal;
use replay_history::synth::{SynthRequest, SynthSize, synthesise};
use replay_simulation::backtest::recorder::{RunRecorder, Silent};
use replay_simulation::backtest::{Participants, execute};
use replay_simulation::series_feed::{OpenDatasets, open};
use replay_statistics::{Recorded, SpanFigures, Statistics};
use system_tests::resolved;

const TOML: &str = "[run]\ncapital = \"100000\"\n[risk]\ndrawdown_max = 1\n\
                    [strategy]\nname = \"sma-cross\"\nfast = 20\nslow = 90\n";

/// Bars of 7 and of 11 minutes: hardly any of them ends at midnight.
#[test]
fn daily_closes_of_holding_do_not_depend_on_what_charts_keep() {
    let dir = tempfile::tempdir().unwrap();
    for (symbol, minutes, bars) in [("ONE", 7, 8_000), ("TWO", 11, 5_000)] {
        let (dataset, venue) = (dir.path().to_path_buf(), "synthetic".into());
        let size = SynthSize::Bars(bars, Span::from_nanos(minutes * Span::MINUTE.nanos()));
        synthesise(&SynthRequest { dataset, venue, symbol: symbol.into(), seed: 4, size }).unwrap();
    }
    // The longer a run says it is, the fewer looks its charts keep.
    let years = |total: u64| -> Vec<SpanFigures> {
        let mut datasets = OpenDatasets::default();
        let (config, strategy) = resolved(TOML, &[dir.path()], &mut datasets);
        let data = open(&config, &mut datasets).unwrap();
        let mut silent = Silent;
        let held = (config.costs.taker_share(), data.source.begins_at());
        let mut recorder = RunRecorder::new(&config.instruments, config.capital, held, total, &mut silent);
        let cast = Participants::from(strategy);
        execute(&config, cast, data, &mut MemoryJournal::default(), &mut recorder).unwrap();
        let (equity, trades, reference) = (&recorder.equity, &recorder.trades, &recorder.reference);
        Statistics::of(&Recorded { equity, trades, reference }).years
    };
    let every_look = years(1);
    let held = every_look[0].buy_and_hold.unwrap();
    assert!(held.sharpe.is_some() && held.max_drawdown_pct < 0.0, "{held:?}");
    for kept in [50, 400] {
        assert_eq!(years(50_000 * kept), every_look, "every {kept}th look");
    }
}
