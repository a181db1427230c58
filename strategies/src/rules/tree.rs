//! What a rule means: numbers and conditions, as trees that are written back as rules.

use core::fmt;

use engine_core::real::Real;

use super::functions::{Cross, Function, Series};

/// A price or quantity of the sample at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Field {
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// Quantity traded.
    Volume,
}

/// Every field by its name.
pub const FIELDS: [(&str, Field); 5] = [
    ("open", Field::Open),
    ("high", Field::High),
    ("low", Field::Low),
    ("close", Field::Close),
    ("volume", Field::Volume),
];

/// An operation on two numbers that answers a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Arithmetic {
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient; not known where the divisor is 0.
    Divide,
}

/// An operation on two numbers that answers a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Comparison {
    /// Below.
    Less,
    /// Below or equal.
    LessOrEqual,
    /// Above.
    Greater,
    /// Above or equal.
    GreaterOrEqual,
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
}

/// A number, known or not at each sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// A constant, at least 0.
    Constant(Real),
    /// A field of the sample.
    Field(Field),
    /// The number with the other sign.
    Negative(Box<Number>),
    /// Two numbers joined.
    Arithmetic(Arithmetic, Box<Number>, Box<Number>),
    /// The number some samples ago.
    Lag(Box<Number>, u32),
    /// A function with its series and its whole numbers.
    Call(Function, Vec<Number>, Vec<u32>),
}

/// A condition, known or not at each sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// Always the same.
    Constant(bool),
    /// Two numbers compared.
    Comparison(Comparison, Box<Number>, Box<Number>),
    /// One number passes another.
    Cross(Cross, Box<Number>, Box<Number>),
    /// The opposite.
    Not(Box<Truth>),
    /// Both.
    And(Box<Truth>, Box<Truth>),
    /// At least one.
    Or(Box<Truth>, Box<Truth>),
    /// The condition some samples ago.
    Lag(Box<Truth>, u32),
}

impl Arithmetic {
    /// Its sign.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

impl Comparison {
    /// Its sign.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

/// How tightly operators bind, the loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Whole,
}

impl Binding {
    /// The binding that the right side of an operator needs, so that chains group from the left.
    pub(super) const fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Comparison,
            Self::Comparison => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Sign,
            Self::Sign | Self::Whole => Self::Whole,
        }
    }
}

impl Number {
    const fn binding(&self) -> Binding {
        match self {
            Self::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, ..) => Binding::Sum,
            Self::Arithmetic(Arithmetic::Multiply | Arithmetic::Divide, ..) => Binding::Product,
            Self::Negative(_) => Binding::Sign,
            Self::Constant(_) | Self::Field(_) | Self::Lag(..) | Self::Call(..) => Binding::Whole,
        }
    }

    fn write(&self, out: &mut fmt::Formatter<'_>, least: Binding) -> fmt::Result {
        let binding = self.binding();
        if binding < least {
            out.write_str("(")?;
            self.write(out, Binding::Or)?;
            return out.write_str(")");
        }
        match self {
            Self::Constant(number) => write!(out, "{number}"),
            Self::Field(field) => out.write_str(field.name()),
            Self::Negative(number) => {
                out.write_str("-")?;
                number.write(out, Binding::Sign)
            }
            Self::Arithmetic(operation, left, right) => {
                left.write(out, binding)?;
                write!(out, " {} ", operation.sign())?;
                right.write(out, binding.tighter())
            }
            Self::Lag(number, samples) => {
                number.write(out, Binding::Whole)?;
                write!(out, "[{samples}]")
            }
            Self::Call(function, series, lengths) => write_call(out, *function, series, lengths),
        }
    }
}

fn write_call(
    out: &mut fmt::Formatter<'_>,
    function: Function,
    series: &[Number],
    lengths: &[u32],
) -> fmt::Result {
    let signature = function.signature();
    write!(out, "{}(", signature.map_or("", |signature| signature.name))?;
    let may_omit = signature.is_some_and(|signature| signature.series == Series::CloseWhenAbsent);
    let series = if may_omit && series == [Number::Field(Field::Close)] { &[] } else { series };
    for (index, number) in series.iter().enumerate() {
        out.write_str(if index == 0 { "" } else { ", " })?;
        number.write(out, Binding::Or)?;
    }
    for (index, length) in lengths.iter().enumerate() {
        out.write_str(if index == 0 && series.is_empty() { "" } else { ", " })?;
        write!(out, "{length}")?;
    }
    out.write_str(")")
}

impl Field {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
        }
    }
}

impl Truth {
    const fn binding(&self) -> Binding {
        match self {
            Self::Or(..) => Binding::Or,
            Self::And(..) => Binding::And,
            Self::Not(_) => Binding::Not,
            Self::Comparison(..) => Binding::Comparison,
            Self::Constant(_) | Self::Cross(..) | Self::Lag(..) => Binding::Whole,
        }
    }

    fn write(&self, out: &mut fmt::Formatter<'_>, least: Binding) -> fmt::Result {
        let binding = self.binding();
        if binding < least {
            out.write_str("(")?;
            self.write(out, Binding::Or)?;
            return out.write_str(")");
        }
        match self {
            Self::Constant(truth) => write!(out, "{truth}"),
            Self::Comparison(comparison, left, right) => {
                write!(out, "{left} {} {right}", comparison.sign())
            }
            Self::Cross(cross, one, other) => {
                let name = match cross {
                    Cross::Up => "cross_up",
                    Cross::Down => "cross_down",
                };
                write!(out, "{name}({one}, {other})")
            }
            Self::Not(truth) => {
                out.write_str("not ")?;
                truth.write(out, Binding::Not)
            }
            Self::And(left, right) | Self::Or(left, right) => {
                left.write(out, binding)?;
                out.write_str(if binding == Binding::And { " and " } else { " or " })?;
                right.write(out, binding.tighter())
            }
            Self::Lag(truth, samples) => {
                truth.write(out, Binding::Whole)?;
                write!(out, "[{samples}]")
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, Binding::Or)
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, Binding::Or)
    }
}
