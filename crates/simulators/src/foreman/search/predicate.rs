//! From a tree to a predicate. Errors come in the engine's order: first what
//! the engine refuses, left to right, then what the database refuses.

use std::cmp::Ordering;

use super::like::Pattern;
use super::syntax::{Logical, Node, parse};
use super::token::Comparison;
use super::{Engine, Row, SearchError};
use crate::foreman::collation;

/// A condition on tokens.
#[derive(Debug)]
pub(in crate::foreman) enum Predicate {
    /// Every token.
    All,
    /// No token.
    None,
    Not(Box<Predicate>),
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    /// Operands, each with the operator that joins it to everything on its right.
    Chain {
        left: Vec<(Predicate, Logical)>,
        last: Box<Predicate>,
    },
    /// A comparison of an integer column; the numbers fit the column.
    Number {
        column: Column,
        test: NumberTest,
    },
    /// The name is one of these.
    NameIn(Vec<String>),
    /// The name sorts like this against the value.
    NameOrder {
        sort_key: collation::SortKey,
        wanted: Bound,
    },
    /// The name matches the pattern.
    NameLike(LikePattern),
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

/// Which side of a value is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::foreman) enum Bound {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A pattern whose shape is nobody else's business.
#[derive(Debug)]
pub(in crate::foreman) struct LikePattern(Pattern);

impl Bound {
    pub(in crate::foreman) fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        }
    }
}

