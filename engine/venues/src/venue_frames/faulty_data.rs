//! Data that is faulty: crossed quotes, trades that come again, streams that are silent.

use super::*;

/// What was found faulty, as text without what is the same in all of these.
fn faults(inputs: &[Input]) -> Vec<String> {
    let word = |input: &Input| {
        if let Input::Feed(status) = input {
            return Some(format!("{:?}", status.condition));
        }
        let Input::DataFault(fault) = input else { return None };
        Some(match fault.finding {
            DataFinding::Repeated(repeated) => {
                format!("repeated {} {} {}", repeated.first % 1_000, repeated.last % 1_000, repeated.count)
            }
            DataFinding::Stale(silent) => format!("stale {:?}", silent.stream),
            DataFinding::Spoke(silent) => format!("spoke {:?}", silent.stream),
            found @ (DataFinding::Crossed(_)
            | DataFinding::Withheld(_)
            | DataFinding::Released(_)
            | DataFinding::Discarded(_)
            | DataFinding::Missing(_)
            | DataFinding::Conflated(_)
            | DataFinding::Contradicted(_)) => found.name().to_owned(),
        })
    };
    inputs.iter().filter_map(word).collect()
}

fn quote(update: u64, ask: &str) -> String {
    QUOTE.replace("400900217", &update.to_string()).replace("64250.01000000", ask)
}

fn trade(number: u64) -> String {
    TRADE.replace("5123456789", &number.to_string())
}

#[test]
fn a_crossed_quote_is_named_once_for_as_many_as_follow_each_other_and_never_told() {
    let mut frames = frames();
    assert_eq!(faults(&said(&mut frames, &quote(1, "64250.01000000"))), ["Connected"]);
    let inputs = said(&mut frames, &quote(2, "64250.00000000"));
    let [Input::DataFault(fault)] = inputs.as_slice() else { panic!("{inputs:?}") };
    let DataFinding::Crossed(crossed) = fault.finding else { panic!("{fault:?}") };
    assert_eq!((crossed.bid, crossed.ask), (Price::from_units(6_425_000), Price::from_units(6_425_000)));
    assert_eq!(said(&mut frames, &quote(3, "64249.00000000")), []);
    assert!(matches!(
        said(&mut frames, &quote(4, "64250.01000000"))[..],
        [Input::Market(MarketUpdate::Quote(_))]
    ));
    assert_eq!(faults(&said(&mut frames, &quote(5, "64249.00000000"))), ["crossed"]);
}

#[test]
fn trades_that_a_connection_repeats_are_counted_and_told_of_once_a_minute_and_another_connection_may() {
    let mut frames = frames();
    let mut hear = |at: Timestamp, connection: u64, number: u64| {
        let read = frames.read(at, connection, &trade(number));
        assert_eq!(read.unsound, None);
        faults(&read.inputs)
    };
    assert_eq!(hear(AT, 1, 5), ["Connected"]);
    for number in [5, 6, 6, 5] {
        hear(AT, 1, number);
    }
    assert_eq!(hear(AT, 1, 7), [""; 0], "it was told a moment ago");
    let later = AT.plus(Span::MINUTE);
    assert_eq!(hear(later, 1, 8), ["repeated 6 5 2"]);
    for number in [7, 8, 9] {
        assert_eq!(hear(later, 2, number), [""; 0], "the new connection tells what the old one has told");
    }
}

#[test]
fn a_stream_that_falls_silent_is_named_and_prices_of_then_are_none_of_now() {
    let mut frames = frames();
    frames.begins(1);
    let mut update = 1_000;
    for number in 1..=100 {
        frames.look(1);
        said(&mut frames, &trade(number));
        for _ in 0..5 {
            update += 1;
            said(&mut frames, &quote(update, "64250.01000000"));
        }
    }
    // Quotes come five times a second, trades once.
    assert_eq!(faults(&frames.look(11)), [""; 0]);
    assert_eq!(faults(&frames.look(2)), ["stale Quotes"]);
    assert_eq!(faults(&frames.look(40)), [""; 0]);
    assert_eq!(faults(&frames.look(10)), ["stale Trades", "Gap"], "nothing says what the price is");
    assert_eq!(faults(&frames.look(1_000)), [""; 0]);
    assert_eq!(faults(&said(&mut frames, &trade(101))), ["spoke Trades", "Restored"]);
    assert_eq!(faults(&said(&mut frames, &quote(update + 1, "64250.01000000"))), ["spoke Quotes"]);
    frames.look(1_000);
    assert_eq!(faults(&frames.lost()), [""; 0], "it was called broken before");
    assert_eq!(faults(&frames.look(1_000)), [""; 0]);
}

#[test]
fn a_trade_far_out_waits_for_the_quote_that_says_the_same() {
    let mut frames = frames().with_collar(10);
    for number in 1..=100 {
        said(&mut frames, &trade(number));
    }
    let out = trade(101).replace("64250.01000000", "70000.00000000");
    assert_eq!(faults(&said(&mut frames, &out)), ["withheld"]);
    let there = QUOTE.replace("64250.0", "70000.0");
    let inputs = said(&mut frames, &there);
    assert_eq!(faults(&inputs), ["released"]);
    let told: Vec<&Input> = inputs.iter().filter(|input| matches!(input, Input::Market(_))).collect();
    assert!(
        matches!(told[..], [Input::Market(MarketUpdate::Trade(_)), Input::Market(MarketUpdate::Quote(_))]),
        "{told:?}"
    );
}

#[test]
fn a_bar_that_the_trades_contradict_is_named_and_told_as_the_venue_says() {
    let made = |number: u64, millis: u64, price: &str| {
        trade(number).replace("1784000000122", &millis.to_string()).replace("64250.01000000", price)
    };
    let streamed = |high: &str| {
        let amounts = [("64260.0", high), ("64250.0", "64195.0"), ("12.5", "0.00450000")];
        amounts.iter().fold(KLINE.to_owned(), |text, (old, new)| text.replace(old, new))
    };
    for (high, wanted) in [("64255.0", [""; 0].as_slice()), ("64260.0", &["contradicted"])] {
        let mut frames = frames();
        said(&mut frames, &made(1, 1_784_000_030_000, "64100.0"));
        said(&mut frames, &made(2, 1_784_000_040_000, "64200.0"));
        said(&mut frames, &made(3, 1_784_000_041_000, "64190.0"));
        said(&mut frames, &made(4, 1_784_000_042_000, "64255.0").replace("0.00150000", "0.00100000"));
        said(&mut frames, &made(5, 1_784_000_099_000, "64195.0").replace("0.00150000", "0.00050000"));
        let bars = said(&mut frames, &streamed(high));
        assert!(matches!(bars[..], [Input::Market(MarketUpdate::SignalBar(_))]), "{bars:?}");
        assert_eq!(faults(&said(&mut frames, &made(6, 1_784_000_100_500, "64190.0"))), wanted);
    }
}
