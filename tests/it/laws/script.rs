//! Random scripts of intents: every kind of order, its modifiers, and cancels.

use engine_core::event::{Event, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::{CancelIntent, Intent, OrderIntent, Rationale, Size};
use engine_core::market::{MarketUpdate, Side};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{Bracket, BracketStop, OrderKind, Posting, Reach, StopLimit, TimeInForce};
use engine_core::strategy::{Strategy as Policy, View};
use engine_core::time::{Span, Timestamp};
use proptest::prelude::*;

use super::market::SECOND;

/// A price as basis points away from the mark.
type Away = i64;

/// The kind of a wished order, its prices relative to the mark of the moment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Market,
    Limit(Away),
    Stop(Away),
    StopLimit(Away, Away),
    Trailing(i64),
}

/// The stop of a wished order, in hundredths of a percent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Protection {
    Stays(Away),
    Follows(i64),
}

pub(crate) fn protections(most: i64) -> impl Strategy<Value = Protection> {
    prop_oneof![
        2 => (1..=most).prop_map(Protection::Stays),
        1 => (1..=most).prop_map(Protection::Follows),
    ]
}

/// A wished order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) instrument: u16,
    pub(crate) side: Side,
    pub(crate) size: Size,
    pub(crate) kind: Kind,
    pub(crate) tif: TimeInForce,
    pub(crate) posting: Posting,
    pub(crate) reach: Reach,
    pub(crate) bracket: Option<(Option<Protection>, Option<Away>)>,
}

/// What a line of a script does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Place(Wish),
    /// Ends the working order with this number among those working, counted around.
    Cancel(usize),
}

/// An act after the message with this number, counted from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) after: usize,
    pub(crate) act: Act,
}

fn away() -> impl Strategy<Value = Away> {
    prop_oneof![3 => -100_i64..=100, 1 => -900_i64..=900, 1 => Just(0)]
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Market),
        4 => away().prop_map(Kind::Limit),
        2 => away().prop_map(Kind::Stop),
        2 => (away(), away()).prop_map(|(trigger, limit)| Kind::StopLimit(trigger, limit)),
        1 => (1_i64..=300).prop_map(Kind::Trailing),
    ]
}

fn sizes() -> impl Strategy<Value = Size> {
    prop_oneof![
        5 => (1_i64..=4_000).prop_map(|qty| Size::Units(Qty::from(qty))),
        1 => (1_i64..=20).prop_map(|qty| Size::Units(Qty::from(qty))),
        1 => (1_i128..=400).prop_map(|whole| Size::Notional(Money::from_units(whole * 10_i128.pow(18)))),
        1 => (1_i64..=1_000).prop_map(|mills| Size::EquityShare(Ratio::from_units(mills * 1_000_000))),
        1 => Just(Size::EquityShare(Ratio::ONE)),
        2 => Just(Size::Position),
    ]
}

fn tifs() -> impl Strategy<Value = TimeInForce> {
    prop_oneof![
        4 => Just(TimeInForce::Gtc),
        1 => Just(TimeInForce::Ioc),
        1 => Just(TimeInForce::Fok),
        1 => (0_i64..=900).prop_map(|seconds| TimeInForce::Gtd(Timestamp::from_nanos(seconds * SECOND))),
    ]
}

/// Any wished order in one of `instruments` instruments.
pub(crate) fn wishes(instruments: u16) -> impl Strategy<Value = Wish> {
    let side = prop::bool::ANY.prop_map(|buy| if buy { Side::Buy } else { Side::Sell });
    let posting = prop_oneof![4 => Just(Posting::Any), 1 => Just(Posting::PostOnly)];
    let reach = prop_oneof![3 => Just(Reach::Any), 1 => Just(Reach::ReduceOnly)];
    let stop = prop::option::weighted(0.7, protections(400));
    let bracket = prop::option::weighted(0.25, (stop, prop::option::weighted(0.7, 1_i64..=400)));
    let parts = (0..instruments, side, sizes(), kinds(), tifs(), posting, reach, bracket);
    parts.prop_map(|(instrument, side, size, kind, tif, posting, reach, bracket)| Wish {
        instrument,
        side,
        size,
        kind,
        tif,
        posting,
        reach,
        bracket,
    })
}

