//! Frames that are folded and made again, whole and damaged.

use engine_core::event::Output;
use engine_core::halt::HaltReason;
use proptest::prelude::*;

use super::*;
use crate::sample::Sampler;

/// Trades and quotes of a few markets as a run meets them, other events among them.
fn frames(seed: u64, count: u64, extremes: bool) -> Vec<u8> {
    let (mut sampler, mut bytes) = (Sampler::new(seed), Vec::new());
    let first = 1 + sampler.below(1 << 40);
    let (mut at, mut read, mut price) = (1_700_000_000_000_000_000_i64, 0_u64, 6_000_000_i64);
    for seq in first..first + count {
        at += i64::try_from(sampler.below(900_000)).unwrap();
        price += i64::try_from(sampler.below(9)).unwrap() - 4;
        let lag = i64::try_from(sampler.below(3_000_000)).unwrap();
        let instrument = InstrumentId::new(u16::try_from(sampler.below(3)).unwrap());
        let venue_at = Timestamp::from_nanos((at - lag) / 1_000_000 * 1_000_000);
        let shown = |units: i64| {
            if extremes && units % 11 == 0 { Price::from_units(i64::MAX) } else { Price::from_units(units) }
        };
        let qty = |units: u64| {
            if extremes && units.is_multiple_of(13) {
                Qty::from_units(i128::MIN)
            } else {
                Qty::from_units(units.into())
            }
        };
        if extremes && sampler.below(10) == 0 {
            // Whatever an engine records, of any moment and with any count.
            let at = Timestamp::from_nanos(sampler.below(u64::MAX).cast_signed());
            let event =
                if seq % 2 == 0 { Event::Input(sampler.input()) } else { Event::Output(sampler.output()) };
            let (seq, records_read) = (Seq::new(seq), sampler.below(u64::MAX));
            let header = FrameHeader { seq, at, records_read, cause: Cause::Event(seq) };
            encode(header, &event, &mut bytes).unwrap();
            continue;
        }
        let event = match sampler.below(20) {
            0 => Event::Input(Input::Deadline),
            1 => Event::Output(Output::TradingHalted(HaltReason::Operator)),
            kind if kind < 11 => {
                read += 1;
                Event::Input(Input::Market(MarketUpdate::Trade(Trade {
                    instrument,
                    venue_at,
                    price: shown(price),
                    qty: qty(1 + sampler.below(500_000)),
                    aggressor: [Aggressor::Unknown, Aggressor::Buyer, Aggressor::Seller]
                        [usize::try_from(kind % 3).unwrap()],
                })))
            }
            _ => {
                read += 1;
                Event::Input(Input::Market(MarketUpdate::Quote(Quote {
                    instrument,
                    venue_at,
                    bid: shown(price),
                    bid_qty: qty(1 + sampler.below(500_000)),
                    ask: Price::from_units(price + 1),
                    ask_qty: qty(1 + sampler.below(500_000)),
                })))
            }
        };
        let cause = Cause::Event(Seq::new(seq));
        let at = Timestamp::from_nanos(at);
        encode(FrameHeader { seq: Seq::new(seq), at, records_read: read, cause }, &event, &mut bytes)
            .unwrap();
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn frames_are_made_again_byte_for_byte(seed in any::<u64>(), count in 1_u64..300, extremes in any::<bool>()) {
        let frames = frames(seed, count, extremes);
        if let Some(folded) = folded(&frames) {
            prop_assert_eq!(unfolded(&folded, frames.len()), frames);
        } else {
            let is_record = |frame: Frame<'_>| frame.envelope().is_some_and(|said| matches!(said.event, Event::Input(Input::Market(MarketUpdate::Trade(_) | MarketUpdate::Quote(_)))));
            prop_assert!(!Frames::new(&frames).any(is_record), "without a trade or a quote there are no columns");
        }
    }

    #[test]
    fn what_is_damaged_is_never_sound_and_never_more(seed in any::<u64>(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let frames = frames(seed, 150, false);
        let mut bytes = folded(&frames).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let again = unfolded(&bytes, frames.len());
        prop_assert!(again.len() <= frames.len());
        let told: Vec<Vec<u8>> = Frames::new(&frames).map(|frame| frame.bytes.to_vec()).collect();
        for frame in Frames::new(&again).filter(|frame| frame.is_sound) {
            let is_told = told.iter().any(|told| told == frame.bytes);
            prop_assert!(is_told, "a frame that nobody wrote: {:?}", frame.envelope());
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(unfolded(&bytes, 4_096).len() <= 4_096);
    }
}

#[test]
fn frames_that_are_not_in_order_are_left_as_they_are() {
    let (first, second) = (frames(1, 40, false), frames(2, 40, false));
    assert!(folded(&[first.clone(), second].concat()).is_none());
    assert!(folded(&first[..first.len() - 1]).is_none() && folded(&[]).is_none());
}

#[test]
fn a_record_takes_a_third_of_its_frame() {
    let frames = frames(7, 500, false);
    let folded = folded(&frames).unwrap();
    assert!(folded.len() * 3 < frames.len(), "{} bytes of {}", folded.len(), frames.len());
}
