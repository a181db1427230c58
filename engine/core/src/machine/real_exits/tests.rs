//! Exits at a real venue, case by case, and in simulated lives.

use super::*;
use crate::asset::{Asset, AssetAmount, AssetPair};
use crate::epoch::Epoch;
use crate::event::{
    AccountBeginning, AccountEvent, AccountStatement, Event, Execution, ExecutionReport, Input,
    OperatorCommand, RejectReason,
};
use crate::fill::{Fill, Liquidity, TradeId};
use crate::instrument::InstrumentId;
use crate::intent::Intent;
use crate::machine::fast_path_tests::market;
use crate::machine::{CoreConfig, Timing};
use crate::mark::MarkRule;
use crate::market::Side;
use crate::num::{Amount, Money, Price, Ratio};
use crate::order::{Bracket, OrderId};
use crate::risk::{Account, RiskLimits};
use crate::strategy::{Strategy, View};

mod simulated;
mod trailing;

const ONLY: InstrumentId = InstrumentId::new(0);

/// Proposes what it was given for the market record of a number.
#[derive(Debug, Clone, Default)]
struct Plan {
    records: u32,
    intents: Vec<(u32, Intent)>,
}

impl Strategy for Plan {
    fn observe(&mut self, _at: Timestamp, event: &Event) {
        self.records += u32::from(matches!(event, Event::Input(Input::Market(_))));
    }

    fn propose(&self, _view: &View<'_>) -> Vec<Intent> {
        let now = self.intents.iter().filter(|(record, _)| *record == self.records);
        now.map(|(_, intent)| intent.clone()).collect()
    }
}

/// A core with a cash account of 1 000 000 in lots of 10 units.
fn core(strategy: Box<dyn Strategy>) -> Core {
    let limits = RiskLimits {
        account: Account::Cash,
        orders_per_minute_max: 10_000,
        drawdown_max: Ratio::ONE,
        ..RiskLimits::default()
    };
    let config = CoreConfig {
        instruments: vec![crate::sample::instrument([2, 3], 1, 10)],
        capital: Money::from_units(1_000_000 * 10_i128.pow(18)),
        bars: None,
        mark: MarkRule::Newest,
        timing: Timing::Immediate,
        wait_bars_max: 5,
        limits,
        watch: None,
    };
    Core::new(config, strategy)
}

fn begun(epoch: u16) -> Input {
    let pairs = vec![AssetPair { base: Asset::new("X"), quote: Asset::new("USDT") }];
    Input::Account(Box::new(AccountEvent::Begun(AccountBeginning { epoch: Epoch::new(epoch), pairs })))
}

fn stated(balances: Vec<AssetAmount>) -> Input {
    let venue_at = Timestamp::MIN;
    Input::Account(Box::new(AccountEvent::Stated(AccountStatement { venue_at, balances })))
}

fn cash() -> Vec<AssetAmount> {
    vec![AssetAmount { asset: Asset::new("USDT"), amount: Amount::from_units(1_000_000 * 10_i128.pow(18)) }]
}

/// A buy of `units` at the market with these exits, zero for none.
fn entry(units: i128, [stop, take]: [i64; 2]) -> OrderIntent {
    let exit = |price: i64| (price > 0).then(|| Price::from_units(price));
    entry_with(units, Bracket { stop_loss: exit(stop).into(), take_profit: exit(take) })
}

fn entry_with(units: i128, bracket: Bracket) -> OrderIntent {
    let bracket = Some(bracket);
    let market = OrderIntent::market(ONLY, Side::Buy, Size::Units(Qty::from_units(units)), "buy");
    OrderIntent { bracket, ..market }
}

fn buy(units: i128, exits: [i64; 2]) -> Intent {
    entry(units, exits).into()
}

fn sell(units: i128) -> Intent {
    let close = OrderIntent::close(ONLY, Side::Sell, "sell");
    OrderIntent { size: Size::Units(Qty::from_units(units)), ..close }.into()
}

/// What `outputs` do, in few words.
fn words(outputs: &[Output]) -> Vec<String> {
    outputs.iter().filter_map(word).collect()
}

