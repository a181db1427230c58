//! The operators of rules: how each is written, and how tightly it binds.

use super::token::Token;
use super::tree::{Arithmetic, Binding, Comparison};

/// What stands between two parts.
#[derive(Clone, Copy)]
pub(super) enum Operator {
    Or,
    And,
    Comparison(Comparison),
    Arithmetic(Arithmetic),
}

impl Operator {
    /// The operator that `token` is.
    pub(super) fn of(token: Token<'_>) -> Option<Self> {
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

    pub(super) const fn binding(self) -> Binding {
        match self {
            Self::Or => Binding::Or,
            Self::And => Binding::And,
            Self::Comparison(_) => Binding::Comparison,
            Self::Arithmetic(Arithmetic::Add | Arithmetic::Subtract) => Binding::Sum,
            Self::Arithmetic(Arithmetic::Multiply | Arithmetic::Divide) => Binding::Product,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Comparison(comparison) => comparison.sign(),
            Self::Arithmetic(operation) => operation.sign(),
        }
    }
}
