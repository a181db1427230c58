//! Frames as Binance's documents print them, and frames that nobody should send.

use engine_core::feed::FeedCondition;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::MarketUpdate;
use engine_core::num::{Money, Price, Qty};
use proptest::prelude::*;

use super::*;
use crate::dialect::binance::Binance;
use engine_core::market::Aggressor;

fn stream(channel: Channel) -> Stream {
    let rules = Instrument {
        venue: "binance".into(),
        symbol: "BTCUSDT".into(),
        price_decimals: 2,
        qty_decimals: 5,
        tick: Price::from_units(1),
        lot: Qty::from(1),
        notional_min: Money::ZERO,
    };
    Stream { instrument: InstrumentId::new(3), rules, channel }
}

fn frames() -> VenueFrames {
    VenueFrames::new(
        Arc::new(Binance::default()),
        &[stream(Channel::Trades), stream(Channel::Quotes), stream(Channel::Bars { seconds: 60 })],
    )
    .unwrap()
}

const AT: Timestamp = Timestamp::from_nanos(1_784_000_000_500_000_000);
const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1784000000123,"s":"BTCUSDT","t":5123456789,"p":"64250.01000000","q":"0.00150000","T":1784000000122,"m":true,"M":true}}"#;
const QUOTE: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":400900217,"s":"BTCUSDT","b":"64250.00000000","B":"1.20000000","a":"64250.01000000","A":"0.80000000"}}"#;
const KLINE: &str = r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1784000060012,"s":"BTCUSDT","k":{"t":1784000040000,"T":1784000099999,"s":"BTCUSDT","i":"1m","f":1,"L":99,"o":"64200.0","c":"64250.0","h":"64260.0","l":"64190.0","v":"12.5","n":99,"x":true,"q":"802000.0","V":"6.1","Q":"391000.0","B":"0"}}}"#;

fn said(frames: &mut VenueFrames, text: &str) -> Vec<Input> {
    let Read { inputs, unsound, .. } = frames.read(AT, 1, text);
    assert_eq!(unsound, None);
    inputs
}

#[test]
fn trades_quotes_and_bars_are_read_to_the_last_digit() {
    let mut frames = frames();
    let inputs = said(&mut frames, TRADE);
    let [Input::Feed(status), Input::Market(MarketUpdate::Trade(trade))] = inputs.as_slice() else {
        panic!("{inputs:?}")
    };
    assert_eq!(status.condition, FeedCondition::Connected);
    assert_eq!((trade.price, trade.qty), (Price::from_units(6_425_001), Qty::from(150)));
    assert_eq!((trade.venue_at.nanos(), trade.aggressor), (1_784_000_000_122_000_000, Aggressor::Seller));
    assert_eq!(trade.instrument, InstrumentId::new(3));
    assert_eq!(said(&mut frames, TRADE), [], "it was told");

    let inputs = said(&mut frames, QUOTE);
    let [Input::Market(MarketUpdate::Quote(quote))] = inputs.as_slice() else { panic!("{inputs:?}") };
    assert_eq!(
        (quote.bid, quote.ask, quote.venue_at),
        (Price::from_units(6_425_000), Price::from_units(6_425_001), AT)
    );
    assert_eq!(said(&mut frames, QUOTE), [], "an older quote is none of now");

    let inputs = said(&mut frames, KLINE);
    // Trades and quotes are the prices of this instrument.
    let [Input::Market(MarketUpdate::SignalBar(bar))] = inputs.as_slice() else { panic!("{inputs:?}") };
    assert_eq!(bar.close_at.nanos(), 1_784_000_100_000_000_000);
    assert_eq!(
        (bar.high, bar.low, bar.trades),
        (Price::from_units(6_426_000), Price::from_units(6_419_000), 99)
    );
    assert_eq!(bar.volume, Qty::from(1_250_000));
}

