//! Orders that wait to be written, and pauses that the venue asks for.

use super::*;
use crate::order_request::Asked;

#[test]
fn an_order_that_nobody_wrote_in_time_never_leaves() {
    let mut gateway = ready();
    gateway.place(at(1), &order(1)).unwrap();
    gateway.tick(at(10_001));
    assert_eq!(inputs(&mut gateway), ["failed place(orderid(1))"]);
    let left = requests(&mut gateway);
    assert!(!left.iter().any(|(_, request)| matches!(request, OrderRequest::Place(_))), "{left:?}");
}

#[test]
fn orders_that_wait_when_a_pause_begins_are_given_up_and_nothing_is_written_in_it() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.place(at(2), &order(2)).unwrap();
    let wait = Outcome::Wait(Wait::Until(at(5_000)), words("slow down"));
    gateway.answered(at(3), number, OrderAnswer::bare(wait));
    assert_eq!(
        inputs(&mut gateway),
        ["venue_paused", "failed place(orderid(2))", "failed place(orderid(1))"]
    );
    gateway.tick(at(5_249));
    assert_eq!(gateway.take_request(at(5_249)), None);
}

#[test]
fn nothing_is_sent_in_a_pause_and_cancels_are_asked_for_again() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.answered(
        at(3),
        number,
        OrderAnswer {
            outcome: Outcome::Answered,
            messages: vec![told(report(1, "v1", OrderStatus::Working))],
            next_page: None,
        },
    );
    gateway.cancel(at(4), OrderId::new(1)).unwrap();
    let numbers = sent(&mut gateway, at(4));
    let wait = Outcome::Wait(Wait::Until(at(60_000)), words("slow down"));
    gateway.answered(at(5), numbers[0], OrderAnswer::bare(wait));
    assert_eq!(inputs(&mut gateway)[2..], ["venue_paused", "failed cancel(orderid(1))"]);
    for now in [6, 1_000, 30_000, 60_249] {
        assert!(
            gateway.cancel(at(now), OrderId::new(1)).is_err() && gateway.place(at(now), &order(2)).is_err()
        );
        gateway.tick(at(now));
        assert!(requests(&mut gateway).is_empty(), "{now}");
    }
    gateway.cancel(at(60_250), OrderId::new(1)).unwrap();
    let numbers = sent(&mut gateway, at(60_000));
    gateway.answered(
        at(60_251),
        numbers[0],
        OrderAnswer {
            outcome: Outcome::Answered,
            messages: vec![told(report(1, "v1", OrderStatus::Cancelled))],
            next_page: None,
        },
    );
    assert_eq!(inputs(&mut gateway), ["cancelled"]);
}

#[test]
fn a_process_that_takes_a_run_up_heeds_the_pause_that_was_asked_for_before() {
    let paused = RouteBeginning { paused_until: Some(at(5_000)), ..beginning(Vec::new(), Some(at(0))) };
    let mut gateway = OrderGateway::new(paused, vec![market()]);
    assert_eq!(gateway.pause_over_at(), Some(at(5_000)));
    gateway.connected(at(4_000));
    assert_eq!(gateway.take_request(at(4_999)), None);
    assert!(gateway.take_request(at(5_000)).is_some(), "trades are asked for behind it");
}

#[test]
fn a_moment_of_the_venue_is_one_of_ours_where_the_clocks_differ() {
    let mut gateway = ready();
    gateway.clock_is_ahead(Span::from_nanos(2 * Span::SECOND.nanos()));
    let number = placed(&mut gateway);
    let wait = Outcome::Wait(Wait::Until(at(5_000)), words("slow down"));
    gateway.answered(at(3), number, OrderAnswer::bare(wait));
    assert_eq!(gateway.pause_over_at(), Some(at(7_250)));
}

#[test]
fn a_clock_that_is_off_is_told_once_for_the_session_to_look_at() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.answered(at(3), number, OrderAnswer::bare(Outcome::ResyncClock(words("ahead"))));
    assert!(gateway.take_clock_fault() && !gateway.take_clock_fault());
}

