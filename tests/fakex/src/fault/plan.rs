//! When faults are set off: at a time of the venue, after so many messages, or at random.

use serde_json::{Map, Value};

use super::{Fault, FaultError};
use crate::random::Random;

/// When a fault of a plan is set off.
#[derive(Clone, Debug, PartialEq)]
enum When {
    /// At a time of the venue, in nanoseconds after its origin.
    AfterNs(i64),
    /// Once so many messages went out.
    AfterMessages(u64),
    /// Again and again, with this time of the venue between on average.
    Random { seed: u64, every_ns: i64 },
}

/// What goes wrong during a session, and when; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    lines: Vec<(When, Vec<Fault>)>,
}

impl Plan {
    /// Reads JSON lines: a fault with `at_ms` or `after_messages`, or `{"random":{"seed":1,"every_ms":60000,"faults":[…]}}`.
    ///
    /// # Errors
    /// Names the line and what is wrong with it.
    pub fn from_json_lines(text: &str) -> Result<Self, FaultError> {
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let named = |what: String| FaultError::Line { line: number + 1, what };
            let fields: Map<String, Value> =
                serde_json::from_str(line).map_err(|error| named(error.to_string()))?;
            lines.push(read(fields).map_err(named)?);
        }
        Ok(Self { lines })
    }
}

fn read(mut fields: Map<String, Value>) -> Result<(When, Vec<Fault>), String> {
    if let Some(random) = fields.remove("random") {
        let number =
            |name: &str| random.get(name).and_then(Value::as_u64).ok_or(format!("random needs `{name}`"));
        let every_ns = i64::try_from(number("every_ms")?).ok().and_then(|ms| ms.checked_mul(1_000_000));
        let every_ns = every_ns.filter(|every_ns| *every_ns > 0).ok_or("`every_ms` must be above zero")?;
        let listed = random.get("faults").and_then(Value::as_array).ok_or("random needs `faults`, a list")?;
        let faults = listed
            .iter()
            .map(|fault| Fault::from_json(&fault.to_string()).map_err(|error| error.to_string()));
        let faults = faults.collect::<Result<Vec<_>, _>>()?;
        if faults.is_empty() {
            return Err("`faults` is empty".to_owned());
        }
        return Ok((When::Random { seed: number("seed")?, every_ns }, faults));
    }
    let when = match (fields.remove("at_ms"), fields.remove("after_messages")) {
        (Some(at_ms), None) => {
            let ns = at_ms.as_i64().filter(|ms| *ms >= 0).and_then(|ms| ms.checked_mul(1_000_000));
            When::AfterNs(ns.ok_or("`at_ms` is no time after the origin")?)
        }
        (None, Some(count)) => When::AfterMessages(count.as_u64().ok_or("`after_messages` is no count")?),
        _ => return Err("needs one of `at_ms`, `after_messages`, `random`".to_owned()),
    };
    Ok((when, vec![Fault::from_fields(fields).map_err(|error| error.to_string())?]))
}

/// A plan under way.
#[derive(Debug)]
pub(crate) struct Schedule {
    timed: Vec<(i64, Fault)>,
    counted: Vec<(u64, Fault)>,
    random: Vec<Repeated>,
}

#[derive(Debug)]
struct Repeated {
    random: Random,
    every_ns: i64,
    due_ns: i64,
    faults: Vec<Fault>,
}

impl Repeated {
    fn draw_gap(&mut self) {
        let gap_ns = 1 + self.random.below(self.every_ns.unsigned_abs() * 2);
        self.due_ns += i64::try_from(gap_ns).unwrap_or(i64::MAX);
    }
}

impl Schedule {
    pub(crate) fn new(plan: Plan, origin_ns: i64) -> Self {
        let mut schedule = Self { timed: Vec::new(), counted: Vec::new(), random: Vec::new() };
        for (when, faults) in plan.lines {
            match when {
                When::AfterNs(ns) => {
                    schedule.timed.extend(faults.into_iter().map(|fault| (origin_ns + ns, fault)))
                }
                When::AfterMessages(count) => {
                    schedule.counted.extend(faults.into_iter().map(|fault| (count, fault)));
                }
                When::Random { seed, every_ns } => {
                    let random = Random::new(seed, "faults");
                    let mut repeated = Repeated { random, every_ns, due_ns: origin_ns, faults };
                    repeated.draw_gap();
                    schedule.random.push(repeated);
                }
            }
        }
        schedule.timed.sort_by_key(|(at_ns, _)| *at_ns);
        schedule
    }

    /// When the next fault by time is due.
    pub(crate) fn due_ns(&self) -> Option<i64> {
        let repeated = self.random.iter().map(|repeated| repeated.due_ns);
        self.timed.first().map(|(at_ns, _)| *at_ns).into_iter().chain(repeated).min()
    }

    /// Takes the faults that are due by time or by the number of messages sent.
    pub(crate) fn take_due(&mut self, now_ns: i64, messages: u64) -> Vec<Fault> {
        let mut due = Vec::new();
        while self.timed.first().is_some_and(|(at_ns, _)| *at_ns <= now_ns) {
            due.push(self.timed.remove(0).1);
        }
        for (_, fault) in self.counted.extract_if(.., |(count, _)| *count <= messages) {
            due.push(fault);
        }
        for repeated in &mut self.random {
            while repeated.due_ns <= now_ns {
                let chosen = repeated.random.below(repeated.faults.len() as u64);
                due.extend(usize::try_from(chosen).ok().and_then(|at| repeated.faults.get(at).cloned()));
                repeated.draw_gap();
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_sets_faults_off_once_and_random_ones_again() {
        let plan = Plan::from_json_lines(concat!(
            "{\"at_ms\":5,\"verb\":\"bad_utf8\"}\n\n{\"after_messages\":10,\"verb\":\"ban\",\"secs\":1}\n",
            "{\"random\":{\"seed\":1,\"every_ms\":1000,\"faults\":[{\"verb\":\"delay\",\"ms\":1}]}}\n",
        ));
        let mut schedule = Schedule::new(plan.unwrap(), 100);
        assert_eq!(schedule.due_ns(), Some(5_000_100));
        assert_eq!(schedule.take_due(5_000_100, 9), [Fault::BadUtf8 {}]);
        assert_eq!(schedule.take_due(5_000_100, 10), [Fault::Ban { secs: 1 }]);
        let later = schedule.take_due(1_000_000_000_000, 10);
        assert!((800..1_200).contains(&later.len()), "1 000 s at one a second: {}", later.len());
    }

    #[test]
    fn wrong_lines_are_named() {
        for (text, words) in [
            ("\n{\"verb\":\"bad_utf8\"}", "line 2: needs one of"),
            ("{\"at_ms\":-1,\"verb\":\"bad_utf8\"}", "line 1: `at_ms`"),
            ("{\"at_ms\":1,\"verb\":\"bad_utf\"}", "did you mean \"bad_utf8\""),
            ("{\"random\":{\"seed\":1,\"every_ms\":0,\"faults\":[]}}", "above zero"),
            ("{", "line 1"),
        ] {
            let error = Plan::from_json_lines(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