#[test]
fn bare_frames_are_read_like_combined_ones_and_answers_say_nothing() {
    let mut frames = frames();
    for text in [TRADE, QUOTE, KLINE] {
        let bare = &text[text.find("\"data\":").unwrap() + 7..text.len() - 1];
        assert!(!said(&mut frames, bare).is_empty(), "{bare}");
    }
    assert_eq!(frames.read(AT, 1, r#"{"result":null,"id":1}"#), Read::default());
    assert!(frames.read(AT, 1, r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#).ends);
    assert_eq!(frames.read(AT, 1, r#"{"e":"avgPrice","s":"BTCUSDT"}"#), Read::default());
    assert!(matches!(
        frames.read(AT, 1, r#"{"code":2,"msg":"Invalid request: unknown","id":1}"#).unsound,
        Some(Unsound::Connection(_))
    ));
    let asked = frames.greetings().concat();
    assert!(asked.contains("btcusdt@trade") && asked.contains("btcusdt@kline_1m"), "{asked:?}");
}

#[test]
fn numbers_that_are_none_are_passed_over_with_their_frame() {
    for (good, bad) in [
        ("64250.01000000", "NaN"),
        ("64250.01000000", "1e400"),
        ("64250.01000000", "-1"),
        ("64250.01000000", ""),
        ("64250.01000000", "0.00"),
        ("64250.01000000", "64250.011"),
        ("64250.01000000", "999999999999999999999999999999"),
        ("\"0.00150000\"", "null"),
        ("1784000000122", "9223372036854775807"),
        ("5123456789", "-5"),
    ] {
        let text = TRADE.replace(good, bad);
        let mut frames = frames();
        assert!(matches!(frames.read(AT, 1, &text).unsound, Some(Unsound::Frame(_))), "{bad}");
        assert!(!said(&mut frames, TRADE).is_empty(), "the next frame is read");
    }
}

#[path = "faulty_data.rs"]
mod faulty_data;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_frame_stops_the_reader(
        which in 0_usize..3, place in 0_usize..400, put in "\\PC{0,12}", cut in 0_usize..8, noise in "\\PC{0,200}",
    ) {
        let text = [TRADE, QUOTE, KLINE][which];
        let place = (0..=place.min(text.len())).rev().find(|place| text.is_char_boundary(*place)).unwrap();
        let end = (place + cut).min(text.len());
        let changed = format!("{}{put}{}", &text[..place], &text[end..]);
        let mut frames = frames();
        let _ = frames.read(AT, 1, &changed);
        let _ = frames.read(AT, 1, &noise);
        let _ = frames.read(AT, 1, &"[".repeat(place * 50));
        prop_assert_eq!(frames.read(AT, 1, TRADE).unsound, None);
    }
}

#[test]
fn trades_before_one_that_cannot_be_read_stand_and_those_behind_it_are_missing() {
    use crate::dialect::kraken::Kraken;

    let Stream { instrument, rules, channel } = stream(Channel::Trades);
    let rules = Instrument { venue: "kraken".into(), symbol: "BTC/USD".into(), ..rules };
    let wanted = [Stream { instrument, rules, channel }];
    let mut frames = VenueFrames::new(Arc::new(Kraken::default()), &wanted).unwrap();
    let trade = |id: u64, price: &str| {
        format!(
            r#"{{"symbol":"BTC/USD","side":"buy","price":{price},"qty":0.5,"ord_type":"market","trade_id":{id},"timestamp":"2026-01-01T00:00:00.000001Z"}}"#
        )
    };
    let frame =
        |trades: &[String]| format!(r#"{{"channel":"trade","type":"update","data":[{}]}}"#, trades.join(","));
    let read = frames.read(AT, 1, &frame(&[trade(11, "64000.1"), trade(12, "0.0"), trade(13, "64000.3")]));
    assert!(matches!(read.unsound, Some(Unsound::Frame(_))), "{read:?}");
    assert!(matches!(read.inputs[..], [Input::Feed(_), Input::Market(MarketUpdate::Trade(_))]), "{read:?}");
    let read = frames.read(AT, 1, &frame(&[trade(14, "64000.4")]));
    assert!(
        matches!(&read.inputs[0], Input::Feed(status) if status.condition == FeedCondition::Gap),
        "{read:?}"
    );
}
