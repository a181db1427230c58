//! Trees computed on samples, one after the other; a part that several rules share is computed once.

use core::cmp::Ordering;
use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

use engine_core::indicator::Candle;

use super::functions::{Cross, Function};
use super::indicator::Indicator;
use super::tree::{Arithmetic, Comparison, Field, Number, Truth};

/// What a part of a rule is at one sample.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Value {
    Unknown,
    Number(f64),
    Truth(bool),
}

/// The number of a step among the steps before which it comes.
type Slot = usize;

/// How one part is computed from parts before it.
#[derive(Debug, serde::Serialize)]
enum Step {
    Constant(Value),
    Field(Field),
    Negative(Slot),
    Arithmetic(Arithmetic, Slot, Slot),
    Comparison(Comparison, Slot, Slot),
    Cross {
        cross: Cross,
        one: Slot,
        other: Slot,
        #[serde(skip)]
        before: Option<Ordering>,
    },
    Not(Slot),
    And(Slot, Slot),
    Or(Slot, Slot),
    Lag(Slot, #[serde(skip)] Past),
    Call {
        function: Function,
        lengths: Vec<u32>,
        #[serde(skip)]
        indicator: Box<Indicator>,
        series: Vec<Slot>,
    },
}

/// The last values of a part, known or not.
#[derive(Debug)]
struct Past {
    values: Vec<Value>,
    next: usize,
}

impl Past {
    fn new(samples: u32) -> Self {
        Self { values: vec![Value::Unknown; samples as usize], next: 0 }
    }

    /// Takes `value` in and gives back the one as many samples ago as it holds.
    fn push(&mut self, value: Value) -> Value {
        let Some(place) = self.values.get_mut(self.next) else { return Value::Unknown };
        let before = core::mem::replace(place, value);
        self.next = if self.next + 1 == self.values.len() { 0 } else { self.next + 1 };
        before
    }
}

/// Which part a step computes, so that an equal part finds it.
#[derive(Debug, PartialEq)]
enum Part<'t> {
    Number(&'t Number),
    Truth(&'t Truth),
}

/// Conditions that are computed together.
#[derive(Debug)]
pub struct Program {
    steps: Vec<Step>,
    values: Vec<Value>,
    rules: Vec<Slot>,
    /// The series of the call at hand; kept so that no sample allocates.
    series: Vec<f64>,
}

impl Program {
    /// A program that computes `rules`, in their order.
    #[must_use]
    pub fn new(rules: &[&Truth]) -> Self {
        let mut compiler = Compiler::default();
        let rules = rules.iter().map(|rule| compiler.truth(rule)).collect();
        let values = vec![Value::Unknown; compiler.steps.len()];
        Self { steps: compiler.steps, values, rules, series: Vec::new() }
    }

    /// Whether any part reads the volume of its samples.
    #[must_use]
    pub fn reads_volume(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Field(Field::Volume)))
    }

    /// Learns from one sample. Every part learns from every sample, whatever the others say.
    pub fn learn(&mut self, candle: &Candle) {
        let Self { steps, values, series, .. } = self;
        for (slot, step) in steps.iter_mut().enumerate() {
            let value = step.learn(candle, values, series);
            if let Some(place) = values.get_mut(slot) {
                *place = value;
            }
        }
    }

    /// What the rule at `index` says of the last sample; `None` while any part of it is not known.
    #[must_use]
    pub fn rule(&self, index: usize) -> Option<bool> {
        match self.values.get(*self.rules.get(index)?)? {
            Value::Truth(truth) => Some(*truth),
            Value::Unknown | Value::Number(_) => None,
        }
    }
}

#[derive(Default)]
struct Compiler<'t> {
    steps: Vec<Step>,
    parts: Vec<Part<'t>>,
}

impl<'t> Compiler<'t> {
    fn slot(&mut self, part: Part<'t>, step: impl FnOnce(&mut Self) -> Step) -> Slot {
        if let Some(known) = self.parts.iter().position(|known| *known == part) {
            return known;
        }
        let step = step(self);
        self.steps.push(step);
        self.parts.push(part);
        self.steps.len() - 1
    }

    fn number(&mut self, number: &'t Number) -> Slot {
        self.slot(Part::Number(number), |this| match number {
            Number::Constant(constant) => Step::Constant(Value::Number(constant.get())),
            Number::Field(field) => Step::Field(*field),
            Number::Negative(number) => Step::Negative(this.number(number)),
            Number::Arithmetic(operation, left, right) => {
                let (left, right) = (this.number(left), this.number(right));
                Step::Arithmetic(*operation, left, right)
            }
            Number::Lag(number, samples) => Step::Lag(this.number(number), Past::new(*samples)),
            Number::Call(function, series, lengths) => {
                let series = series.iter().map(|number| this.number(number)).collect();
                let indicator = Box::new(Indicator::new(*function, lengths));
                Step::Call { function: *function, lengths: lengths.clone(), indicator, series }
            }
        })
    }