/// Scripts of `count` lines over `messages` messages.
pub(crate) fn lines(
    instruments: u16,
    messages: usize,
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<Line>> {
    let act = prop_oneof![
        6 => wishes(instruments).prop_map(Act::Place),
        1 => (0_usize..8).prop_map(Act::Cancel),
    ];
    let line = (1..=messages, act).prop_map(|(after, act)| Line { after, act });
    prop::collection::vec(line, count)
}

/// Follows a script in the instruments from `first` on; sees no others.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    lines: Vec<Line>,
    first: u16,
    watched: u16,
    seen: usize,
    before: usize,
}

impl Script {
    /// A script for `watched` instruments of which the first is number `first`.
    pub(crate) const fn new(lines: Vec<Line>, first: u16, watched: u16) -> Self {
        Self { lines, first, watched, seen: 0, before: 0 }
    }

    fn watches(&self, instrument: InstrumentId) -> bool {
        let range = usize::from(self.first)..usize::from(self.first + self.watched);
        range.contains(&instrument.index())
    }

    fn intent(&self, act: &Act, view: &View<'_>) -> Option<Intent> {
        match act {
            Act::Place(wish) => self.place(wish, view).map(Intent::from),
            Act::Cancel(number) => {
                let working: Vec<_> = view.state.open_orders().map(|open| open.order.id).collect();
                let order = *working.get(number.checked_rem(working.len())?)?;
                Some(Intent::Cancel(CancelIntent { order, because: Rationale::new("scripted") }))
            }
        }
    }

    fn place(&self, wish: &Wish, view: &View<'_>) -> Option<OrderIntent> {
        let instrument = InstrumentId::new(self.first + wish.instrument);
        let mark = view.mark(instrument)?.units();
        let price = |away: Away| Price::from_units(mark + mark * away / 10_000);
        let kind = match wish.kind {
            Kind::Market => OrderKind::Market,
            Kind::Limit(limit) => OrderKind::Limit(price(limit)),
            Kind::Stop(trigger) => OrderKind::StopMarket(price(trigger)),
            Kind::StopLimit(trigger, limit) => {
                OrderKind::StopLimit(StopLimit { trigger: price(trigger), limit: price(limit) })
            }
            Kind::Trailing(bps) => OrderKind::TrailingStop(Ratio::from_bps(bps)?),
        };
        let exit = match wish.side {
            Side::Buy => 1,
            Side::Sell => -1,
        };
        let bracket = wish.bracket.map(|(stop, take)| Bracket {
            stop_loss: match stop {
                None => BracketStop::None,
                Some(Protection::Stays(bps)) => BracketStop::At(price(-exit * bps)),
                Some(Protection::Follows(bps)) => {
                    Ratio::from_bps(bps).map_or(BracketStop::None, BracketStop::Trailing)
                }
            },
            take_profit: take.map(|bps| price(exit * bps)),
        });
        let tif = match wish.tif {
            // The moment of a script is relative to now, so that it lies in the run.
            TimeInForce::Gtd(until) => TimeInForce::Gtd(view.at.plus(Span::from_nanos(until.nanos()))),
            TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => wish.tif,
        };
        let intent = OrderIntent::market(instrument, wish.side, wish.size, "scripted");
        Some(OrderIntent { kind, tif, posting: wish.posting, reach: wish.reach, bracket, ..intent })
    }
}

engine_core::learned!(Script { settings: [first, watched], values: [seen, before] });

impl Policy for Script {
    engine_core::can_be_taken_up!();

    fn observe(&mut self, _at: Timestamp, event: &Event) {
        let told = match event {
            Event::Input(input) => {
                self.before = self.seen;
                match input {
                    Input::Market(MarketUpdate::Open(_)) => None,
                    Input::Market(update) => Some(update.instrument()),
                    Input::Session(_)
                    | Input::Feed(_)
                    | Input::Execution(_)
                    | Input::Operator(_)
                    | Input::EffectFailed(_)
                    | Input::Deadline
                    | Input::Inference(_)
                    | Input::Clock(_)
                    | Input::DataFault(_)
                    | Input::Account(_)
                    | Input::Listing(_)
                    | Input::History(_)
                    | Input::Conductor(_) => None,
                }
            }
            Event::Output(Output::BarClosed(bar)) => Some(bar.instrument),
            Event::Output(_) => None,
        };
        self.seen += usize::from(told.is_some_and(|instrument| self.watches(instrument)));
    }

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let due = self.lines.iter().filter(|line| self.before < line.after && line.after <= self.seen);
        due.filter_map(|line| self.intent(&line.act, view)).collect()
    }
}
