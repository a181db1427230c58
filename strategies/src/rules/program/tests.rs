//! Tests of rules computed on samples.

use engine_core::indicator::{ExponentialMean, Rsi, Sma};
use proptest::prelude::*;

use super::*;
use crate::rules::parser::parse;

/// What `text` says at each of `closes`, whose samples reach 1 above and below and trade 10 each.
fn said(text: &str, closes: &[f64]) -> Vec<Option<bool>> {
    let rule = parse(text).unwrap();
    let mut program = Program::new(&[&rule]);
    let samples = closes.iter().map(|close| {
        let close = *close;
        program.learn(&Candle { open: close, high: close + 1.0, low: close - 1.0, close, volume: 10.0 });
        program.rule(0)
    });
    samples.collect()
}

const UP: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn parts_that_are_not_known_make_the_whole_unknown() {
    assert_eq!(said("close > 2", &[1.0, 3.0]), [NO, UP]);
    assert_eq!(said("sma(3) > 0", &[5.0, 5.0, 5.0]), [None, None, UP]);
    assert_eq!(said("true or sma(3) > 0", &[5.0, 5.0, 5.0]), [None, None, UP]);
    assert_eq!(said("not (close - 5 > 0 and 1 / (close - 5) > 0)", &[5.0, 6.0]), [None, NO]);
    assert_eq!(said("sqrt(close) == 2", &[4.0, -4.0]), [UP, None]);
}

#[test]
fn crosses_and_lags_remember_the_samples_before() {
    let closes = [1.0, 3.0, 3.0, 2.0, 1.0, 2.0, 3.0];
    assert_eq!(said("cross_up(close, 2)", &closes), [None, UP, NO, NO, NO, NO, UP]);
    assert_eq!(said("cross_down(close, 2)", &closes), [None, NO, NO, NO, UP, NO, NO]);
    assert_eq!(said("close[2] > 2", &closes), [None, None, NO, UP, UP, NO, NO]);
    assert_eq!(said("(close > 2)[1]", &closes), [None, NO, UP, UP, NO, NO, NO]);
    assert_eq!(said("close > highest(close, 2)[1]", &closes), [None, None, NO, NO, NO, NO, UP]);
    // After 1 / 0, which is not known, neither is the cross of the sample behind it.
    assert_eq!(said("cross_up(1 / close, 0)", &[-1.0, 0.0, 1.0, -1.0, 1.0]), [None, None, None, NO, UP]);
}

#[test]
fn a_program_says_whether_it_reads_volume() {
    let reads = |text: &str| Program::new(&[&parse(text).unwrap()]).reads_volume();
    assert!(reads("sma(volume, 3) > 1") && reads("close > 1 or volume[2] > 5"));
    assert!(!reads("close > 1 and true_range() > 2"));
}

#[test]
fn arithmetic_binds_as_on_paper() {
    for (text, closes) in [
        ("2 + 3 * 4 == 14 and (2 + 3) * 4 == 20 and 7 - 2 - 1 == 4 and 8 / 4 / 2 == 1", [1.0]),
        (
            "-2 * -3 == 6 and 1 - -1 == 2 and abs(-close) == 7 and min(close, 3) == 3 and max(close, 3) == 7",
            [7.0],
        ),
        ("high - low == 2 and volume == 10 and open == close and ln(1) == 0 and true_range() == 2", [7.0]),
        ("false or true and true and not false and not (true and false) and 1 <= 1 and 2 != 1", [7.0]),
    ] {
        assert_eq!(said(text, &closes), [UP], "{text}");
    }
}

