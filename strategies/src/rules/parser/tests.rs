//! Tests of the reading and writing of rules.

use engine_core::real::Real;
use proptest::prelude::*;

use super::*;
use crate::rules::functions::{Cross, Function};

fn refused(text: &str) -> (usize, String) {
    let error = parse(text).unwrap_err();
    (error.column, error.reason)
}

#[test]
fn a_rule_is_written_back_plainly() {
    let cases = [
        ("cross_up(ema(20),ema(50)) and rsi(14)<70", "cross_up(ema(20), ema(50)) and rsi(14) < 70"),
        ("not(close>open)or(true)", "not close > open or true"),
        ("not (close > open or true)", "not (close > open or true)"),
        ("(close) - (open - 1) > -(high + 2) * 3", "close - (open - 1) > -(high + 2) * 3"),
        ("lag(close > open, 2) and lag(close, 1)[3] > 0", "(close > open)[2] and close[1][3] > 0"),
        ("sma(close, 5) > sma(volume, 5)", "sma(5) > sma(volume, 5)"),
        ("close > highest(high, 20)[1] and 0.50 < 1", "close > highest(high, 20)[1] and 0.5 < 1"),
        ("true and (false and true)", "true and (false and true)"),
        (
            "min(close, open) > abs(-3) and ewmac(8, 24) >= log_return()",
            "min(close, open) > abs(-3) and ewmac(8, 24) >= log_return()",
        ),
    ];
    for (text, written) in cases {
        let tree = parse(text).unwrap();
        assert_eq!(tree.to_string(), written);
        assert_eq!(parse(written).unwrap(), tree);
    }
}

