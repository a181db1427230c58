//! The order in which inputs are lent, and when orders are handed over.

use std::sync::{Arc, Mutex};

use engine_core::asset::AssetPair;
use engine_core::instrument::InstrumentId;
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty};
use engine_core::order::{Order, OrderId, OrderKind, Posting, Reach, TimeInForce};
use engine_runtime::order_route::RouteBeginning;

use super::*;

pub(super) fn manifest() -> Manifest {
    Manifest {
        engine_version: String::new(),
        mode: "live".into(),
        config_json: String::new(),
        strategy: String::new(),
        instruments: Vec::new(),
        datasets: Vec::new(),
        seed: 0,
        capital: Money::ZERO,
        synthetic: false,
    }
}

/// A source that is of now once it has given its first arrivals.
struct Script {
    arrivals: VecDeque<Arrival>,
    recorded: usize,
}

impl MarketSource for Script {
    fn next(&mut self) -> Result<Option<replay_history::market_source::MarketItem>, EnvironmentError> {
        Ok(None)
    }

    fn wait(&mut self, until: Option<Timestamp>) -> Result<Arrival, EnvironmentError> {
        if let (Some(until), Some(at)) = (until, self.arrivals.front().and_then(moment_of))
            && self.recorded == 0
            && at > until
        {
            return Ok(Arrival::Nothing(until));
        }
        self.recorded = self.recorded.saturating_sub(1);
        Ok(self.arrivals.pop_front().unwrap_or(Arrival::End))
    }

