//! Bars that a source leaves out: quiet, or missing.

use journal_store::record::BarRecord;
use proptest::prelude::*;

use super::{Desk, ONE, SECOND};
use crate::import::{GapReading, import};
use crate::quality::check_dataset;

/// 2021-03-04T00:00:00Z in seconds.
const DAY: i64 = 1_614_816_000;

/// Rows of Kraken's history: minutes of time, open, high, low, close, volume, trades.
fn kraken(minutes: &[i64]) -> String {
    let row = |minute: &i64| {
        let (at, price) = (DAY + minute * 60, 100 + minute % 7);
        format!("{at},{price},{},{},{},1.5,{}\n", price + 2, price - 1, price + 1, minute + 1)
    };
    minutes.iter().map(row).collect()
}

fn is_quiet(bar: &BarRecord) -> bool {
    bar.volume == 0 && bar.trades == 0 && [bar.open, bar.high, bar.low] == [bar.close; 3]
}

#[test]
fn kraken_leaves_out_minutes_without_trades_and_they_are_kept_quiet() {
    let desk = Desk::new();
    let outcome = desk.text("XBTUSD_1.csv", kraken(&[0, 1, 2, 6, 7, 8, 9])).unwrap();
    let bars = desk.bars();
    let told: Vec<_> =
        bars.iter().map(|bar| (bar.open_at / SECOND - DAY, bar.close / ONE, is_quiet(bar))).collect();
    assert_eq!(
        told[2..7],
        [(120, 103, false), (180, 103, true), (240, 103, true), (300, 103, true), (360, 107, false),]
    );
    assert_eq!((outcome.rows, outcome.entry.head.count, outcome.quality.quiet), (7, 10, 3));
    assert_eq!(outcome.entry.sources[0].note.rows, 7);
    assert_eq!((outcome.quality.gaps.count, outcome.quality.violations()), (0, Vec::new()));
    let said = outcome.quality.decisions.join("\n");
    assert!(said.contains("3 bars that it leaves out, the first at 2021-03-04T00:03:00Z"), "{said}");
    let checked = &check_dataset(&desk.dataset()).unwrap()[0].quality;
    assert_eq!((checked.quiet, checked.gaps.count, checked.zero_volume.count), (3, 0, 3));
}

#[test]
fn what_the_operator_states_and_holes_of_a_day_are_holes() {
    let desk = Desk::new();
    let file = desk.file("XBTUSD_1.csv", kraken(&[0, 1, 2, 6, 7, 1_448, 1_449, 2_889]));
    let mut request = desk.request(&[&file]);
    let outcome = import(&request, &mut ()).unwrap();
    // A day without a minute is a hole; 23 hours and 59 minutes are a quiet market.
    assert_eq!((outcome.quality.quiet, outcome.quality.gaps.missing_bars), (3 + 1_439, 1_440));
    request.dataset = desk.dir.path().join("holes");
    request.gaps = Some(GapReading::Missing);
    let outcome = import(&request, &mut ()).unwrap();
    assert_eq!((outcome.entry.head.count, outcome.quality.quiet, outcome.quality.gaps.count), (8, 0, 3));
    // Any other table says nothing of what it leaves out.
    let rows = [0, 60, 180].map(|second| format!("{},1,1,1,1,1\n", DAY + second));
    let file = desk.file("table.csv", format!("time,open,high,low,close,volume\n{}", rows.concat()));
    let mut request = desk.request(&[&file]);
    request.dataset = desk.dir.path().join("table");
    assert_eq!(import(&request, &mut ()).unwrap().quality.gaps.missing_bars, 1);
    request.dataset = desk.dir.path().join("stated");
    request.gaps = Some(GapReading::Quiet);
    assert_eq!(import(&request, &mut ()).unwrap().quality.quiet, 1);
}

#[test]
fn a_dataset_that_keeps_holes_is_not_gone_on_with_as_quiet() {
    let desk = Desk::new();
    let file = desk.file("XBTUSD_1.csv", kraken(&[0, 1, 2, 6, 7]));
    let request = crate::import::ImportRequest { gaps: Some(GapReading::Missing), ..desk.request(&[&file]) };
    import(&request, &mut ()).unwrap();
    let refused = desk.text("more.csv", kraken(&[1, 2, 6, 7, 8])).unwrap_err().to_string();
    assert!(refused.contains("more.csv, row 3") && refused.contains("--gaps missing"), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Wherever a history is cut into files, and however they overlap, the series is that of the whole.
    #[test]
    fn a_history_in_pieces_is_quiet_where_the_whole_is(
        steps in prop::collection::vec(prop_oneof![3 => 1_i64..4, 1 => 1_i64..40], 12..60),
        cut in any::<prop::sample::Index>(), overlap in 0_usize..5, at_once in any::<bool>(),
    ) {
        let mut minute = 0;
        let minutes: Vec<i64> = steps.iter().flat_map(|step| [*step, 1]).map(|step| { minute += step; minute }).collect();
        let whole = Desk::new();
        let request = |desk: &Desk, files: &[&std::path::Path]| crate::import::ImportRequest {
            interval: Some(engine_core::time::Span::MINUTE), ..desk.request(files)
        };
        let file = whole.file("whole.csv", kraken(&minutes));
        import(&request(&whole, &[&file]), &mut ()).unwrap();
        let cut = 3 + cut.index(minutes.len() - 6);
        let pieces = Desk::new();
        let first = pieces.file("a.csv", kraken(&minutes[..cut]));
        let second = pieces.file("b.csv", kraken(&minutes[cut.saturating_sub(overlap)..]));
        if at_once {
            import(&request(&pieces, &[&first, &second]), &mut ()).unwrap();
        } else {
            import(&request(&pieces, &[&first]), &mut ()).unwrap();
            import(&request(&pieces, &[&second]), &mut ()).unwrap();
        }
        prop_assert_eq!(pieces.bars(), whole.bars());
        let (pieces, whole) = (&pieces.entries()[0], &whole.entries()[0]);
        prop_assert_eq!(pieces.fidelity.quiet_bars, whole.fidelity.quiet_bars);
        prop_assert_eq!(pieces.fidelity.quiet_bars, whole.head.count - minutes.len() as u64);
    }
}