fn word(output: &Output) -> Option<String> {
    if let Output::OrderSubmitted(submission) = output {
        let Order { id, side, qty, kind, .. } = &submission.order;
        Some(format!("{side:?} {} {kind:?} as {}", qty.units(), id.number()))
    } else if let Output::CancelRequested(request) = output {
        Some(format!("end {}", request.order.number()))
    } else if let Output::Postponed(intent) = output {
        Some(format!("wait {:?}", intent.size))
    } else if let Output::OrderRefused(refused) = output {
        Some(format!("refused {:?}", refused.reason))
    } else {
        None
    }
}

/// A core, its time in milliseconds, and trades numbered.
struct Bench {
    core: Core,
    now: i64,
    trades: u128,
}

impl Bench {
    /// Begun and read; the first record, at 100.00, is number 1.
    fn new(intents: Vec<(u32, Intent)>) -> Self {
        let core = core(Box::new(Plan { records: 0, intents }));
        let mut bench = Self { core, now: 1_000, trades: 0 };
        bench.tell(begun(1));
        bench.tell(stated(cash()));
        bench
    }

    fn tell(&mut self, input: Input) -> Vec<String> {
        let at = Timestamp::from_nanos(self.now * 1_000_000);
        words(&self.core.step(at, input).outputs)
    }

    fn tick(&mut self, price: i64) -> Vec<String> {
        self.tell(Input::Market(market(2, Timestamp::from_nanos(self.now * 1_000_000), price)))
    }

    fn report(&mut self, order: u64, execution: Execution) -> Vec<String> {
        let (order, venue_at) = (OrderId::new(order), Timestamp::MIN);
        self.tell(Input::Execution(ExecutionReport { order, venue_at, execution }))
    }

    fn fill(&mut self, order: u64, units: i128, price: i64) -> Vec<String> {
        self.trades += 1;
        self.report(
            order,
            Execution::Filled(Fill {
                trade: TradeId::new(self.trades),
                price: Price::from_units(price),
                qty: Qty::from_units(units),
                fee: Money::ZERO,
                liquidity: Liquidity::Taker,
            }),
        )
    }

    /// Lets so much time pass; tells a deadline where the core asked for one.
    fn wait(&mut self, millis: i64) -> Vec<String> {
        let end = self.now + millis;
        let mut all = Vec::new();
        while let Some(deadline) = self.core.deadline().map(|at| at.nanos() / 1_000_000)
            && deadline <= end
        {
            self.now = self.now.max(deadline);
            all.extend(self.tell(Input::Deadline));
        }
        self.now = end;
        all
    }

    fn held(&self) -> i128 {
        self.core.state().ledger().position(ONLY).qty.units()
    }
}

/// Behind an entry of 1 000 units at 100.00 whose exit, number 2, works.
fn entered(exits: [i64; 2], then: Vec<(u32, Intent)>) -> Bench {
    let mut intents = vec![(1, buy(1_000, exits))];
    intents.extend(then);
    let mut bench = Bench::new(intents);
    assert_eq!(bench.tick(10_000), ["Buy 1000 Market as 1"]);
    assert_eq!(bench.fill(1, 1_000, 10_000).len(), 1);
    bench.report(2, Execution::Accepted);
    bench
}

#[test]
fn a_stop_rests_and_a_target_that_is_touched_is_sold_once_the_stop_has_ended() {
    let mut bench = Bench::new(vec![(1, buy(1_000, [9_800, 10_400]))]);
    assert_eq!(bench.tick(10_000), ["Buy 1000 Market as 1"]);
    assert_eq!(bench.fill(1, 1_000, 10_000), ["Sell 1000 StopMarket(Price(9800)) as 2"]);
    assert!(bench.report(2, Execution::Accepted).is_empty());
    assert!(bench.tick(10_399).is_empty());
    assert_eq!(bench.tick(10_400), ["end 2"]);
    assert!(
        bench.tick(10_300).is_empty(),
        "the venue has not said so, and a price that comes back changes nothing"
    );
    assert!(bench.fill(2, 300, 9_800).is_empty(), "a fill crosses the cancel");
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 700 Market as 3"]);
    assert!(bench.fill(3, 700, 10_300).is_empty());
    assert_eq!((bench.held(), bench.core.state().held_exits()), (0, &[][..]));
}