    fn is_of_now(&self) -> bool {
        self.recorded == 0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Done {
    Began(RouteBeginning),
    Placed(u64),
    Cancelled(u64),
}

/// A route that keeps what it is asked and fails to cancel.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Done>>>);

impl OrderRoute for Kept {
    fn pairs(&self) -> Vec<AssetPair> {
        Vec::new()
    }

    fn begin(&mut self, beginning: RouteBeginning, _inlet: Inlet) -> Result<(), EnvironmentError> {
        self.0.lock().unwrap().push(Done::Began(beginning));
        Ok(())
    }

    fn place(&mut self, order: &Order) -> Result<(), EffectFailure> {
        self.0.lock().unwrap().push(Done::Placed(order.id.number()));
        Ok(())
    }

    fn cancel(&mut self, order: OrderId) -> Result<(), EffectFailure> {
        self.0.lock().unwrap().push(Done::Cancelled(order.number()));
        Err(EffectFailure { reason: "down".to_owned() })
    }

    fn amend(&mut self, _order: OrderId, _qty: Qty) -> Result<(), EffectFailure> {
        Ok(())
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(second * 1_000_000_000)
}

fn told(second: i64, input: Input) -> Arrival {
    Arrival::Told(at(second), Box::new(input))
}

fn command() -> Input {
    Input::Operator(engine_core::event::OperatorCommand::Resume)
}

fn order(number: u64) -> Order {
    Order {
        id: OrderId::new(number),
        instrument: InstrumentId::new(0),
        side: Side::Buy,
        qty: Qty::from(10),
        kind: OrderKind::Market,
        tif: TimeInForce::Gtc,
        posting: Posting::Any,
        reach: Reach::Any,
        bracket: None,
        parent: None,
        sibling: None,
        decided_price: Price::from_units(1),
    }
}

fn environment(arrivals: Vec<Arrival>, recorded: usize) -> (LiveEnvironment<Script>, Kept) {
    let (source, kept) = (Script { arrivals: arrivals.into(), recorded }, Kept::default());
    let environment =
        LiveEnvironment::new(source, manifest()).over(Box::new(kept.clone()), Box::new(|_| true));
    (environment, kept)
}

/// What is lent next, in a word, and when.
fn lent(environment: &mut LiveEnvironment<Script>, until: Option<i64>) -> (String, i64) {
    let stamped = environment.next(until.map(at)).unwrap().unwrap();
    let Event::Input(input) = &stamped.event else { panic!("only inputs are lent") };
    let word = match input {
        Input::Session(mark) => format!("{mark:?}").split('(').next().unwrap().to_owned(),
        Input::Account(event) => event.kind().to_owned(),
        Input::EffectFailed(_) => "failed".to_owned(),
        Input::Operator(_) => "told".to_owned(),
        Input::Deadline => "deadline".to_owned(),
        Input::Market(_)
        | Input::Feed(_)
        | Input::Execution(_)
        | Input::Inference(_)
        | Input::Conductor(_)
        | Input::History(_)
        | Input::Clock(_)
        | Input::DataFault(_)
        | Input::Listing(_) => "another".to_owned(),
    };
    (word, stamped.at.nanos() / 1_000_000_000)
}

fn is(word: &str, second: i64) -> (String, i64) {
    (word.to_owned(), second)
}

#[test]
fn the_account_is_taken_up_once_behind_the_record_and_orders_are_handed_over_behind_that() {
    let (mut environment, kept) =
        environment(vec![told(1, command()), told(2, command()), told(5, command())], 2);
    let perform = |environment: &mut LiveEnvironment<Script>, second: i64, effect: Effect| {
        environment.perform(at(second), effect)
    };
    assert_eq!(lent(&mut environment, None), is("Opened", 1));
    assert_eq!(lent(&mut environment, None), is("told", 1));
    // What the record asked for may have been done by another process.
    perform(&mut environment, 1, Effect::Place(order(1))).unwrap();
    perform(&mut environment, 1, Effect::Cancel(OrderId::new(1))).unwrap();
    assert_eq!(lent(&mut environment, None), is("told", 2));
    assert!(kept.0.lock().unwrap().is_empty());
    assert_eq!(lent(&mut environment, None), is("account_begun", 2));
    perform(&mut environment, 2, Effect::Place(order(2))).unwrap();
    assert!(kept.0.lock().unwrap().is_empty());
    // A cancel that was asked for before is asked for again; what fails goes before a deadline.
    assert_eq!(lent(&mut environment, Some(2)), is("failed", 2));
    let done = kept.0.lock().unwrap().clone();
    let [Done::Began(beginning), Done::Cancelled(1)] = &done[..] else { panic!("{done:?}") };
    let told: Vec<(u64, u16)> =
        beginning.orders.iter().map(|order| (order.order.id.number(), order.epoch.number())).collect();
    assert_eq!((beginning.epoch.number(), told), (1, vec![(1, 0), (2, 1)]));
    perform(&mut environment, 2, Effect::Place(order(3))).unwrap();
    perform(&mut environment, 2, Effect::Cancel(OrderId::new(3))).unwrap_err();
    assert_eq!(kept.0.lock().unwrap()[2..], [Done::Placed(3), Done::Cancelled(3)]);
    assert_eq!(lent(&mut environment, Some(4)), is("deadline", 4));
    assert_eq!(lent(&mut environment, None), is("told", 5));
    assert_eq!(lent(&mut environment, None), is("Closed", 5));
    assert!(environment.next(None).unwrap().is_none());
}

#[test]
fn a_deadline_goes_before_what_comes_at_its_moment_and_behind_what_could_not_be_handed_over() {
    let failed = |act| Input::EffectFailed(Box::new(FailedEffect { act, reason: String::new() }));
    let unsent = failed(FailedAct::Place(OrderId::new(1)));
    let unasked = failed(FailedAct::Consult(engine_core::conductor::QuestionId::default()));
    let arrivals =
        vec![told(1, command()), told(1, unsent), told(1, unasked), told(3, command()), told(9, command())];
    let mut environment = LiveEnvironment::new(Script { arrivals: arrivals.into(), recorded: 9 }, manifest());
    assert_eq!(lent(&mut environment, None), is("Opened", 1));
    assert_eq!(lent(&mut environment, None), is("told", 1));
    assert_eq!(lent(&mut environment, Some(1)), is("failed", 1));
    assert_eq!(lent(&mut environment, Some(1)), is("deadline", 1));
    assert_eq!(lent(&mut environment, Some(2)), is("failed", 1));
    assert_eq!(lent(&mut environment, Some(2)), is("deadline", 2));
    assert_eq!(lent(&mut environment, Some(3)), is("deadline", 3));
    assert_eq!(lent(&mut environment, None), is("told", 3));
    // Time does not go back for a deadline that is late.
    assert_eq!(lent(&mut environment, Some(1)), is("deadline", 3));
}

#[test]
fn a_run_that_its_operator_ended_goes_on_where_its_source_says_so() {
    let ended = || Input::Session(SessionMark::Interrupted);
    let resumed = Input::Session(SessionMark::Resumed);
    let (mut environment, kept) =
        environment(vec![told(1, command()), told(2, ended()), told(4, resumed), told(6, ended())], 3);
    for (word, second) in [
        ("Opened", 1),
        ("told", 1),
        ("Interrupted", 2),
        ("Resumed", 4),
        ("account_begun", 4),
        ("Interrupted", 6),
    ] {
        assert_eq!(lent(&mut environment, None), is(word, second));
    }
    assert!(environment.next(None).unwrap().is_none());
    assert!(matches!(kept.0.lock().unwrap()[..], [Done::Began(_)]));
}

#[test]
fn another_environment_goes_on_from_what_one_knew() {
    struct Settled(Script);
    impl MarketSource for Settled {
        fn next(&mut self) -> Result<Option<replay_history::market_source::MarketItem>, EnvironmentError> {
            self.0.next()
        }
        fn wait(&mut self, until: Option<Timestamp>) -> Result<Arrival, EnvironmentError> {
            self.0.wait(until)
        }
        fn is_of_now(&self) -> bool {
            self.0.is_of_now()
        }
        fn is_settled(&self) -> bool {
            true
        }
    }
    let source = |arrivals: Vec<Arrival>| Settled(Script { arrivals: arrivals.into(), recorded: 0 });
    let kept = Kept::default();
    let over =
        |source| LiveEnvironment::new(source, manifest()).over(Box::new(kept.clone()), Box::new(|_| true));
    let mut first = over(source(vec![told(1, command()), told(3, command())]));
    assert!(first.snapshot().is_none(), "it has not begun");
    for _ in 0..3 {
        first.next(None).unwrap();
    }
    first.perform(at(1), Effect::Place(order(1))).unwrap();
    first.next(None).unwrap();
    let knowledge = first.snapshot().unwrap();
    let mut second = over(source(vec![told(7, command())]));
    second.take_up(&knowledge).unwrap();
    assert_eq!(second.snapshot(), Some(knowledge));
    for _ in 0..2 {
        second.next(None).unwrap();
    }
    let done = kept.0.lock().unwrap().clone();
    let began: Vec<&RouteBeginning> = done
        .iter()
        .filter_map(|done| match done {
            Done::Began(beginning) => Some(beginning),
            Done::Placed(_) | Done::Cancelled(_) => None,
        })
        .collect();
    assert_eq!((began.len(), began[1].epoch.number(), began[1].orders.len()), (2, 2, 1));
    assert_eq!(began[0].run, began[1].run);
}
