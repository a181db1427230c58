//! Nothing looks ahead, and nothing looks aside: later data and untraded instruments change nothing.

use engine_core::envelope::Envelope;
use engine_core::event::{Event, Input, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::Intent;
use engine_core::market::MarketUpdate;
use engine_core::num::Money;
use engine_core::time::Timestamp;
use proptest::prelude::*;
use replay_history::market_source::{MarketItem, MemorySource};

use super::market::Move;
use super::script::Script;
use super::{Case, MODELS, Played, cases, ends_session, law, market};

/// What was recorded up to `until` from the first `records` market records.
fn known(played: &Played, records: usize, until: Timestamp) -> Vec<&Envelope> {
    let session = played.envelopes.iter().take_while(|envelope| !ends_session(&envelope.event));
    session.filter(|envelope| envelope.records_read <= records as u64 && envelope.at <= until).collect()
}

/// Runs with the same past and another future or none have the same results up to the last moment they share.
fn share_their_past(case: &Case, items: &[MarketItem], others: &[MarketItem]) -> Result<(), TestCaseError> {
    let mut common = items.iter().zip(others).take_while(|(ours, theirs)| ours == theirs).count();
    let later = |items: &[MarketItem], place: usize| {
        items.get(place).is_none_or(|item| item.at > items[place - 1].at)
    };
    while common > 0 && !(later(items, common) && later(others, common)) {
        common -= 1;
    }
    if common > 0 {
        let until = items[common - 1].at;
        let play = |items: &[MarketItem]| case.play_with(case.core(), MemorySource::new(items.to_vec()));
        let (ours, theirs) = (play(items), play(others));
        prop_assert_eq!(known(&ours, common, until), known(&theirs, common, until));
    }
    Ok(())
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn results_up_to_a_moment_do_not_depend_on_later_data(
        case in cases(&MODELS), chosen in any::<prop::sample::Index>(), other in market::moves(3, 0..20),
    ) {
        let items = case.items();
        share_their_past(&case, &items, &items[..chosen.index(items.len())])?;
        let past = &case.moves[..chosen.index(case.moves.len())];
        let future = other.iter().map(|step| Move { instrument: step.instrument % case.instruments, ..*step });
        let changed = Case { moves: past.iter().copied().chain(future).collect(), ..case.clone() };
        share_their_past(&case, &items, &changed.items())?;
    }

    #[test]
    fn an_instrument_nobody_trades_changes_nothing_else(
        case in cases(&MODELS), extra in market::moves(1, 1..60), first in any::<bool>(),
    ) {
        let alone = case.play();
        let beside = beside(&case, &extra, if first { Place::First } else { Place::Last });
        let traded = usize::from(first)..usize::from(first) + usize::from(case.instruments);
        let shift = u16::from(first);
        prop_assert_eq!(told(&alone, 0..usize::from(case.instruments), 0), told(&beside, traded, shift));
        prop_assert_eq!(alone.core.state().equity(), beside.core.state().equity());
        prop_assert_eq!(alone.core.state().order_count(), beside.core.state().order_count());
    }
}

/// Where the extra instrument stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Last,
}

/// The run of `case` with one more instrument, inside the time of the others.
fn beside(case: &Case, extra: &[Move], place: Place) -> Played {
    let own = u16::from(place == Place::First);
    let number = if place == Place::First { 0 } else { case.instruments };
    let mut items: Vec<MarketItem> = case.items().into_iter().map(|item| shifted_item(item, own)).collect();
    let (begin, end) = (items[0].at, items[items.len() - 1].at);
    let extra: Vec<Move> = extra.iter().map(|step| Move { instrument: number, ..*step }).collect();
    let strangers = market::items(case.fill, &extra, case.latency.feed.nanos());
    items.extend(strangers.into_iter().filter(|item| begin <= item.at && item.at <= end));
    let turn = |item: &MarketItem| match item.update {
        MarketUpdate::Bar(_) | MarketUpdate::SignalBar(_) => 0,
        MarketUpdate::Open(_) => 1,
        MarketUpdate::Trade(_) | MarketUpdate::Quote(_) => 2,
    };
    items.sort_by_key(|item| (item.at, turn(item), item.update.instrument()));
    let wider = Case { instruments: case.instruments + 1, ..case.clone() };
    let script = Script::new(case.lines.clone(), own, case.instruments);
    wider.play_with(wider.core_with(script), MemorySource::new(items))
}

fn shifted_item(item: MarketItem, by: u16) -> MarketItem {
    let moved = |id: InstrumentId| InstrumentId::new(u16::try_from(id.index()).unwrap() + by);
    let mut update = item.update;
    match &mut update {
        MarketUpdate::Trade(trade) => trade.instrument = moved(trade.instrument),
        MarketUpdate::Quote(quote) => quote.instrument = moved(quote.instrument),
        MarketUpdate::Open(open) => open.instrument = moved(open.instrument),
        MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar) => bar.instrument = moved(bar.instrument),
    }
    MarketItem { update, ..item }
}

/// What happened to the traded instruments: each thing with its moment and the equity after it.
fn told(played: &Played, traded: std::ops::Range<usize>, shift: u16) -> Vec<(Timestamp, Told, Money)> {
    let mut all = Vec::new();
    for step in &played.steps {
        let input = match &step.event {
            Event::Input(Input::Execution(_) | Input::Operator(_)) => Some(Told::Input(step.event.clone())),
            Event::Input(_) | Event::Output(_) => None,
        };
        let outputs =
            step.outputs.iter().filter_map(|output| shifted(output, &traded, shift)).map(Told::Output);
        all.extend(input.into_iter().chain(outputs).map(|told| (step.at, told, step.equity)));
    }
    all
}

#[derive(Debug, Clone, PartialEq)]
enum Told {
    Input(Event),
    Output(Output),
}

/// `output` with its instrument renumbered, if it is about a traded one.
fn shifted(output: &Output, traded: &std::ops::Range<usize>, by: u16) -> Option<Output> {
    let renumber = |id: &mut InstrumentId| {
        let inside = traded.contains(&id.index());
        *id = InstrumentId::new(u16::try_from(id.index()).unwrap().saturating_sub(by));
        inside
    };
    let mut output = output.clone();
    let kept = match &mut output {
        Output::BarClosed(bar) => renumber(&mut bar.instrument),
        Output::Signalled(intent) | Output::Postponed(intent) => renumber(&mut intent.instrument),
        Output::OrderSubmitted(submission) => renumber(&mut submission.order.instrument),
        Output::OrderRefused(refused) => match &mut refused.intent {
            Intent::Place(intent) => renumber(&mut intent.instrument),
            Intent::Cancel(_) => true,
        },
        Output::CancelRequested(_)
        | Output::AmendRequested(_)
        | Output::TradingHalted(_)
        | Output::FlatWanted(_)
        | Output::AccountDiffers(_)
        | Output::AccountAgrees
        | Output::OrderResolved(_)
        | Output::TradingResumed => true,
        // The digest is of the whole state, the extra market included.
        Output::CheckpointTaken(_) => false,
        Output::RegimeChanged(change) => renumber(&mut change.instrument),
        Output::GapFound(gap) => renumber(&mut gap.instrument),
        Output::ConductorConsulted(question) => renumber(&mut question.instrument),
        Output::ConductorMissed(missed) => renumber(&mut missed.instrument),
    };
    kept.then_some(output)
}
