//! From the text of a rule to its tree.
//!
//! The loosest first: `or`, `and`, `not`, comparisons, `+ -`, `* /`, the sign, `[n]`. Nesting and height are bounded, so no
//! text can exhaust the stack here or where trees are walked.

use super::functions::{Call, FUNCTIONS, Series, Signature};
use super::token::{Placed, Token, tokens};
use super::tree::{Arithmetic, Binding, Comparison, FIELDS, Field, Number, Truth};
use crate::settings::RuleError;
use crate::spelling::nearest_name;

/// How deeply parts of a rule may lie within each other.
pub const HEIGHT_MAX: u32 = 64;

/// Reads one rule.
///
/// # Errors
/// [`RuleError`] with the column at which the text stops being a rule.
pub fn parse(text: &str) -> Result<Truth, RuleError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, place: 0, nesting: 0 };
    let part = parser.expression(Binding::Or)?;
    let next = parser.peek();
    if next.token != Token::End {
        let found = word(next.token);
        return Err(RuleError::at(next.column, format!("expected an operator or the end, found {found}")));
    }
    match part.meaning {
        Meaning::Truth(truth) => Ok(truth),
        Meaning::Number(number) => {
            let reason =
                format!("a rule is a condition, and this is a number; compare it, as in `{number} > 0`");
            Err(RuleError::at(part.column, reason))
        }
    }
}

/// What a part of a text means.
enum Meaning {
    Number(Number),
    Truth(Truth),
}

/// A part of a text that was read.
struct Part {
    meaning: Meaning,
    column: usize,
    height: u32,
}

#[derive(Clone, Copy)]
enum Operator {
    Or,
    And,
    Comparison(Comparison),
    Arithmetic(Arithmetic),
}

impl Operator {
    fn of(token: Token<'_>) -> Option<Self> {
        let Token::Sign(sign) = token else {
            return match token {
                Token::Name("or") => Some(Self::Or),
                Token::Name("and") => Some(Self::And),
                Token::Name(_) | Token::Number(_) | Token::Sign(_) | Token::End => None,
            };
        };
        Some(match sign {
            "<" => Self::Comparison(Comparison::Less),
            "<=" => Self::Comparison(Comparison::LessOrEqual),
            ">" => Self::Comparison(Comparison::Greater),
            ">=" => Self::Comparison(Comparison::GreaterOrEqual),
            "==" => Self::Comparison(Comparison::Equal),
            "!=" => Self::Comparison(Comparison::NotEqual),
            "+" => Self::Arithmetic(Arithmetic::Add),
            "-" => Self::Arithmetic(Arithmetic::Subtract),
            "*" => Self::Arithmetic(Arithmetic::Multiply),
            "/" => Self::Arithmetic(Arithmetic::Divide),
            _ => return None,
        })
    }

    const fn binding(self) -> Binding {
        match self {
            Self::Or => Binding::Or,
            Self::And => Binding::And,
            Self::Comparison(_) => Binding::Comparison,
            Self::Arithmetic(Arithmetic::Add | Arithmetic::Subtract) => Binding::Sum,
            Self::Arithmetic(Arithmetic::Multiply | Arithmetic::Divide) => Binding::Product,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Comparison(comparison) => comparison.sign(),
            Self::Arithmetic(operation) => operation.sign(),
        }
    }
}

struct Parser<'p, 't> {
    tokens: &'p [Placed<'t>],
    place: usize,
    nesting: u32,
}