impl Predicate {
    /// Whether the row fulfils the condition. An error stops the statement.
    pub(in crate::foreman) fn matches(&self, row: Row<'_>) -> Result<bool, SearchError> {
        Ok(match self {
            Self::All => true,
            Self::None => false,
            Self::Not(inner) => !inner.matches(row)?,
            Self::And(all) => {
                for one in all {
                    if !one.matches(row)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(any) => {
                for one in any {
                    if one.matches(row)? {
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
            Self::NameOrder { sort_key, wanted } => {
                wanted.accepts(collation::SortKey::new(row.name).cmp(sort_key))
            }
            Self::NameLike(pattern) => pattern.0.matches(row.name).map_err(|_| {
                SearchError::Database(
                    "PG::InvalidEscapeSequence: ERROR:  LIKE pattern must not end with escape character\n".into(),
                )
            })?,
        })
    }
}

/// Compiles a query. `id_is_a_field` is false before Foreman 3.2.
pub(in crate::foreman) fn compile(
    query: &str,
    engine: Engine,
    id_is_a_field: bool,
) -> Result<Predicate, SearchError> {
    let tree = parse(query, engine)?;
    let mut compiler = Compiler {
        id_is_a_field,
        syntax_error: None,
        value_error: None,
    };
    let predicate = compiler.node(&tree)?;
    if query.contains('\0') {
        // Text with this character cannot become part of a statement.
        return Err(SearchError::Internal(
            "string contains null byte".to_owned(),
        ));
    }
    // The database parses the whole statement before it looks at any value.
    match compiler.syntax_error.or(compiler.value_error) {
        Some(message) => Err(SearchError::Database(message)),
        None => Ok(predicate.unwrap_or(Predicate::All)),
    }
}

struct Compiler {
    id_is_a_field: bool,
    syntax_error: Option<String>,
    value_error: Option<String>,
}

#[derive(Clone, Copy)]
enum Field {
    Name,
    Number(Column),
}

/// A condition, or none at all: the engine leaves empty fragments out.
type Fragment = Option<Predicate>;

impl Compiler {
    fn node(&mut self, node: &Node) -> Result<Fragment, SearchError> {
        Ok(match node {
            Node::Bare(word) => Some(like(word)),
            Node::Field {
                field,
                operator,
                value,
            } => Some(self.comparison(field, *operator, value)?),
            Node::Default { operator, value } => default_fields(*operator, value),
            Node::Null { field, null } => {
                // None of the columns can be null.
                self.field(field)?;
                Some(if *null {
                    Predicate::None
                } else {
                    Predicate::All
                })
            }
            Node::Not { inner, negate } => match self.node(inner)? {
                Some(predicate) if *negate => Some(Predicate::Not(Box::new(predicate))),
                Some(predicate) => Some(predicate),
                None => {
                    self.syntax_error("syntax error at or near \",\"");
                    Some(Predicate::None)
                }
            },
            Node::All(nodes) => self.nodes(nodes)?.map(Predicate::And),
            Node::Any(nodes) => self.nodes(nodes)?.map(Predicate::Or),
            Node::Chain { left, last } => self.chain(left, last)?,
            Node::Nothing => None,
        })
    }

    fn nodes(&mut self, nodes: &[Node]) -> Result<Option<Vec<Predicate>>, SearchError> {
        let mut fragments = Vec::new();
        for node in nodes {
            fragments.extend(self.node(node)?);
        }
        Ok(Some(fragments).filter(|fragments| !fragments.is_empty()))
    }

    /// An empty operand disappears together with its operator.
    fn chain(&mut self, left: &[(Node, Logical)], last: &Node) -> Result<Fragment, SearchError> {
        let mut operands = Vec::new();
        for (node, operator) in left {
            operands.extend(self.node(node)?.map(|predicate| (predicate, *operator)));
        }
        let last = match self.node(last)? {
            Some(last) => last,
            None => match operands.pop() {
                Some((last, _)) => last,
                None => return Ok(None),
            },
        };
        Ok(Some(Predicate::Chain {
            left: operands,
            last: Box::new(last),
        }))
    }

    fn field(&self, name: &str) -> Result<Field, SearchError> {
        match name {
            "name" => Ok(Field::Name),
            "id" if self.id_is_a_field => Ok(Field::Number(Column::Id)),
            "user_id" => Ok(Field::Number(Column::UserId)),
            _ => Err(SearchError::not_supported(format!(
                "Field '{name}' not recognized for searching!"
            ))),
        }
    }

    fn comparison(
        &mut self,
        field_name: &str,
        operator: Comparison,
        value: &str,
    ) -> Result<Predicate, SearchError> {
        let field = self.field(field_name)?;
        let list = matches!(operator, Comparison::In | Comparison::NotIn);
        let values = if list { split_list(value) } else { vec![value] };
        let column = match field {
            Field::Name => return Ok(self.name(operator, value, &values)),
            Field::Number(column) => column,
        };
        for value in &values {
            if !looks_like_an_integer(value) {
                return Err(SearchError::not_supported(format!(
                    "Value '{value}' is not valid for field '{field_name}'"
                )));
            }
        }
        if matches!(operator, Comparison::Like | Comparison::Unlike) {
            return Err(SearchError::not_supported(format!(
                "the operator '{}' is not supported for field type 'integer'",
                operator.name()
            )));
        }
        let numbers: Vec<i32> = values
            .iter()
            .map(|value| self.integer(strip(value)))
            .collect();
        Ok(self.number(column, operator, numbers))
    }

    fn number(&mut self, column: Column, operator: Comparison, numbers: Vec<i32>) -> Predicate {
        if numbers.is_empty() {
            self.syntax_error("syntax error at or near \")\"");
        }
        let first = numbers.first().copied().unwrap_or_default();
        let number = |test| Predicate::Number { column, test };
        let ordered = |bound| number(NumberTest::Ordered(bound, first));
        match operator {
            Comparison::Greater => ordered(Bound::Greater),
            Comparison::GreaterOrEqual => ordered(Bound::GreaterOrEqual),
            Comparison::Less => ordered(Bound::Less),
            Comparison::LessOrEqual => ordered(Bound::LessOrEqual),
            Comparison::NotEqual | Comparison::NotIn | Comparison::Unlike => {
                Predicate::Not(Box::new(number(NumberTest::In(numbers))))
            }
            Comparison::Equal | Comparison::In | Comparison::Like => {
                number(NumberTest::In(numbers))
            }
        }
    }

    fn name(&mut self, operator: Comparison, value: &str, values: &[&str]) -> Predicate {
        let ordered = |wanted| Predicate::NameOrder {
            sort_key: collation::SortKey::new(value),
            wanted,
        };
        let one_of = |names: &[&str]| {
            Predicate::NameIn(names.iter().map(|name| strip(name).to_owned()).collect())
        };
        if values.is_empty() {
            self.syntax_error("syntax error at or near \")\"");
        }
        match operator {
            Comparison::Equal => Predicate::NameIn(vec![value.to_owned()]),
            Comparison::NotEqual => {
                Predicate::Not(Box::new(Predicate::NameIn(vec![value.to_owned()])))
            }
            Comparison::In => one_of(values),
            Comparison::NotIn => Predicate::Not(Box::new(one_of(values))),
            Comparison::Like => like(value),
            Comparison::Unlike => Predicate::Not(Box::new(like(value))),
            Comparison::Greater => ordered(Bound::Greater),
            Comparison::GreaterOrEqual => ordered(Bound::GreaterOrEqual),
            Comparison::Less => ordered(Bound::Less),
            Comparison::LessOrEqual => ordered(Bound::LessOrEqual),
        }
    }

    /// The column's number, or a note of why the database refuses it.
    fn integer(&mut self, text: &str) -> i32 {
        let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
        if let Ok(number) = trimmed.parse() {
            return number;
        }
        let digits = trimmed.strip_prefix('-').unwrap_or(trimmed);
        let message = if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            format!(
                "PG::NumericValueOutOfRange: ERROR:  value \"{text}\" is out of range for type integer\n"
            )
        } else {
            format!(
                "PG::InvalidTextRepresentation: ERROR:  invalid input syntax for type integer: \"{text}\"\n"
            )
        };
        self.value_error.get_or_insert(message);
        0
    }

    fn syntax_error(&mut self, message: &str) {
        self.syntax_error
            .get_or_insert_with(|| format!("PG::SyntaxError: ERROR:  {message}\n"));
    }
}

/// Without a field, only these operators reach the name; the others search
/// nothing, which leaves no condition.
fn default_fields(operator: Comparison, value: &str) -> Fragment {
    let equal = || Predicate::NameIn(vec![value.to_owned()]);
    match operator {
        Comparison::Equal => Some(equal()),
        Comparison::NotEqual => Some(Predicate::Not(Box::new(equal()))),
        Comparison::Like => Some(like(value)),
        Comparison::Unlike => Some(Predicate::Not(Box::new(like(value)))),
        _ => None,
    }
}

fn like(value: &str) -> Predicate {
    Predicate::NameLike(LikePattern(Pattern::from_value(value)))
}

/// Ruby's `split(",")`, which drops empty parts at the end.
fn split_list(value: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = value.split(',').collect();
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

/// Ruby's `strip`: white space and NUL at both ends.
fn strip(text: &str) -> &str {
    text.trim_matches(|character| matches!(character, '\0' | '\t'..='\r' | ' '))
}

/// Ruby's `/^-?\d+$/`: one such line is enough.
fn looks_like_an_integer(value: &str) -> bool {
    value.split('\n').any(|line| {
        let digits = line.strip_prefix('-').unwrap_or(line);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
