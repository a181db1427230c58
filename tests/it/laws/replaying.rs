//! `replay --check`: silent on an untouched run, and naming the first event of a touched one.

use engine_core::bars::BarRule;
use engine_core::digest::Digest;
use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Execution, Input, Output};
use engine_core::halt::HaltReason;
use engine_core::intent::{Intent, Rationale};
use engine_core::machine::Core;
use engine_core::num::{Money, Qty};
use engine_core::regime::DetectorKind;
use engine_core::time::Span;
use journal_store::memory_journal::MemoryJournal;
use proptest::prelude::*;
use replay_history::market_source::MemorySource;
use replay_replayer::fold::{Start, Until, fold};
use replay_replayer::{CheckReport, check};
use replay_simulation::config::{EndOfData, FillModel};
use serde_json::json;
use strategies::catalogue;
use strategies::sample::Source;
use strategies::trading::RunFacts;

use super::{Case, Lived, MODELS, cases, latencies, law, loose, market};

fn checked(case: &Case, mut core: Core, envelopes: &[Envelope]) -> CheckReport {
    check(&mut core, &mut case.source(), envelopes.iter().cloned().map(Ok)).unwrap()
}

const POLICIES: [&str; 6] = ["buy-and-hold", "sma-cross", "ema-cross", "donchian", "limit-dip", "random"];

/// A policy with short windows, so that it trades within a few records.
fn policy(case: &Case, name: &str) -> Box<dyn engine_core::strategy::Strategy> {
    let settings = match name {
        "sma-cross" => json!({ "name": name, "fast": 2, "slow": 3, "direction": "long-short" }),
        "ema-cross" => json!({ "name": name, "fast": 2, "slow": 4, "stop_loss": "1%", "take_profit": "2%" }),
        "donchian" => json!({ "name": name, "entry": 3, "exit": 2, "direction": "long-short" }),
        "limit-dip" => json!({ "name": name, "offset": "0.2%", "hold": 2 }),
        "random" => {
            json!({ "name": name, "probability": 0.4, "direction": "long-short", "trailing_stop": "1%" })
        }
        _ => json!({ "name": name }),
    };
    let mut settings = settings;
    settings["size"] = json!({ "equity_share": 0.3 });
    let source = match (case.fill, case.bars) {
        (FillModel::NextOpen | FillModel::SameClose, _) | (_, Some(_)) => Source::Bars,
        (FillModel::AtSignal | FillModel::Trades, None) => Source::Trades,
        (FillModel::Quotes, None) => Source::Quotes,
    };
    let config = case.config();
    let facts =
        RunFacts { instruments: &config.instruments, source, seed: 11, detector: DetectorKind::default() };
    catalogue::build(settings.as_object().unwrap(), &facts).unwrap()
}

/// Runs of a catalogue policy.
fn policy_cases() -> impl Strategy<Value = (Case, &'static str)> {
    let built = prop::option::of(Just(BarRule::Time(Span::from_nanos(3_000_000_000))));
    let parts = (prop::sample::select(&MODELS), market::moves(2, 1..80), latencies(), built);
    let case = parts.prop_map(|(fill, moves, latency, built)| Case {
        fill,
        instruments: 2,
        moves,
        lines: Vec::new(),
        costs: replay_simulation::config::Costs::default(),
        latency,
        venue: replay_simulation::config::VenueRules::default(),
        limits: loose(),
        end: EndOfData::Flatten,
        answers_take: None,
        bars: built.filter(|_| !matches!(fill, FillModel::NextOpen | FillModel::SameClose)),
    });
    (case, prop::sample::select(&POLICIES))
}

fn play_policy(case: &Case, name: &str) -> (u64, CheckReport) {
    let core = || Core::new(case.config().core(), policy(case, name));
    let played = case.play_with(core(), case.source());
    (played.core.state().order_count(), checked(case, core(), &played.envelopes))
}

/// Another output of the same kind.
fn touched(output: &Output) -> Output {
    let mut output = output.clone();
    match &mut output {
        Output::BarClosed(bar) => bar.volume = Qty::from_units(bar.volume.units() + 1),
        Output::Signalled(intent) | Output::Postponed(intent) => {
            intent.because = Rationale::new("another reason")
        }
        Output::OrderSubmitted(submission) => {
            submission.order.qty = Qty::from_units(submission.order.qty.units() + 1);
        }
        Output::OrderRefused(refused) => match &mut refused.intent {
            Intent::Place(intent) => intent.side = intent.side.opposite(),
            Intent::Cancel(cancel) => cancel.order = cancel.order.next(),
        },
        Output::CancelRequested(request) => request.order = request.order.next(),
        Output::AmendRequested(request) => request.order = request.order.next(),
        Output::TradingHalted(HaltReason::Operator) => output = Output::TradingResumed,
        Output::TradingHalted(reason) => *reason = HaltReason::Operator,
        Output::FlatWanted(_) => output = Output::TradingResumed,
        Output::TradingResumed => output = Output::TradingHalted(HaltReason::Operator),
        Output::CheckpointTaken(digest) => *digest = Digest([digest.0[0] ^ 1, digest.0[1]]),
        Output::RegimeChanged(change) => change.reading.run_length_bars += 1,
        Output::GapFound(gap) => gap.until = gap.after,
        Output::ConductorConsulted(question) => question.answer_by = engine_core::time::Timestamp::MIN,
        Output::ConductorMissed(missed) => missed.question.0 += 1,
        Output::AccountDiffers(_) => output = Output::AccountAgrees,
        Output::AccountAgrees => output = Output::TradingResumed,
        Output::OrderResolved(resolution) => resolution.order = resolution.order.next(),
    }
    output
}