#[test]
fn a_stop_that_fills_ends_its_entry_and_what_fills_of_that_later_is_sold() {
    let mut bench = Bench::new(vec![(1, buy(1_000, [9_800, 10_400]))]);
    bench.tick(10_000);
    assert_eq!(bench.fill(1, 600, 10_000), ["Sell 600 StopMarket(Price(9800)) as 2"]);
    bench.report(2, Execution::Accepted);
    assert_eq!(bench.report(2, Execution::Triggered), ["end 1"]);
    assert!(bench.fill(2, 600, 9_790).is_empty());
    assert_eq!(bench.fill(1, 400, 9_800), ["Sell 400 Market as 3"]);
    bench.fill(3, 400, 9_800);
    assert_eq!((bench.held(), bench.core.state().held_exits()), (0, &[][..]));
}

#[test]
fn an_entry_that_fills_further_has_its_exit_replaced_once_a_second() {
    let mut bench = Bench::new(vec![(1, buy(1_000, [9_800, 0]))]);
    bench.tick(10_000);
    assert_eq!(bench.fill(1, 200, 10_000), ["Sell 200 StopMarket(Price(9800)) as 2"]);
    bench.report(2, Execution::Accepted);
    for _ in 0..7 {
        assert!(bench.fill(1, 100, 10_000).is_empty(), "it has not stood for a second");
    }
    assert_eq!(bench.wait(1_000), ["end 2"]);
    assert!(bench.fill(1, 100, 10_000).is_empty());
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 StopMarket(Price(9800)) as 3"]);
    assert!(bench.wait(60_000).is_empty());
}

#[test]
fn a_target_alone_rests_at_the_venue() {
    let mut bench = Bench::new(vec![(1, buy(1_000, [0, 10_400]))]);
    bench.tick(10_000);
    assert_eq!(bench.fill(1, 1_000, 10_000), ["Sell 1000 Limit(Price(10400)) as 2"]);
    bench.report(2, Execution::Accepted);
    assert!(bench.tick(10_500).is_empty());
    assert!(bench.fill(2, 400, 10_400).is_empty());
    assert!(bench.wait(5_000).is_empty(), "what is left works on");
    assert!(bench.fill(2, 600, 10_400).is_empty());
    assert_eq!(bench.core.state().held_exits(), []);
}

#[test]
fn a_stop_that_is_passed_is_sold_at_once_and_one_that_is_refused_is_tried_again() {
    let mut bench = entered([9_800, 10_400], Vec::new());
    let refused = Execution::Rejected(RejectReason::Other);
    bench.report(2, Execution::Cancelled);
    assert_eq!(bench.wait(1_000), ["Sell 1000 StopMarket(Price(9800)) as 3"], "nobody had asked for its end");
    for (number, pause) in [(3, 2_000), (4, 4_000), (5, 8_000), (6, 16_000), (7, 16_000)] {
        assert!(bench.report(number, refused).is_empty());
        assert!(bench.wait(pause - 1).is_empty(), "{number}");
        assert_eq!(bench.wait(1), [format!("Sell 1000 StopMarket(Price(9800)) as {}", number + 1)]);
    }
    bench.report(8, refused);
    assert_eq!(bench.tick(9_790), ["Sell 1000 Market as 9"], "the market passes it while none rests");
    let mut bench = entered([9_800, 10_400], Vec::new());
    bench.report(2, Execution::Cancelled);
    bench.wait(1_000);
    let passed = Execution::Rejected(RejectReason::TriggerPassed);
    assert_eq!(bench.report(3, passed), ["Sell 1000 Market as 4"]);
    bench.report(4, refused);
    assert_eq!(bench.wait(1_000), ["Sell 1000 Market as 5"]);
}

