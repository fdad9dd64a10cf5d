//! Conditions on tokens and their evaluation.

use std::cmp::Ordering;

use super::{Row, SearchError, like::Pattern, syntax::Logical, token::Comparison};
use crate::foreman::collation::SortKey;

/// A condition on tokens.
#[derive(Debug)]
pub(in crate::foreman) enum Predicate {
    /// Matches every token.
    All,
    /// Matches no token.
    None,
    Not(Box<Predicate>),
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    /// Operands, each with the operator that joins it to everything on its right.
    Chain {
        left: Vec<(Predicate, Logical)>,
        last: Box<Predicate>,
    },
    /// A test of an integer column.
    Number {
        column: Column,
        test: NumberTest,
    },
    /// The name is one of these.
    NameIn(Vec<String>),
    /// The name sorts on this side of the key.
    NameOrder {
        sort_key: SortKey,
        bound: Bound,
    },
    /// The name matches the pattern.
    NameLike(Pattern),
}

/// An integer column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::foreman) enum Column {
    Id,
    UserId,
}

/// A test of an integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::foreman) enum NumberTest {
    In(Vec<i32>),
    Ordered(Bound, i32),
}

/// A side of a value in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::foreman) enum Bound {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Bound {
    /// Returns the bound of an ordering comparison, or `None` for the other comparisons.
    pub(super) fn from_comparison(comparison: Comparison) -> Option<Self> {
        match comparison {
            Comparison::Greater => Some(Self::Greater),
            Comparison::GreaterOrEqual => Some(Self::GreaterOrEqual),
            Comparison::Less => Some(Self::Less),
            Comparison::LessOrEqual => Some(Self::LessOrEqual),
            _ => None,
        }
    }

    fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        }
    }
}

impl Predicate {
    /// Negates the predicate if `negated` is `true`.
    pub(super) fn negated_if(self, negated: bool) -> Self {
        if negated {
            Self::Not(Box::new(self))
        } else {
            self
        }
    }

    /// Returns whether a row satisfies the condition.
    ///
    /// # Errors
    /// The database aborts the statement.
    pub(in crate::foreman) fn matches(&self, row: Row<'_>) -> Result<bool, SearchError> {
        Ok(match self {
            Self::All => true,
            Self::None => false,
            Self::Not(inner) => !inner.matches(row)?,
            Self::And(operands) => {
                for operand in operands {
                    if !operand.matches(row)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(operands) => {
                for operand in operands {
                    if operand.matches(row)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Chain { left, last } => {
                for (operand, operator) in left {
                    let holds = operand.matches(row)?;
                    if holds == (*operator == Logical::Or) {
                        return Ok(holds);
                    }
                }
                last.matches(row)?
            }
            Self::Number { column, test } => {
                let number = match column {
                    Column::Id => row.id,
                    Column::UserId => row.user_id,
                };
                match test {
                    NumberTest::In(numbers) => numbers.contains(&number),
                    NumberTest::Ordered(bound, value) => bound.accepts(number.cmp(value)),
                }
            }
            Self::NameIn(names) => names.iter().any(|name| name == row.name),
            Self::NameOrder { sort_key, bound } => {
                bound.accepts(SortKey::new(row.name).cmp(sort_key))
            }
            Self::NameLike(pattern) => pattern.matches(row.name).map_err(|_| {
                SearchError::Database(
                    "PG::InvalidEscapeSequence: ERROR:  LIKE pattern must not end with escape \
                     character\n"
                        .into(),
                )
            })?,
        })
    }
}
