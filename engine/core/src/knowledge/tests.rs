//! Bits, refusals and forgeries.

use proptest::prelude::*;

use super::*;
use crate::indicator::{Adx, OrderStatistics, Sma, Window};

/// A window and a counter, as a strategy of a user would keep them.
#[derive(Debug, Clone)]
struct Streak {
    bars: u32,
    recent: Window,
    last: f64,
    orders: OrderStatistics,
}

crate::learned!(Streak { settings: [bars], values: [last], parts: [recent, orders] });

fn streak(bars: u32, length: usize) -> Streak {
    Streak { bars, recent: Window::new(length), last: 0.0, orders: OrderStatistics::new(length) }
}

fn taught(values: &[f64]) -> Streak {
    let mut streak = streak(3, 5);
    for value in values {
        streak.recent.push(*value);
        streak.orders.push(*value);
        streak.last = *value;
    }
    streak
}

/// Something that has no form.
struct Silent;

impl Learned for Silent {
    fn note(&self, notes: &mut NoteWriter) {
        notes.value(&7_u8);
        notes.part_of(None);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.part_of(None)
    }
}

#[test]
fn every_number_comes_back_by_its_bits() {
    let payload = f64::from_bits(0x7ff8_dead_beef_0001);
    let taught = taught(&[1.5, -0.0, payload, f64::INFINITY, f64::MIN_POSITIVE / 2.0]);
    let knowledge = Knowledge::of(&taught).unwrap();
    let mut fresh = streak(3, 5);
    knowledge.recall(&mut fresh).unwrap();
    let bits = |streak: &Streak| streak.recent.all().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&fresh), bits(&taught));
    assert_eq!(bits(&fresh)[2], 0x7ff8_dead_beef_0001);
    assert_eq!(Knowledge::of(&fresh).unwrap(), knowledge);
}

#[test]
fn other_settings_forms_and_bytes_are_refused_and_leave_the_learner_as_it_was() {
    let knowledge = Knowledge::of(&taught(&[1.0, 2.0, 3.0])).unwrap();
    let refused = |knowledge: &Knowledge, mut learner: Streak| {
        learner.recent.push(9.0);
        let before = Knowledge::of(&learner).unwrap();
        let refusal = knowledge.recall(&mut learner).unwrap_err();
        assert_eq!(Knowledge::of(&learner).unwrap(), before);
        refusal
    };
    assert_eq!(refused(&knowledge, streak(4, 5)), Forgotten::OtherSettings);
    // The value before the window has been read when its length turns out to be another.
    assert_eq!(refused(&knowledge, streak(3, 6)), Forgotten::OtherSettings);
    let damaged = Knowledge { digest: Digest([1, 2]), ..knowledge.clone() };
    assert_eq!(refused(&damaged, streak(3, 5)), Forgotten::Damaged);
    let newer = Knowledge { form: 2, digest: seal(2, &knowledge.bytes), ..knowledge.clone() };
    assert_eq!(refused(&newer, streak(3, 5)), Forgotten::OtherForm { found: 2, known: 1 });
    let longer = [knowledge.bytes.as_slice(), &[0]].concat();
    let longer = Knowledge { form: 1, digest: seal(1, &longer), bytes: longer };
    assert_eq!(refused(&longer, streak(3, 5)), Forgotten::Damaged);
}

#[test]
fn what_has_a_part_without_a_form_cannot_be_written_down() {
    assert_eq!(Knowledge::of(&Silent), None);
    let knowledge = Knowledge::of(&taught(&[])).unwrap();
    assert_eq!(knowledge.recall(&mut Silent), Err(Forgotten::NotKept));
}

#[test]
fn a_forged_length_reserves_no_memory() {
    let mut notes = NoteWriter::default();
    notes.value(&u64::MAX);
    let bytes = notes.finish().unwrap();
    assert_eq!(NoteReader::new(&bytes).value::<Vec<f64>>(), Err(Forgotten::Damaged));
    assert_eq!(NoteReader::new(&bytes).value::<Vec<u8>>(), Err(Forgotten::Damaged));
    assert_eq!(NoteReader::new(&bytes).value::<String>(), Err(Forgotten::Damaged));
    assert_eq!(NoteReader::new(&bytes).count::<usize>(), Err(Forgotten::Damaged));
}

proptest! {
    #[test]
    fn forged_bytes_are_refused_or_learned_on_from_without_a_panic(
        values in prop::collection::vec(-1e9_f64..1e9, 0..20),
        forged in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..6),
        kept in any::<prop::sample::Index>(),
    ) {
        let knowledge = Knowledge::of(&taught(&values)).unwrap();
        let mut bytes = knowledge.bytes.clone();
        for (place, byte) in forged {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        for bytes in [bytes.clone(), bytes[..kept.index(bytes.len())].to_vec()] {
            let mut streak = streak(3, 5);
            let forged = Knowledge { form: 1, digest: seal(1, &bytes), bytes };
            let before = Knowledge::of(&streak);
            if forged.recall(&mut streak).is_err() {
                prop_assert_eq!(Knowledge::of(&streak), before);
            }
            for value in &values {
                streak.recent.push(*value);
                streak.orders.push(*value);
                streak.orders.push_missing();
            }
        }
    }
}

#[test]
fn an_indicator_is_not_mistaken_for_another() {
    let knowledge = Knowledge::of(&Sma::new(5)).unwrap();
    assert!(knowledge.recall(&mut Adx::new(5)).is_err());
}