#[test]
fn an_end_that_is_not_confirmed_is_asked_for_again() {
    let mut bench = entered([9_800, 10_400], Vec::new());
    assert_eq!(bench.tick(10_400), ["end 2"]);
    assert!(bench.wait(9_999).is_empty());
    assert_eq!(bench.wait(10_001), ["end 2", "end 2"]);
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 Market as 3"]);
}

#[test]
fn an_order_that_sells_what_an_exit_holds_waits_until_that_has_ended() {
    let mut bench = entered([9_800, 10_400], vec![(3, sell(400)), (4, sell(400))]);
    bench.tick(10_000);
    assert_eq!(bench.tick(10_000), ["wait Units(Qty(400))", "end 2"]);
    assert!(bench.tick(10_000).is_empty(), "it waits already");
    assert_eq!(
        bench.report(2, Execution::Cancelled),
        ["Sell 400 Market as 3", "Sell 600 StopMarket(Price(9800)) as 4"]
    );
    let refused = Execution::Rejected(RejectReason::Other);
    bench.report(4, Execution::Accepted);
    assert!(bench.report(3, refused).is_empty());
    assert_eq!(bench.wait(1_000), ["end 4"], "what the refused order leaves is covered again");
    assert_eq!(bench.report(4, Execution::Cancelled), ["Sell 1000 StopMarket(Price(9800)) as 5"]);
}

#[test]
fn exits_come_back_where_the_order_that_waited_for_their_end_is_refused() {
    let mut bench = entered([9_800, 10_400], vec![(2, sell(1_000))]);
    assert_eq!(bench.tick(10_000), ["wait Units(Qty(1000))", "end 2"]);
    bench.tell(begun(2));
    assert_eq!(bench.report(2, Execution::Cancelled), ["refused AccountUnread"]);
    let held = AssetAmount { asset: Asset::new("X"), amount: Amount::from_units(10_i128.pow(18)) };
    let left = AssetAmount { amount: Amount::from_units(999_900 * 10_i128.pow(18)), ..cash().remove(0) };
    assert_eq!(bench.tell(stated(vec![left, held])), ["Sell 1000 StopMarket(Price(9800)) as 3"]);
}

#[test]
fn where_a_position_shrinks_the_exits_of_the_oldest_entries_shrink_first() {
    let mut bench = entered([9_800, 10_400], vec![(2, buy(1_000, [9_700, 0])), (3, sell(1_500))]);
    assert_eq!(bench.tick(10_000), ["Buy 1000 Market as 3"]);
    assert_eq!(bench.fill(3, 1_000, 10_000), ["Sell 1000 StopMarket(Price(9700)) as 4"]);
    bench.report(4, Execution::Accepted);
    assert_eq!(bench.tick(10_000), ["wait Units(Qty(1500))", "end 2", "end 4"]);
    assert!(bench.report(2, Execution::Cancelled).is_empty());
    let placed = bench.report(4, Execution::Cancelled);
    assert_eq!(placed, ["Sell 1500 Market as 5", "Sell 500 StopMarket(Price(9700)) as 6"]);
    bench.fill(5, 1_500, 10_000);
    let covered: Vec<_> = bench.core.state().held_exits().iter().map(|exit| exit.covered.units()).collect();
    assert_eq!((bench.held(), covered), (500, vec![500]));
}

#[test]
fn what_is_to_be_flat_is_closed_as_soon_as_its_exits_have_ended() {
    let mut bench = entered([9_800, 10_400], Vec::new());
    assert_eq!(bench.tell(Input::Operator(OperatorCommand::Flatten)), ["end 2"]);
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 Market as 3"]);
    bench.fill(3, 1_000, 10_000);
    assert_eq!((bench.held(), bench.core.state().flattening()), (0, &[][..]));
    assert!(bench.core.deadline().is_none());
}

#[test]
fn exits_go_on_through_a_halt() {
    let mut bench = entered([9_800, 10_400], Vec::new());
    assert!(bench.tell(Input::Operator(OperatorCommand::Halt)).is_empty());
    assert_eq!(bench.tick(10_400), ["end 2"]);
    assert_eq!(bench.report(2, Execution::Cancelled), ["Sell 1000 Market as 3"]);
}
