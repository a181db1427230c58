//! Which universes are judged over which spans, and what of the data no span holds.

use std::collections::BTreeMap;

use engine_application::moment::{moment_text, parse_moment};
use engine_application::wiring::error::ApplicationError;
use engine_core::time::{Span, Timestamp};
use replay_statistics::walk_forward::fold::Window;

use super::EnsemblePlan;

const UNIVERSES: [&[&str]; 3] = [&["BTCUSDT"], &["BTCUSDT", "ETHUSDT"], &["BTCUSDT", "ETHUSDT", "SOLUSDT"]];

/// When spans begin that nobody asked for otherwise; each goes to the end of the data.
const BEGINNINGS: [&str; 3] = ["2018-01-01", "2020-01-01", "2022-01-01"];

/// One universe over one span.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its symbols.
    pub symbols: &'static [&'static str],
    /// The span, up to where the data of all its symbols ends.
    pub window: Window,
}

impl Case {
    /// The first day.
    #[must_use]
    pub fn from_day(&self) -> String {
        day(self.window.from)
    }

    /// The last day.
    #[must_use]
    pub fn last_day(&self) -> String {
        day(last_day(self.window.to))
    }
}

fn day(at: Timestamp) -> String {
    moment_text(at).split('T').next().unwrap_or_default().to_owned()
}

/// The day before the moment at which a span ends.
const fn last_day(end: Timestamp) -> Timestamp {
    Timestamp::from_nanos(end.nanos().saturating_sub(Span::DAY.nanos()))
}

/// A span that is wanted, and whether somebody asked for it.
struct Wanted {
    from: Timestamp,
    to: Option<Timestamp>,
    asked: bool,
}

fn wanted(plan: &EnsemblePlan) -> Vec<Wanted> {
    if plan.spans.is_empty() {
        let usual = BEGINNINGS.iter().filter_map(|text| parse_moment(text));
        return usual.map(|from| Wanted { from, to: plan.to, asked: false }).collect();
    }
    plan.spans.iter().map(|(from, to)| Wanted { from: *from, to: *to, asked: true }).collect()
}

/// Every universe over every span, each up to where its data ends; and a line for each thing that no span judges.
///
/// # Errors
/// [`ApplicationError::Request`] for a span that was asked for and holds no data, and where none does.
pub(super) fn cases(
    plan: &EnsemblePlan,
    ends: &BTreeMap<String, Timestamp>,
) -> Result<(Vec<Case>, Vec<String>), ApplicationError> {
    let mut cases: Vec<Case> = Vec::new();
    let mut left_out = Vec::new();
    for symbols in UNIVERSES {
        let data_end = symbols.iter().filter_map(|symbol| ends.get(*symbol)).min().copied();
        let data_end = data_end.unwrap_or(Timestamp::MIN);
        for Wanted { from, to, asked } in wanted(plan) {
            let window = Window { from, to: to.map_or(data_end, |to| to.min(data_end)) };
            let name = format!("{} from {}", symbols.join("+"), day(from));
            if window.from >= window.to {
                let why =
                    format!("it begins at or after its end; the data ends on {}", day(last_day(data_end)));
                if asked {
                    return Err(ApplicationError::Request(format!("study the span of {name}: {why}")));
                }
                left_out.push(format!("the span of {name} is left out: {why}"));
                continue;
            }
            if let Some(to) = to.filter(|to| *to > data_end) {
                let (asked, ends) = (day(last_day(to)), day(last_day(data_end)));
                left_out
                    .push(format!("the span of {name} ends on {ends}, not on {asked}: the data ends there"));
            }
            cases.push(Case { symbols, window });
        }
    }
    if cases.is_empty() {
        return Err(ApplicationError::Request("study: no span holds data; bring newer bars".to_owned()));
    }
    left_out.extend(unjudged(&cases, ends));
    Ok((cases, left_out))
}

