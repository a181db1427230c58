//! What a venue changes about the instruments of a run while it goes on.

use std::collections::VecDeque;

use engine_core::event::{Input, ListingChange};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use engine_core::listing::TradingStatus;
use engine_core::num::{Decimal, MONEY_DECIMALS};
use engine_core::time::{Span, Timestamp};
use engine_venues::asking_thread::AskingThread;
use engine_venues::market_venue::Notices;

/// Who knows what a venue lists. Asking never waits: the answers come later.
pub trait AskListings: Send {
    /// Asks.
    fn ask(&mut self);

    /// An answer that has come: what the venue lists, or nothing where it could not be asked.
    fn answer(&mut self) -> Option<Option<Vec<ListingChange>>>;
}

impl AskListings for AskingThread<(), Option<Vec<ListingChange>>> {
    fn ask(&mut self) {
        Self::ask(self, ());
    }

    fn answer(&mut self) -> Option<Option<Vec<ListingChange>>> {
        Self::answer(self).map(|((), listed)| listed)
    }
}

/// How often an answer is looked for.
const LOOK_EVERY: Span = Span::from_nanos(50_000_000);

/// Which rules of an instrument are the settings' own: whatever the venue says of those changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnRules {
    /// The step of prices.
    pub tick: bool,
    /// The step of quantities.
    pub lot: bool,
    /// The smallest notional.
    pub notional_min: bool,
}

/// Asks a venue again and again what it lists, and tells what has changed.
pub struct ListingWatch {
    instruments: Vec<Instrument>,
    own: Vec<OwnRules>,
    /// What the run was told last, or began with.
    known: Vec<ListingChange>,
    asked: Option<Box<dyn AskListings>>,
    every: Span,
    /// When it is asked, or looked for an answer, next.
    next_at: Option<Timestamp>,
    is_open: bool,
    coming: VecDeque<(Timestamp, Input)>,
    notices: Notices,
}

impl core::fmt::Debug for ListingWatch {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("ListingWatch").field("known", &self.known).finish_non_exhaustive()
    }
}

/// What was asked is asked again by whoever goes on.
impl Learned for ListingWatch {
    fn note(&self, notes: &mut NoteWriter) {
        notes.value(&self.known);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        let known: Vec<ListingChange> = notes.value()?;
        if known.len() != self.known.len() {
            return Err(Forgotten::OtherSettings);
        }
        self.known = known;
        Ok(())
    }
}

impl ListingWatch {
    /// A watch over `instruments`, of which a run knows what it began with; nobody is asked without `asked`.
    #[must_use]
    pub fn new(
        instruments: &[Instrument],
        own: Vec<OwnRules>,
        asked: Option<(Box<dyn AskListings>, Span)>,
        notices: Notices,
    ) -> Self {
        let known = |(place, rules): (usize, &Instrument)| {
            let Instrument { tick, lot, notional_min, .. } = *rules;
            let instrument = InstrumentId::new(u16::try_from(place).unwrap_or(u16::MAX));
            ListingChange { instrument, tick, lot, notional_min, status: TradingStatus::Trading }
        };
        let known = instruments.iter().enumerate().map(known).collect();
        let (asked, every) = asked.map_or((None, Span::ZERO), |(asked, every)| (Some(asked), every));
        let (next_at, is_open, coming) = (None, false, VecDeque::new());
        let instruments = instruments.to_vec();
        Self { instruments, own, known, asked, every, next_at, is_open, coming, notices }
    }

    /// The run begins at `now`, with rules that were read a moment ago.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.next_at = self.asked.is_some().then_some(now.plus(self.every));
    }

    /// The run goes on at `now`: what has changed meanwhile is asked for.
    pub(super) fn go_on(&mut self, now: Timestamp) {
        self.next_at = self.asked.is_some().then_some(now);
    }

    /// Notes what the run is told, or was told before it was taken up.
    pub(super) fn learn_of(&mut self, input: &Input) {
        if let Input::Listing(change) = input
            && let Some(known) = self.known.get_mut(change.instrument.index())
        {
            *known = **change;
        }
    }

    /// When something is to be done.
    pub(super) const fn next_at(&self) -> Option<Timestamp> {
        self.next_at
    }

    /// Whether something waits to be told, or is to be done by `now`.
    pub(super) fn has_more(&self, now: Timestamp) -> bool {
        !self.coming.is_empty() || self.next_at.is_some_and(|at| at <= now)
    }

    /// Whether nothing waits to be told.
    pub(super) fn is_settled(&self) -> bool {
        self.coming.is_empty()
    }

    /// What has changed.
    pub(super) fn take(&mut self) -> Option<(Timestamp, Input)> {
        self.coming.pop_front()
    }

    /// Asks, or looks for the answer, where it is time.
    pub(super) fn ask_if_due(&mut self, now: Timestamp) {
        let Some(asked) = self.asked.as_mut().filter(|_| self.next_at.is_some_and(|at| at <= now)) else {
            return;
        };
        if !core::mem::replace(&mut self.is_open, true) {
            asked.ask();
        }
        let Some(answer) = asked.answer() else {
            self.next_at = Some(now.plus(LOOK_EVERY));
            return;
        };
        (self.is_open, self.next_at) = (false, Some(now.plus(self.every)));
        for listed in answer.into_iter().flatten() {
            self.compare(now, listed);
        }
    }

    fn compare(&mut self, now: Timestamp, listed: ListingChange) {
        let place = listed.instrument.index();
        let (Some(known), Some(rules)) = (self.known.get_mut(place), self.instruments.get(place)) else {
            return;
        };
        let own = self.own.get(place).copied().unwrap_or_default();
        let change = ListingChange {
            tick: if own.tick { known.tick } else { listed.tick },
            lot: if own.lot { known.lot } else { listed.lot },
            notional_min: if own.notional_min { known.notional_min } else { listed.notional_min },
            ..listed
        };
        if change != *known {
            *known = change;
            (self.notices)(&words(rules, &change));
            self.coming.push_back((now, Input::Listing(Box::new(change))));
        }
    }
}

