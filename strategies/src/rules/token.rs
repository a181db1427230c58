//! The words of a rule: numbers, names and signs, each with its column.

use engine_core::real::Real;

use crate::settings::RuleError;

/// The longest number, in characters; a tree's numbers are never longer when they are written.
const NUMBER_CHARS_MAX: usize = 32;
/// The most words of one rule.
const TOKENS_MAX: usize = 1_000;

/// One word of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Number(Real),
    Name(&'t str),
    Sign(&'static str),
    End,
}

/// A word and the column it begins at, counted in characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed<'t> {
    pub(super) token: Token<'t>,
    pub(super) column: usize,
}

/// Longer signs first, so that none is cut.
const SIGNS: [&str; 16] =
    ["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", ",", "%"];

/// Signs of other languages, with what is written here.
const FOREIGN: [(&str, &str); 5] =
    [("&", "`and`"), ("|", "`or`"), ("!", "`not`"), ("=", "`==`"), (";", "one condition a rule")];

/// The words of `text`, the end of it last.
///
/// # Errors
/// [`RuleError`] for the first character that begins no word, for a number too long, and for too many words.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed<'_>>, RuleError> {
    let mut tokens = Vec::new();
    let (mut rest, mut column) = (text, 1);
    loop {
        let blank = rest.len() - rest.trim_start().len();
        column += chars(&rest[..blank]);
        rest = &rest[blank..];
        if tokens.len() >= TOKENS_MAX {
            return Err(RuleError::at(column, format!("a rule has at most {TOKENS_MAX} words")));
        }
        let Some(first) = rest.chars().next() else {
            tokens.push(Placed { token: Token::End, column });
            return Ok(tokens);
        };
        let (token, length) = token(rest, first).map_err(|reason| RuleError::at(column, reason))?;
        tokens.push(Placed { token, column });
        column += chars(&rest[..length]);
        rest = &rest[length..];
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// The word at the beginning of `rest`, and how many bytes it has.
fn token(rest: &str, first: char) -> Result<(Token<'_>, usize), String> {
    if first.is_ascii_digit() || first == '.' {
        let length = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '.' && char != '_');
        let length = length.unwrap_or(rest.len());
        return number(&rest[..length]).map(|number| (Token::Number(number), length));
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length =
            rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len());
        return Ok((Token::Name(&rest[..length]), length));
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    let meant = FOREIGN.iter().find(|(sign, _)| rest.starts_with(sign));
    let hint = meant.map(|(_, meant)| format!("; write {meant}")).unwrap_or_default();
    Err(format!("`{}` is no sign of a rule{hint}", first.escape_debug()))
}

/// A plain decimal number: digits with at most one point.
fn number(text: &str) -> Result<Real, String> {
    if text.len() > NUMBER_CHARS_MAX {
        return Err(format!("a number has at most {NUMBER_CHARS_MAX} characters"));
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let points = text.bytes().filter(|byte| *byte == b'.').count();
    let is_plain = digits > 0 && points <= 1 && digits + points == text.len();
    let number = if is_plain { text.parse().ok().and_then(Real::new) } else { None };
    number.ok_or_else(|| format!("`{text}` is no number; write digits with at most one point, as in 0.25"))
}