    fn truth(&mut self, truth: &'t Truth) -> Slot {
        self.slot(Part::Truth(truth), |this| match truth {
            Truth::Constant(constant) => Step::Constant(Value::Truth(*constant)),
            Truth::Comparison(comparison, left, right) => {
                let (left, right) = (this.number(left), this.number(right));
                Step::Comparison(*comparison, left, right)
            }
            Truth::Cross(cross, one, other) => {
                let (one, other) = (this.number(one), this.number(other));
                Step::Cross { cross: *cross, one, other, before: None }
            }
            Truth::Not(truth) => Step::Not(this.truth(truth)),
            Truth::And(left, right) => {
                let (left, right) = (this.truth(left), this.truth(right));
                Step::And(left, right)
            }
            Truth::Or(left, right) => {
                let (left, right) = (this.truth(left), this.truth(right));
                Step::Or(left, right)
            }
            Truth::Lag(truth, samples) => Step::Lag(this.truth(truth), Past::new(*samples)),
        })
    }
}

fn number_at(values: &[Value], slot: Slot) -> Option<f64> {
    match values.get(slot)? {
        Value::Number(number) => Some(*number),
        Value::Unknown | Value::Truth(_) => None,
    }
}

fn truth_at(values: &[Value], slot: Slot) -> Option<bool> {
    match values.get(slot)? {
        Value::Truth(truth) => Some(*truth),
        Value::Unknown | Value::Number(_) => None,
    }
}

/// A number that is one; what is infinite or NaN is not known.
fn known(number: Option<f64>) -> Value {
    number.filter(|number| number.is_finite()).map_or(Value::Unknown, Value::Number)
}

fn condition(truth: Option<bool>) -> Value {
    truth.map_or(Value::Unknown, Value::Truth)
}

fn compared(values: &[Value], one: Slot, other: Slot) -> Option<Ordering> {
    number_at(values, one)?.partial_cmp(&number_at(values, other)?)
}

impl Step {
    fn learn(&mut self, candle: &Candle, values: &[Value], inputs: &mut Vec<f64>) -> Value {
        match self {
            Self::Constant(value) => *value,
            Self::Field(field) => Value::Number(match field {
                Field::Open => candle.open,
                Field::High => candle.high,
                Field::Low => candle.low,
                Field::Close => candle.close,
                Field::Volume => candle.volume,
            }),
            Self::Negative(slot) => known(number_at(values, *slot).map(|number| -number)),
            Self::Arithmetic(operation, left, right) => {
                let both = number_at(values, *left).zip(number_at(values, *right));
                known(both.map(|(left, right)| match operation {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide => left / right,
                }))
            }
            Self::Comparison(comparison, left, right) => {
                let order = compared(values, *left, *right);
                condition(order.map(|order| match comparison {
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                    Comparison::Greater => order.is_gt(),
                    Comparison::GreaterOrEqual => order.is_ge(),
                    Comparison::Equal => order.is_eq(),
                    Comparison::NotEqual => order.is_ne(),
                }))
            }
            Self::Cross { cross, one, other, before } => {
                let order = compared(values, *one, *other);
                let both = core::mem::replace(before, order).zip(order);
                condition(both.map(|(before, order)| match cross {
                    Cross::Up => before.is_le() && order.is_gt(),
                    Cross::Down => before.is_ge() && order.is_lt(),
                }))
            }
            Self::Not(slot) => condition(truth_at(values, *slot).map(|truth| !truth)),
            Self::And(left, right) => {
                let both = truth_at(values, *left).zip(truth_at(values, *right));
                condition(both.map(|(left, right)| left && right))
            }
            Self::Or(left, right) => {
                let both = truth_at(values, *left).zip(truth_at(values, *right));
                condition(both.map(|(left, right)| left || right))
            }
            Self::Lag(slot, past) => past.push(values.get(*slot).copied().unwrap_or(Value::Unknown)),
            Self::Call { indicator, series, .. } => {
                inputs.clear();
                inputs.extend(series.iter().filter_map(|slot| number_at(values, *slot)));
                if inputs.len() < series.len() {
                    return Value::Unknown;
                }
                known(indicator.learn(candle, inputs))
            }
        }
    }
}

impl Learned for Past {
    fn note(&self, notes: &mut NoteWriter) {
        notes.value(&self.next);
        notes.value(&self.values);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        self.next = notes.count()?;
        notes.fill(&mut self.values)?;
        (self.next < self.values.len().max(1)).then_some(()).ok_or(Forgotten::Damaged)
    }
}

impl Learned for Step {
    fn note(&self, notes: &mut NoteWriter) {
        // All of it but what it remembers: the rule itself.
        notes.setting(self);
        match self {
            Self::Cross { before, .. } => notes.ordering(*before),
            Self::Lag(_, past) => notes.part(past),
            Self::Call { indicator, .. } => notes.part(indicator.as_ref()),
            Self::Constant(_)
            | Self::Field(_)
            | Self::Negative(_)
            | Self::Arithmetic(..)
            | Self::Comparison(..)
            | Self::Not(_)
            | Self::And(..)
            | Self::Or(..) => {}
        }
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(self)?;
        match self {
            Self::Cross { before, .. } => *before = notes.ordering()?,
            Self::Lag(_, past) => notes.part(past)?,
            Self::Call { indicator, .. } => notes.part(indicator.as_mut())?,
            Self::Constant(_)
            | Self::Field(_)
            | Self::Negative(_)
            | Self::Arithmetic(..)
            | Self::Comparison(..)
            | Self::Not(_)
            | Self::And(..)
            | Self::Or(..) => {}
        }
        Ok(())
    }
}

engine_core::learned!(Program { settings: [rules], parts: [steps] });

#[cfg(test)]
mod tests;