fn words(rules: &Instrument, change: &ListingChange) -> String {
    let minimum = Decimal { units: change.notional_min.units(), decimals: MONEY_DECIMALS };
    format!(
        "{} lists {} otherwise: {}, price step {}, quantity step {}, smallest notional {minimum}",
        rules.venue,
        rules.symbol,
        change.status.name(),
        rules.price_decimal(change.tick),
        rules.qty_decimal(change.lot),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use engine_core::num::{Money, Price, Qty};

    use super::*;

    /// Answers that are given once each, when they are asked for.
    #[derive(Clone, Default)]
    struct Script(Arc<Mutex<VecDeque<Option<Vec<ListingChange>>>>>, bool);

    impl AskListings for Script {
        fn ask(&mut self) {
            self.1 = true;
        }

        fn answer(&mut self) -> Option<Option<Vec<ListingChange>>> {
            let answer = if self.1 { self.0.lock().unwrap().pop_front() } else { None };
            self.1 &= answer.is_none();
            answer
        }
    }

    fn rules() -> Instrument {
        Instrument {
            venue: "binance".into(),
            symbol: "BTCUSDT".into(),
            price_decimals: 2,
            qty_decimals: 3,
            tick: Price::from_units(1),
            lot: Qty::from_units(5),
            notional_min: Money::ZERO,
        }
    }

    fn listed(tick: i64, lot: i128, status: TradingStatus) -> ListingChange {
        ListingChange {
            instrument: InstrumentId::new(0),
            tick: Price::from_units(tick),
            lot: Qty::from_units(lot),
            notional_min: Money::ZERO,
            status,
        }
    }

    fn watch(answers: &[Option<ListingChange>], own: OwnRules) -> ListingWatch {
        let script = Script::default();
        *script.0.lock().unwrap() = answers.iter().map(|answer| answer.map(|change| vec![change])).collect();
        let mut watch = ListingWatch::new(
            &[rules()],
            vec![own],
            Some((Box::new(script), Span::MINUTE)),
            Arc::new(|_: &str| {}),
        );
        watch.go_on(Timestamp::from_nanos(0));
        watch
    }

    /// What is told in five minutes.
    fn told(watch: &mut ListingWatch) -> Vec<ListingChange> {
        let mut told = Vec::new();
        for second in 0..300 {
            watch.ask_if_due(Timestamp::from_nanos(second * 1_000_000_000));
            while let Some((_, input)) = watch.take() {
                let Input::Listing(change) = input else { panic!("{input:?}") };
                told.push(*change);
            }
        }
        told
    }

    #[test]
    fn what_changed_is_told_once_and_a_venue_that_does_not_answer_changes_nothing() {
        let same = listed(1, 5, TradingStatus::Trading);
        let halted = listed(1, 5, TradingStatus::Halted);
        let finer = listed(1, 1, TradingStatus::Trading);
        let answers = [Some(same), None, Some(halted), Some(halted), Some(finer)];
        assert_eq!(told(&mut watch(&answers, OwnRules::default())), [halted, finer]);
    }

    #[test]
    fn rules_of_the_settings_stay_and_what_the_run_was_told_before_is_not_told_again() {
        let own = OwnRules { lot: true, ..OwnRules::default() };
        let wider = listed(10, 1, TradingStatus::Trading);
        assert_eq!(told(&mut watch(&[Some(wider)], own)), [listed(10, 5, TradingStatus::Trading)]);
        let mut taken_up = watch(&[Some(wider)], OwnRules::default());
        taken_up.learn_of(&Input::Listing(Box::new(wider)));
        assert_eq!(told(&mut taken_up), []);
    }

    #[test]
    fn a_run_that_begins_asks_for_the_first_time_once_what_it_read_has_aged() {
        let mut watch = watch(&[], OwnRules::default());
        assert_eq!(watch.next_at(), Some(Timestamp::from_nanos(0)), "one that goes on was away");
        watch.begin(Timestamp::from_nanos(0));
        assert_eq!(watch.next_at(), Some(Timestamp::from_nanos(0).plus(Span::MINUTE)));
    }

    #[test]
    fn nobody_is_asked_where_the_settings_say_so() {
        let mut watch = ListingWatch::new(&[rules()], Vec::new(), None, Arc::new(|_: &str| {}));
        watch.begin(Timestamp::from_nanos(0));
        assert_eq!((watch.next_at(), told(&mut watch)), (None, Vec::new()));
    }
}
