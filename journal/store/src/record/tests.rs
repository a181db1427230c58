//! Records read back as they were written, flat and in columns.

use proptest::prelude::*;

use super::*;
use crate::chain::StreamDigest;
use crate::column;

proptest! {
    #[test]
    fn records_read_back_as_they_were_written(
        rows in prop::collection::vec(any::<([i64; 6], u32, u8)>(), 1..200),
    ) {
        fn same<R: Record>(records: &[R], led: usize) -> Result<(), TestCaseError> {
            let stored = column::archive(R::columns(records), Vec::new(), Vec::new()).unwrap();
            let read = |count| column::access(&stored, |stored| {
                let mut read = vec![R::default(); count];
                R::read_columns(&stored.columns, &mut read)?;
                Some(read)
            });
            for count in [0, 1, records.len() - 1, records.len(), records.len() + 1] {
                let fits = column::access(&stored, |stored| Some(R::fit_columns(&stored.columns, count)));
                prop_assert_eq!(fits, Some(read(count).is_some()), "what has the shape of {} reads", count);
            }
            prop_assert_eq!(read(records.len()), Some(records.to_vec()));
            let mut flat = FlatRows::default();
            R::flatten(records, &mut flat);
            prop_assert_eq!(flat.bytes().len(), records.len() * R::BYTES + led * 16);
            Ok(())
        }
        let trade = |([venue_at, price, qty, ..], lag_us, side): &([i64; 6], u32, u8)| {
            TradeRecord { venue_at: *venue_at, price: *price, qty: *qty, lag_us: *lag_us, side: *side }
        };
        let quote = |([venue_at, bid, bid_qty, ask, ask_qty, _], lag_us, _): &([i64; 6], u32, u8)| QuoteRecord {
            venue_at: *venue_at, bid: *bid, bid_qty: *bid_qty, ask: *ask, ask_qty: *ask_qty, lag_us: *lag_us,
        };
        let bar = |([open_at, open, high, low, close, volume], trades, _): &([i64; 6], u32, u8)| BarRecord {
            open_at: *open_at, open: *open, high: *high, low: *low, close: *close, volume: *volume,
            trades: *trades, own_length_ns: 0,
        };
        // One bar in four ends at a moment of its own.
        let odd = |row: &([i64; 6], u32, u8)| {
            let own_length_ns = if row.2.is_multiple_of(4) { i64::from(row.1) + 1 } else { 0 };
            BarRecord { own_length_ns, ..bar(row) }
        };
        let led = rows.iter().filter(|row| row.2.is_multiple_of(4)).count();
        same(&rows.iter().map(trade).collect::<Vec<_>>(), 0)?;
        same(&rows.iter().map(quote).collect::<Vec<_>>(), 0)?;
        same(&rows.iter().map(bar).collect::<Vec<_>>(), 0)?;
        same(&rows.iter().map(odd).collect::<Vec<_>>(), led)?;
    }

    #[test]
    fn the_digest_covers_lengths_and_knows_no_pages(
        lengths in prop::collection::vec(prop_oneof![3 => Just(0_i64), 1 => 1_i64..1 << 40], 2..400),
        cut in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), other in 1_i64..1 << 40,
    ) {
        let bars: Vec<BarRecord> = (1..).zip(&lengths)
            .map(|(number, length)| BarRecord { open_at: number, own_length_ns: *length, ..BarRecord::default() })
            .collect();
        let digest = |pages: &[&[BarRecord]]| {
            let (mut digest, mut flat) = (StreamDigest::new([3; 32]), FlatRows::default());
            for page in pages {
                BarRecord::flatten(page, &mut flat);
                flat.add_to(&mut digest);
            }
            digest.head()
        };
        let whole = digest(&[&bars]);
        let (front, back) = bars.split_at(cut.index(bars.len()));
        prop_assert_eq!(digest(&[front, back]), whole);
        let mut changed = bars.clone();
        let length = &mut changed[place.index(bars.len())].own_length_ns;
        *length = if *length == other { 0 } else { other };
        prop_assert_ne!(digest(&[&changed]), whole);
        let plain: Vec<BarRecord> = bars.iter().map(|bar| BarRecord { own_length_ns: 0, ..*bar }).collect();
        let has_lengths = lengths.iter().any(|length| *length != 0);
        prop_assert_eq!(digest(&[&plain]) != whole, has_lengths);
    }
}

#[test]
fn the_flat_form_is_the_fields_in_order() {
    let trade = TradeRecord { venue_at: 1, price: -2, qty: 0x0304, lag_us: 5, side: 6 };
    let mut flat = FlatRows::default();
    TradeRecord::flatten(&[trade], &mut flat);
    let expected = "0100000000000000feffffffffffffff04030000000000000500000006";
    assert_eq!(crate::chain::hex(flat.bytes()), expected);
}

#[test]
fn a_lag_that_does_not_fit_is_unknown() {
    assert_eq!(lag_us(1_000, 6_999), 5);
    assert_eq!(lag_us(7_000, 6_000), LAG_UNKNOWN - 1);
    assert_eq!(lag_us(0, i64::MAX), LAG_UNKNOWN);
    assert_eq!(lag_us(i64::MAX, 0), LAG_UNKNOWN);
    let late = TradeRecord { venue_at: 7_000, lag_us: 5, ..TradeRecord::default() };
    let early = TradeRecord { lag_us: LAG_UNKNOWN - 2, ..late };
    let unknown = TradeRecord { lag_us: LAG_UNKNOWN, ..late };
    assert_eq!((late.at(), early.at(), unknown.at()), (12_000, 5_000, 7_000));
}

proptest! {
    #[test]
    fn a_lag_reads_back_as_it_was_written(venue_at in any::<i32>(), micros in -LAG_MAX_US..=LAG_MAX_US) {
        let venue_at = i64::from(venue_at);
        let written = lag_us(venue_at, venue_at + micros * 1_000);
        prop_assert_eq!(lag_span(written), Some(Span::from_nanos(micros * 1_000)));
    }
}

#[test]
fn a_length_of_its_own_leads_the_row() {
    let bar = BarRecord { open_at: 1, own_length_ns: 2, ..BarRecord::default() };
    let mut flat = FlatRows::default();
    BarRecord::flatten(&[BarRecord { own_length_ns: 0, ..bar }, bar], &mut flat);
    let row = format!("0100000000000000{}", "0".repeat(88));
    let led = format!("00000000000000800200000000000000{row}");
    assert_eq!(crate::chain::hex(flat.bytes()), format!("{row}{led}"));
}