#[test]
fn every_function_answers_once_it_has_seen_enough() {
    use crate::rules::functions::{Call, FUNCTIONS, Series};
    let closes: Vec<f64> = (0..60).map(|at| 100.0 + f64::from(at * 7 % 11)).collect();
    for row in FUNCTIONS.iter().filter(|row| matches!(row.call, Call::Number(_))) {
        let series: &[&str] = match row.series {
            Series::Samples | Series::CloseWhenAbsent => &[],
            Series::One => &["high"],
            Series::Two => &["high", "low"],
        };
        let lengths = row.lengths.iter().zip(["8", "16"]).map(|(_, length)| length);
        let arguments: Vec<&str> = series.iter().copied().chain(lengths).collect();
        let text = format!("{}({}) > -1000", row.name, arguments.join(", "));
        let said = said(&text, &closes);
        assert_eq!(said.last(), Some(&UP), "{text}");
        let known = said.iter().position(Option::is_some).unwrap();
        assert!(known <= 30 && said[known..].iter().all(|said| *said == UP), "{text}: {known}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_function_is_the_indicator_of_the_core(closes in prop::collection::vec(1_u32..1_000, 1..80), n in 1_u32..20) {
        let closes: Vec<f64> = closes.into_iter().map(f64::from).collect();
        let (mut sma, mut ema, mut rsi) = (Sma::new(n as usize), ExponentialMean::ema(n), Rsi::new(n));
        let expected: Vec<Option<bool>> = closes
            .iter()
            .map(|close| {
                let (sma, ema, rsi) = (sma.learn(*close), ema.learn(*close), rsi.learn(*close));
                let (sma, ema, rsi) = (sma?, ema?, rsi?);
                Some(sma > ema && rsi < 60.0)
            })
            .collect();
        prop_assert_eq!(said(&format!("sma({n}) > ema({n}) and rsi({n}) < 60"), &closes), expected);
    }

    #[test]
    fn rules_computed_together_say_what_each_says_alone(
        closes in prop::collection::vec(1_u32..50, 1..60), n in 1_u32..9, m in 1_u32..9,
    ) {
        let texts = [
            format!("cross_up(ema({n}), sma({m}))"),
            format!("ema({n})[{m}] > ema({n}) or close < sma({m})"),
            format!("not cross_up(ema({n}), sma({m}))"),
        ];
        let closes: Vec<f64> = closes.into_iter().map(f64::from).collect();
        let trees = texts.each_ref().map(|text| parse(text).unwrap());
        let mut program = Program::new(&trees.each_ref());
        let alone = texts.each_ref().map(|text| said(text, &closes));
        for (at, close) in closes.iter().enumerate() {
            let close = *close;
            program.learn(&Candle { open: close, high: close + 1.0, low: close - 1.0, close, volume: 10.0 });
            for (index, alone) in alone.iter().enumerate() {
                prop_assert_eq!(program.rule(index), alone[at], "{}", texts[index]);
            }
        }
    }
}

/// The samples at which a signal calls for another side, and the side.
fn calls(mut signal: impl crate::signal::Signal, closes: &[i64]) -> Vec<(usize, crate::signal::Target)> {
    use crate::sample::Sample;
    use engine_core::num::Price;
    let mut wanted = crate::signal::Target::Flat;
    let calls = closes.iter().enumerate().filter_map(|(at, close)| {
        let call = signal.learn(&Sample::at(Price::from_units(*close)))?;
        let is_new = core::mem::replace(&mut wanted, call.target) != call.target;
        is_new.then_some((at, call.target))
    });
    calls.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn averages_compared_by_rules_call_as_the_policy_does(
        steps in prop::collection::vec(-97_i64..=97, 1..250), fast in 1_u32..12, more in 1_u32..30,
    ) {
        use crate::ema_cross::{EmaCross, EmaCrossParams};
        use crate::rules::signal::{RuleSignal, SideRules};
        use crate::settings::Settings;
        use engine_core::num::{Money, Price, Qty};
        let slow = fast + more;
        let closes: Vec<i64> = steps
            .iter()
            .scan(100_003, |close, step| {
                *close += step;
                Some(*close)
            })
            .collect();
        let table = serde_json::json!({ "fast": fast, "slow": slow, "warmup": slow });
        let params = EmaCrossParams::read(&mut Settings::new("strategy", table.as_object().unwrap())).unwrap();
        let rule = |sign: &str| SideRules {
            enter: Some(parse(&format!("ema({fast}) {sign} ema({slow})")).unwrap()),
            exit: None,
        };
        let market = engine_core::instrument::Instrument {
            venue: "test".into(),
            symbol: "X".into(),
            price_decimals: 0,
            qty_decimals: 0,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: Money::ZERO,
        };
        let rules = RuleSignal::new(&rule(">"), &rule("<"), market);
        prop_assert_eq!(calls(rules, &closes), calls(EmaCross::new(&params), &closes));
    }
}