impl<'t> Parser<'_, 't> {
    fn peek(&self) -> Placed<'t> {
        // The end is the last token and is never stepped over.
        self.tokens.get(self.place).copied().unwrap_or(Placed { token: Token::End, column: 1 })
    }

    fn next(&mut self) -> Placed<'t> {
        let next = self.peek();
        self.place = (self.place + 1).min(self.tokens.len().saturating_sub(1));
        next
    }

    fn expect(&mut self, sign: &'static str, after: &str) -> Result<(), RuleError> {
        let next = self.next();
        if next.token == Token::Sign(sign) {
            return Ok(());
        }
        let found = word(next.token);
        Err(RuleError::at(next.column, format!("expected `{sign}` {after}, found {found}")))
    }

    /// Operators that bind at least as `least`, from the left.
    fn expression(&mut self, least: Binding) -> Result<Part, RuleError> {
        let mut left = self.prefixed()?;
        loop {
            let next = self.peek();
            let Some(operator) = Operator::of(next.token).filter(|operator| operator.binding() >= least)
            else {
                return Ok(left);
            };
            self.next();
            let right = self.expression(operator.binding().tighter())?;
            left = join(operator, next.column, left, right)?;
        }
    }

    fn nested(&mut self, column: usize, least: Binding) -> Result<Part, RuleError> {
        if self.nesting >= HEIGHT_MAX {
            return Err(too_deep(column));
        }
        self.nesting += 1;
        let part = self.expression(least)?;
        self.nesting -= 1;
        Ok(part)
    }

    fn prefixed(&mut self) -> Result<Part, RuleError> {
        let Placed { token, column } = self.peek();
        match token {
            Token::Name("not") => {
                self.next();
                let part = self.nested(column, Binding::Not)?;
                let height = higher(&part, column)?;
                let truth = truth("not", "it is followed by", column, part)?;
                Ok(Part { meaning: Meaning::Truth(Truth::Not(Box::new(truth))), column, height })
            }
            Token::Sign("-") => {
                self.next();
                let part = self.nested(column, Binding::Sign)?;
                let height = higher(&part, column)?;
                let number = number("-", "it is followed by", column, part)?;
                Ok(Part { meaning: Meaning::Number(Number::Negative(Box::new(number))), column, height })
            }
            Token::Name(_) | Token::Number(_) | Token::Sign(_) | Token::End => self.lagged(),
        }
    }

    /// A whole part with any number of `[n]` behind it.
    fn lagged(&mut self) -> Result<Part, RuleError> {
        let mut part = self.whole()?;
        while self.peek().token == Token::Sign("[") {
            self.next();
            let within = self.nested(part.column, Binding::Or)?;
            self.expect("]", "after the number of samples")?;
            part = lag(part, &within)?;
        }
        Ok(part)
    }

    fn whole(&mut self) -> Result<Part, RuleError> {
        let Placed { token, column } = self.next();
        let meaning = match token {
            Token::Number(number) => Meaning::Number(Number::Constant(number)),
            Token::Name("true") => Meaning::Truth(Truth::Constant(true)),
            Token::Name("false") => Meaning::Truth(Truth::Constant(false)),
            Token::Sign("(") => {
                let part = self.nested(column, Binding::Or)?;
                self.expect(")", "to close the one opened before")?;
                return Ok(part);
            }
            Token::Name(name) => return self.named(name, column),
            Token::Sign(_) | Token::End => {
                let found = word(token);
                return Err(RuleError::at(
                    column,
                    format!("expected a number or a condition, found {found}"),
                ));
            }
        };
        Ok(Part { meaning, column, height: 1 })
    }

    /// A field or a call.
    fn named(&mut self, name: &str, column: usize) -> Result<Part, RuleError> {
        let signature = FUNCTIONS.iter().find(|signature| signature.name == name);
        if self.peek().token != Token::Sign("(") {
            if let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) {
                return Ok(Part { meaning: Meaning::Number(Number::Field(*field)), column, height: 1 });
            }
            return Err(RuleError::at(
                column,
                match signature {
                    Some(signature) => format!("`{name}` is a function; write {}", signature.form()),
                    None => unknown(name),
                },
            ));
        }
        let Some(signature) = signature else {
            let is_field = FIELDS.iter().any(|(known, _)| *known == name);
            let ago = format!("`{name}` is no function; `{name}[1]` is the one before");
            return Err(RuleError::at(column, if is_field { ago } else { unknown(name) }));
        };
        self.next();
        let mut arguments = Vec::new();
        if self.peek().token == Token::Sign(")") {
            self.next();
            return call(signature, column, arguments);
        }
        loop {
            arguments.push(self.nested(column, Binding::Or)?);
            if self.peek().token != Token::Sign(",") {
                break;
            }
            self.next();
        }
        self.expect(")", &format!("or `,` after an argument of `{name}`"))?;
        call(signature, column, arguments)
    }
}

fn unknown(name: &str) -> String {
    let fields = FIELDS.iter().map(|(name, _)| *name);
    let words = ["and", "or", "not", "true", "false"];
    let known = FUNCTIONS.iter().map(|signature| signature.name).chain(fields).chain(words);
    match nearest_name(name, known) {
        Some(nearest) => format!("unknown name `{name}`; did you mean `{nearest}`?"),
        None => format!("unknown name `{name}`; RULES.md lists every function"),
    }
}

fn word(token: Token<'_>) -> String {
    match token {
        Token::Number(number) => format!("`{number}`"),
        Token::Name(name) => format!("`{name}`"),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::End => "the end".to_owned(),
    }
}

fn too_deep(column: usize) -> RuleError {
    RuleError::at(column, format!("more than {HEIGHT_MAX} parts lie within each other; split the rule"))
}

/// The height of what holds `part`.
fn higher(part: &Part, column: usize) -> Result<u32, RuleError> {
    if part.height >= HEIGHT_MAX { Err(too_deep(column)) } else { Ok(part.height + 1) }
}

fn number(operator: &str, place: &str, column: usize, part: Part) -> Result<Number, RuleError> {
    match part.meaning {
        Meaning::Number(number) => Ok(number),
        Meaning::Truth(_) => Err(RuleError::at(
            column,
            format!(
                "`{operator}` works on numbers, and {place} a condition; conditions are joined with `and` or `or`"
            ),
        )),
    }
}