/// The record without one event, numbered without a gap, as if it had never been written.
fn dropped(envelopes: &[Envelope], place: usize) -> Vec<Envelope> {
    let gone = envelopes[place].seq;
    let renumber = |seq: Seq| if seq > gone { Seq::new(seq.number() - 1) } else { seq };
    let rest = envelopes.iter().enumerate().filter(|(index, _)| *index != place);
    let moved = rest.map(|(_, envelope)| Envelope {
        seq: renumber(envelope.seq),
        cause: match envelope.cause {
            Cause::Event(seq) => Cause::Event(renumber(seq)),
            Cause::Record(tick) => Cause::Record(tick),
        },
        ..envelope.clone()
    });
    moved.collect()
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn an_untouched_run_has_no_difference(case in cases(&MODELS)) {
        let played = case.play();
        let report = checked(&case, case.core(), &played.envelopes);
        prop_assert_eq!(report.difference, None);
        prop_assert!(report.complete);
        prop_assert_eq!(report.events, played.head.count);
        prop_assert_eq!(report.records_read, played.core.state().records_read());
    }

    #[test]
    fn a_self_contained_run_replays_and_folds_without_its_datasets(case in cases(&MODELS)) {
        let mut journal = MemoryJournal::self_contained();
        let live = case.play_into(case.core(), case.source(), &mut journal, &mut Lived::default());
        let envelopes = || journal.envelopes().into_iter().map(Ok);
        let mut nothing = MemorySource::default();
        let report = check(&mut case.core(), &mut nothing, envelopes()).unwrap();
        prop_assert_eq!(report.difference, None);
        prop_assert!(report.complete);
        let start = Start { state: case.opening(), seq: 0 };
        let folded = fold(start, &mut nothing, envelopes(), Until::End).unwrap();
        prop_assert_eq!(folded.state.digest(), live.digest());
    }

    #[test]
    fn every_policy_decides_the_same_again((case, name) in policy_cases()) {
        let (_, report) = play_policy(&case, name);
        prop_assert_eq!(report.difference, None);
        prop_assert!(report.complete);
    }

    #[test]
    fn a_touched_or_missing_output_is_named(
        case in cases(&MODELS), chosen in any::<prop::sample::Index>(), drop in any::<bool>(),
    ) {
        let envelopes = case.play().envelopes;
        let is_output = |envelope: &Envelope| matches!(envelope.event, Event::Output(_));
        let outputs: Vec<usize> = (0..envelopes.len()).filter(|place| is_output(&envelopes[*place])).collect();
        let place = outputs[chosen.index(outputs.len())];
        let mut record = envelopes.clone();
        if drop {
            record = dropped(&envelopes, place);
        } else if let Event::Output(output) = &envelopes[place].event {
            record[place].event = Event::Output(touched(output));
        }
        let difference = checked(&case, case.core(), &record).difference.expect("a difference");
        prop_assert_eq!(difference.seq, place as u64 + 1);
        prop_assert_ne!(difference.recorded, difference.recomputed);
    }

    #[test]
    fn a_touched_fill_shows_at_the_latest_in_the_last_digest(
        case in cases(&MODELS), chosen in any::<prop::sample::Index>(),
    ) {
        let mut record = case.play().envelopes;
        let fills: Vec<usize> = (0..record.len()).filter(|place| fee(&mut record[*place]).is_some()).collect();
        prop_assume!(!fills.is_empty());
        let place = fills[chosen.index(fills.len())];
        let fee = fee(&mut record[place]).unwrap();
        *fee = fee.plus(Money::from_units(1)).unwrap();
        let difference = checked(&case, case.core(), &record).difference.expect("a difference");
        prop_assert!(difference.seq > place as u64 + 1);
    }
}

/// The fee in a recorded fill.
fn fee(envelope: &mut Envelope) -> Option<&mut Money> {
    match &mut envelope.event {
        Event::Input(Input::Execution(report)) => match &mut report.execution {
            Execution::Filled(fill) => Some(&mut fill.fee),
            Execution::Accepted
            | Execution::Rejected(_)
            | Execution::Triggered
            | Execution::Cancelled
            | Execution::Expired
            | Execution::Amended(_) => None,
        },
        Event::Input(_) | Event::Output(_) => None,
    }
}

/// Every policy under every model, on one market in which each of them trades.
#[test]
fn every_policy_trades_and_replays_under_every_model() {
    let wave = |index: i64| market::Move {
        instrument: 0,
        wait: market::SECOND,
        drift: if (index / 7) % 2 == 0 { 45 } else { -40 },
        spread: 3,
        qty: 1_001 + index % 4,
    };
    for fill in MODELS {
        let moves: Vec<market::Move> = (0..120).map(wave).collect();
        let case = Case { fill, moves, instruments: 1, ..plain() };
        for name in POLICIES {
            let (orders, report) = play_policy(&case, name);
            assert_eq!(report.difference, None, "{name} under {}", fill.name());
            assert!(report.complete && orders > 0, "{name} under {} made {orders} orders", fill.name());
        }
    }
}

fn plain() -> Case {
    Case {
        fill: FillModel::NextOpen,
        instruments: 1,
        moves: Vec::new(),
        lines: Vec::new(),
        costs: replay_simulation::config::Costs::default(),
        latency: replay_simulation::config::Latency::default(),
        venue: replay_simulation::config::VenueRules::default(),
        limits: loose(),
        end: EndOfData::Keep,
        answers_take: None,
        bars: None,
    }
}