/// Days at the end of a market's data that no span judges.
fn unjudged(cases: &[Case], ends: &BTreeMap<String, Timestamp>) -> Vec<String> {
    let mut lines = Vec::new();
    for (symbol, end) in ends {
        let of_symbol = cases.iter().filter(|case| case.symbols.contains(&symbol.as_str()));
        let Some(judged) = of_symbol.map(|case| case.window.to).max() else { continue };
        let days = end.since(judged).nanos().div_euclid(Span::DAY.nanos());
        if days > 0 {
            let last = day(last_day(judged));
            lines.push(format!("{days} daily bars of {symbol} after {last} are in no span"));
        }
    }
    lines
}

#[cfg(test)]
pub(super) fn usual_cases() -> Vec<Case> {
    tests::of(Vec::new(), None, "2025-01-01").unwrap().0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(text: &str) -> Timestamp {
        parse_moment(text).unwrap()
    }

    /// The cases where the data of every market ends at `end`.
    pub(super) fn of(
        spans: Vec<(Timestamp, Option<Timestamp>)>,
        to: Option<Timestamp>,
        end: &str,
    ) -> Result<(Vec<Case>, Vec<String>), ApplicationError> {
        let plan = EnsemblePlan { spans, to, trials: 1, seed: 1, draws: 100 };
        let ends = ["BTCUSDT", "ETHUSDT", "SOLUSDT"].map(|symbol| (symbol.to_owned(), moment(end)));
        cases(&plan, &BTreeMap::from(ends))
    }

    #[test]
    fn spans_follow_the_data_and_say_what_they_leave_out() {
        let (cases, left_out) = of(Vec::new(), None, "2026-03-01").unwrap();
        assert_eq!((cases.len(), left_out.len()), (9, 0));
        assert!(cases.iter().all(|case| case.last_day() == "2026-02-28"));
        let (cases, left_out) = of(Vec::new(), Some(moment("2025-01-01")), "2025-01-11").unwrap();
        assert!(cases.iter().all(|case| case.last_day() == "2024-12-31"));
        assert_eq!(left_out[0], "10 daily bars of BTCUSDT after 2024-12-31 are in no span");
        let (cases, left_out) = of(Vec::new(), None, "2021-06-01").unwrap();
        assert_eq!((cases.len(), left_out.len()), (6, 3));
        assert!(left_out[0].contains("from 2022-01-01 is left out"), "{}", left_out[0]);
        assert!(of(vec![(moment("2022-01-01"), None)], None, "2021-06-01").is_err());
    }

    #[test]
    fn a_universe_ends_where_its_first_market_ends() {
        let plan = EnsemblePlan { spans: Vec::new(), to: None, trials: 1, seed: 1, draws: 100 };
        let ends = [("BTCUSDT", "2025-01-01"), ("ETHUSDT", "2024-12-01"), ("SOLUSDT", "2025-02-01")];
        let ends = ends.map(|(symbol, end)| (symbol.to_owned(), moment(end)));
        let (cases, left_out) = cases(&plan, &BTreeMap::from(ends)).unwrap();
        assert_eq!((cases[0].last_day(), cases[8].last_day()), ("2024-12-31".into(), "2024-11-30".into()));
        assert_eq!(left_out, ["62 daily bars of SOLUSDT after 2024-11-30 are in no span"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_bar_after_a_span_is_dropped_without_a_word(
            end in 17_600_i64..21_000, to in prop::option::of(17_000_i64..21_000),
        ) {
            let at = |day: i64| Timestamp::from_nanos(day * Span::DAY.nanos());
            let Ok((cases, left_out)) = of(Vec::new(), to.map(at), &day(at(end))) else { return Ok(()) };
            let judged = cases.iter().map(|case| case.window.to).max().unwrap();
            prop_assert!(judged <= at(end));
            let told = left_out.iter().any(|line| line.contains("are in no span"));
            prop_assert_eq!(told, judged < at(end));
        }
    }
}