fn truth(operator: &str, place: &str, column: usize, part: Part) -> Result<Truth, RuleError> {
    match part.meaning {
        Meaning::Truth(truth) => Ok(truth),
        Meaning::Number(_) => Err(RuleError::at(
            column,
            format!("`{operator}` works on conditions, and {place} a number; compare it with another"),
        )),
    }
}

fn join(operator: Operator, column: usize, left: Part, right: Part) -> Result<Part, RuleError> {
    let height = higher(&left, column)?.max(higher(&right, column)?);
    let begins_at = left.column;
    let (sign, before, after) = (operator.word(), "before it stands", "behind it stands");
    let meaning = match operator {
        Operator::Or | Operator::And => {
            let left = Box::new(truth(sign, before, column, left)?);
            let right = Box::new(truth(sign, after, column, right)?);
            Meaning::Truth(match operator {
                Operator::Or => Truth::Or(left, right),
                Operator::And | Operator::Comparison(_) | Operator::Arithmetic(_) => Truth::And(left, right),
            })
        }
        Operator::Comparison(comparison) => {
            let left = Box::new(number(sign, before, column, left)?);
            let right = Box::new(number(sign, after, column, right)?);
            Meaning::Truth(Truth::Comparison(comparison, left, right))
        }
        Operator::Arithmetic(operation) => {
            let left = Box::new(number(sign, before, column, left)?);
            let right = Box::new(number(sign, after, column, right)?);
            Meaning::Number(Number::Arithmetic(operation, left, right))
        }
    };
    Ok(Part { meaning, column: begins_at, height })
}

fn lag(part: Part, samples: &Part) -> Result<Part, RuleError> {
    let height = higher(&part, part.column)?;
    let (column, bounds) = (part.column, (1, super::functions::SAMPLES_MAX));
    let samples = length(samples, "the number in []", bounds)?;
    let meaning = match part.meaning {
        Meaning::Number(number) => Meaning::Number(Number::Lag(Box::new(number), samples)),
        Meaning::Truth(truth) => Meaning::Truth(Truth::Lag(Box::new(truth), samples)),
    };
    Ok(Part { meaning, column, height })
}

/// The whole number that `part` is.
fn length(part: &Part, what: &str, (low, high): (u32, u32)) -> Result<u32, RuleError> {
    if let Meaning::Number(Number::Constant(number)) = &part.meaning {
        let whole = (low..=high).contains(&(number.get() as u32)).then_some(number.get() as u32);
        if let Some(whole) =
            whole.filter(|whole| engine_core::real::Real::new(f64::from(*whole)) == Some(*number))
        {
            return Ok(whole);
        }
    }
    Err(RuleError::at(part.column, format!("{what} is a whole number from {low} to {high}")))
}

fn call(signature: &Signature, column: usize, mut arguments: Vec<Part>) -> Result<Part, RuleError> {
    let (least, most) = signature.arguments();
    if !(least..=most).contains(&arguments.len()) {
        let counts = ["no", "one", "two", "three"].map(str::to_owned);
        let count = |count: usize| counts.get(count).cloned().unwrap_or_else(|| count.to_string());
        let takes = if least == most { count(least) } else { format!("{} or {}", count(least), count(most)) };
        let noun = if takes == "one" { "argument" } else { "arguments" };
        let reason = format!(
            "{} takes {takes} {noun}, {}, and has {} here",
            signature.name,
            signature.form(),
            count(arguments.len())
        );
        return Err(RuleError::at(column, reason));
    }
    let mut height = 1;
    for argument in &arguments {
        height = higher(argument, argument.column)?.max(height);
    }
    let numbers = arguments.split_off(arguments.len() - signature.lengths.len());
    if signature.call == Call::Lag
        && let (Some(part), Some(samples)) = (arguments.pop(), numbers.first())
    {
        return lag(Part { column, ..part }, samples);
    }
    let lengths = numbers.iter().zip(signature.lengths).map(|(part, rule)| {
        length(part, &format!("{} of {}", rule.name, signature.name), (rule.low, rule.high))
    });
    let lengths = lengths.collect::<Result<Vec<u32>, RuleError>>()?;
    let series = arguments.into_iter().map(|part| {
        let column = part.column;
        number(signature.name, "here stands", column, part)
    });
    let mut series = series.collect::<Result<Vec<Number>, RuleError>>()?;
    if signature.series == Series::CloseWhenAbsent && series.is_empty() {
        series.push(Number::Field(Field::Close));
        height = height.max(2);
    }
    let meaning = match signature.call {
        Call::Cross(cross) => {
            let (Some(other), Some(one)) = (series.pop(), series.pop()) else {
                return Err(RuleError::at(column, format!("write {}", signature.form())));
            };
            Meaning::Truth(Truth::Cross(cross, Box::new(one), Box::new(other)))
        }
        Call::Number(function) => Meaning::Number(Number::Call(function, series, lengths)),
        Call::Lag => return Err(RuleError::at(column, format!("write {}", signature.form()))),
    };
    Ok(Part { meaning, column, height })
}

#[cfg(test)]
mod tests;