#[test]
fn questions_wait_for_what_is_under_way_and_orders_and_their_ends_for_nothing() {
    let mut gateway = ready();
    let number = placed(&mut gateway);
    gateway.ask(at(2), Purpose::Balances);
    assert_eq!(gateway.take_request(at(2)), None, "a ban may begin with the answer to the order");
    let working = OrderAnswer::saying(vec![told(report(1, "v1", OrderStatus::Working))]);
    gateway.answered(at(3), number, working);
    gateway.ask(at(4), Purpose::OpenOrders(0));
    let (first, _) = gateway.take_request(at(4)).unwrap();
    gateway.sent(at(4), first);
    assert_eq!(gateway.take_request(at(5)), None, "a ban may begin with the answer to the first");
    gateway.cancel(at(5), OrderId::new(1)).unwrap();
    gateway.place(at(5), &order(2)).unwrap();
    let acts: Vec<Asked> =
        core::iter::from_fn(|| gateway.take_request(at(5))).map(|(_, request)| request.asked()).collect();
    assert_eq!(acts, [Asked::Cancel, Asked::Place]);
    assert!(gateway.take_request(at(1_004)).is_some(), "an answer that is lost holds nobody up for long");
}

#[test]
fn orders_without_end_hold_up_no_question_for_long() {
    let mut gateway = ready();
    placed(&mut gateway);
    gateway.ask(at(3), Purpose::Balances);
    gateway.place(at(900), &order(2)).unwrap();
    let (number, request) = gateway.take_request(at(900)).unwrap();
    assert_eq!(request.asked(), Asked::Place);
    gateway.sent(at(900), number);
    assert_eq!(gateway.take_request(at(1_002)), None);
    let asked = gateway.take_request(at(1_003)).map(|(_, request)| request.asked());
    assert_eq!(asked, Some(Asked::Read), "order 2 is still under way");
}

#[test]
fn the_first_request_of_a_connection_and_behind_a_pause_goes_alone() {
    let mut gateway = OrderGateway::new(beginning(Vec::new(), Some(at(0))), vec![market()]);
    gateway.connected(at(0));
    gateway.ask(at(0), Purpose::Balances);
    let (number, _) = gateway.take_request(at(0)).unwrap();
    gateway.sent(at(0), number);
    assert_eq!(gateway.take_request(at(1)), None);
    gateway.answered(at(1), number, OrderAnswer::saying(Vec::new()));
    let (number, _) = gateway.take_request(at(2)).unwrap();
    gateway.sent(at(2), number);
    let wait = Outcome::Wait(Wait::Until(at(5_000)), words("slow down"));
    gateway.answered(at(3), number, OrderAnswer::bare(wait.clone()));
    for id in [1, 2] {
        gateway.place(at(5_250), &order(id)).unwrap();
    }
    let (number, _) = gateway.take_request(at(5_250)).unwrap();
    gateway.sent(at(5_250), number);
    assert_eq!(gateway.take_request(at(5_251)), None, "another pause may begin at once");
    gateway.answered(at(5_252), number, OrderAnswer::bare(Outcome::Rejected(words("no"))));
    assert!(gateway.take_request(at(5_252)).is_some());
}

#[test]
fn a_ban_that_ends_with_the_known_pause_halts_nobody() {
    let banned = |until| Outcome::Halt(HaltCause::Banned(Wait::Until(at(until))), words("banned"));
    let mut gateway = ready();
    for id in [1, 2, 3] {
        gateway.place(at(1), &order(id)).unwrap();
    }
    let numbers = sent(&mut gateway, at(1));
    let wait = Outcome::Wait(Wait::Until(at(5_000)), words("slow down"));
    gateway.answered(at(2), numbers[0], OrderAnswer::bare(wait));
    gateway.answered(at(2), numbers[1], OrderAnswer::bare(banned(5_000)));
    assert!(!inputs(&mut gateway).contains(&"halt".to_owned()), "they went out together");
    gateway.answered(at(2), numbers[2], OrderAnswer::bare(banned(90_000)));
    assert!(inputs(&mut gateway).contains(&"halt".to_owned()));
}