#[test]
fn an_error_names_its_column_and_what_would_be_right() {
    let cases = [
        ("", 1, "expected a number or a condition, found the end"),
        ("close > 5 and rsi() < 3", 15, "rsi takes one or two arguments, rsi(x = close, n), and has no here"),
        ("close > 5 and atr(close, 3) < 3", 15, "atr takes one argument, atr(n), and has two here"),
        ("rsi(0) < 70", 5, "n of rsi is a whole number from 1 to 10000"),
        ("rsi(2.5) < 70", 5, "n of rsi is a whole number from 1 to 10000"),
        ("rsi(10001) < 70", 5, "n of rsi is a whole number from 1 to 10000"),
        ("stddev(1) < 70", 8, "n of stddev is a whole number from 2 to 10000"),
        ("close[0] > 1", 7, "the number in [] is a whole number from 1 to 10000"),
        ("cross_up(emma(20), ema(50))", 10, "unknown name `emma`; did you mean `ema`?"),
        ("clsoe > 3", 1, "unknown name `clsoe`; did you mean `close`?"),
        ("zzzzzzzzz > 3", 1, "unknown name `zzzzzzzzz`; RULES.md lists every function"),
        ("rsi > 70", 1, "`rsi` is a function; write rsi(x = close, n)"),
        ("close(1) > 70", 1, "`close[1]` is the one before"),
        ("close", 1, "a rule is a condition, and this is a number; compare it, as in `close > 0`"),
        ("close and true", 7, "`and` works on conditions, and before it stands a number"),
        ("1 < close < 2", 11, "`<` works on numbers, and before it stands a condition"),
        ("-true", 1, "`-` works on numbers, and it is followed by a condition"),
        ("not close", 1, "`not` works on conditions, and it is followed by a number"),
        ("sma(close > 1, 3) > 1", 5, "`sma` works on numbers, and here stands a condition"),
        ("close > 5 close", 11, "expected an operator or the end, found `close`"),
        ("(close > 5", 11, "expected `)` to close the one opened before, found the end"),
        ("close = 5", 7, "`=` is no sign of a rule; write `==`"),
        ("close > 5 && true", 11, "`&` is no sign of a rule; write `and`"),
        ("close > 1e5", 9, "`1e5` is no number"),
        ("close > 5 µ", 11, "`µ` is no sign of a rule"),
    ];
    for (text, column, reason) in cases {
        let (found, said) = refused(text);
        assert_eq!(found, column, "{text}: {said}");
        assert!(said.contains(reason), "{text}: {said}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&deep(64)).is_ok());
    assert!(refused(&deep(65)).1.contains("more than 64 parts"));
    let long = |terms: usize| vec!["true"; terms].join(" and ");
    assert!(parse(&long(64)).is_ok());
    assert!(refused(&long(65)).1.contains("more than 64 parts"));
    assert!(refused(&"not ".repeat(500_000)).1.contains("at most 1000 words"));
    assert!(refused(&format!("close > {}", "1".repeat(33))).1.contains("at most 32 characters"));
}

fn number() -> BoxedStrategy<Number> {
    let leaf = prop_oneof![
        (0_u32..2_000_000, 0_u32..6).prop_map(|(digits, point)| {
            let value = f64::from(digits) / f64::from(10_u32.pow(point));
            Number::Constant(Real::new(value).unwrap())
        }),
        prop::sample::select(FIELDS.to_vec()).prop_map(|(_, field)| Number::Field(field)),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
        let operations = [Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide];
        prop_oneof![
            inner.clone().prop_map(|number| Number::Negative(Box::new(number))),
            (prop::sample::select(operations.to_vec()), inner.clone(), inner.clone()).prop_map(
                |(operation, one, other)| Number::Arithmetic(operation, Box::new(one), Box::new(other))
            ),
            (inner.clone(), 1_u32..=10_000)
                .prop_map(|(number, samples)| Number::Lag(Box::new(number), samples)),
            call(inner),
        ]
    })
    .boxed()
}

/// Any function that answers a number, with as many series and whole numbers as it takes.
fn call(inner: impl Strategy<Value = Number> + Clone + 'static) -> BoxedStrategy<Number> {
    let functions: Vec<(Function, Signature)> = FUNCTIONS
        .iter()
        .filter_map(|row| match row.call {
            Call::Number(function) => Some((function, *row)),
            Call::Cross(_) | Call::Lag => None,
        })
        .collect();
    let chosen = (prop::sample::select(functions), prop::collection::vec(inner, 2), any::<[u16; 2]>());
    chosen
        .prop_map(|((function, row), mut series, numbers)| {
            series.truncate(match row.series {
                Series::Samples => 0,
                Series::CloseWhenAbsent | Series::One => 1,
                Series::Two => 2,
            });
            let lengths = row.lengths.iter().zip(numbers);
            let lengths = lengths.map(|(rule, any)| rule.low + u32::from(any) % (rule.high - rule.low + 1));
            Number::Call(function, series, lengths.collect())
        })
        .boxed()
}

fn condition() -> BoxedStrategy<Truth> {
    let comparisons = [
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Equal,
        Comparison::NotEqual,
    ];
    let leaf = prop_oneof![
        any::<bool>().prop_map(Truth::Constant),
        (prop::sample::select(comparisons.to_vec()), number(), number())
            .prop_map(|(sign, one, other)| Truth::Comparison(sign, Box::new(one), Box::new(other))),
        (prop::sample::select(vec![Cross::Up, Cross::Down]), number(), number())
            .prop_map(|(cross, one, other)| Truth::Cross(cross, Box::new(one), Box::new(other))),
    ];
    leaf.prop_recursive(5, 24, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|truth| Truth::Not(Box::new(truth))),
            (inner.clone(), inner.clone())
                .prop_map(|(one, other)| Truth::And(Box::new(one), Box::new(other))),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| Truth::Or(Box::new(one), Box::new(other))),
            (inner, 1_u32..=10_000).prop_map(|(truth, samples)| Truth::Lag(Box::new(truth), samples)),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn a_tree_written_and_read_again_is_the_same_tree(tree in condition()) {
        let text = tree.to_string();
        // The bounds are of texts, and a random tree may lie beyond them.
        match parse(&text) {
            Ok(again) => prop_assert_eq!(again, tree, "{}", text),
            Err(error) => prop_assert!(error.reason.contains("at most 1000 words"), "{}: {}", text, error),
        }
    }

    #[test]
    fn what_is_read_is_written_as_what_reads_the_same(
        words in prop::collection::vec(prop::sample::select(vec![
            "close", "volume", "ema(20)", "sma(high, 5)", "cross_up(close, open)", "lag(", "rsi(14)", "(", ")", "[1]", ",",
            "and", "or", "not", "<", ">=", "==", "+", "-", "*", "/", "3", "0.25", "true",
        ]), 0..14),
    ) {
        let text = words.join(" ");
        if let Ok(tree) = parse(&text) {
            prop_assert_eq!(parse(&tree.to_string()), Ok(tree));
        }
    }

    #[test]
    fn no_text_panics_and_every_error_points_into_it(text in "\\PC{0,60}|[a-z0-9_ ()\\[\\],.<>=!+*/&|-]{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{}", error);
            prop_assert!(error.excerpt(&text).lines().count() <= 2);
        }
    }
}
