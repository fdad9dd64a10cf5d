//! Compilation of a syntax tree to a predicate.
//!
//! Errors are reported in Foreman's order: first those of the search engine, from left to right,
//! then those of the database.

use super::{
    SearchError,
    like::Pattern,
    predicate::{Bound, Column, NumberTest, Predicate},
    syntax::{Logical, Node, parse},
    token::Comparison,
};
use crate::foreman::{collation::SortKey, options::SearchEngine, ruby};

/// Compiles a query; ids are not searchable before Foreman 3.2.
pub(in crate::foreman) fn compile(
    query: &str,
    engine: SearchEngine,
    id_is_searchable: bool,
) -> Result<Predicate, SearchError> {
    let tree = parse(query, engine)?;
    let mut compiler = Compiler {
        id_is_searchable,
        syntax_error: None,
        value_error: None,
    };
    let predicate = compiler.node(&tree)?;
    if query.contains('\0') {
        // The database driver rejects a string with a null byte before it sends the statement.
        return Err(SearchError::Internal(
            "string contains null byte".to_owned(),
        ));
    }
    // The database parses the whole statement before it converts any value.
    match compiler.syntax_error.or(compiler.value_error) {
        Some(message) => Err(SearchError::Database(message)),
        None => Ok(predicate.unwrap_or(Predicate::All)),
    }
}

struct Compiler {
    id_is_searchable: bool,
    /// The database's first complaint about the syntax of the statement.
    syntax_error: Option<String>,
    /// The database's first complaint about a value.
    value_error: Option<String>,
}

#[derive(Clone, Copy)]
enum Field {
    Name,
    Number(Column),
}

/// A condition, or `None` if a part of the query results in no condition and is left out.
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
            // Without a field, the other operators search no column and result in no condition.
            Node::Default { operator, value } => equality_or_like(*operator, value),
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
                Some(predicate) => Some(predicate.negated_if(*negate)),
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

    /// Compiles a chain, in which an empty operand disappears together with its operator.
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
            "id" if self.id_is_searchable => Ok(Field::Number(Column::Id)),
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
        let is_list = matches!(operator, Comparison::In | Comparison::NotIn);
        let values = if is_list {
            split_list(value)
        } else {
            vec![value]
        };
        if values.is_empty() {
            self.syntax_error("syntax error at or near \")\"");
        }
        let column = match field {
            Field::Name => return Ok(name_comparison(operator, value, &values)),
            Field::Number(column) => column,
        };
        for value in &values {
            if !has_integer_line(value) {
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
            .map(|value| self.integer(ruby::strip(value)))
            .collect();
        Ok(number_comparison(column, operator, numbers))
    }

    /// Converts a value to the column's type, or records the error with which the database rejects
    /// it.
    fn integer(&mut self, text: &str) -> i32 {
        let trimmed = text.trim_matches(ruby::is_space);
        if let Ok(number) = trimmed.parse() {
            return number;
        }
        let message = if is_decimal(trimmed) {
            format!(
                "PG::NumericValueOutOfRange: ERROR:  value \"{text}\" is out of range for type \
                 integer\n"
            )
        } else {
            format!(
                "PG::InvalidTextRepresentation: ERROR:  invalid input syntax for type integer: \
                 \"{text}\"\n"
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

fn number_comparison(column: Column, operator: Comparison, numbers: Vec<i32>) -> Predicate {
    let test = match Bound::from_comparison(operator) {
        Some(bound) => NumberTest::Ordered(bound, numbers.first().copied().unwrap_or_default()),
        None => NumberTest::In(numbers),
    };
    Predicate::Number { column, test }.negated_if(operator.is_negative())
}

fn name_comparison(operator: Comparison, value: &str, values: &[&str]) -> Predicate {
    if let Some(bound) = Bound::from_comparison(operator) {
        let sort_key = SortKey::new(value);
        return Predicate::NameOrder { sort_key, bound };
    }
    equality_or_like(operator, value).unwrap_or_else(|| {
        let names = values.iter().map(|name| ruby::strip(name).to_owned());
        Predicate::NameIn(names.collect()).negated_if(operator.is_negative())
    })
}

/// Compiles the comparisons of the name that need neither an order nor a list.
fn equality_or_like(operator: Comparison, value: &str) -> Fragment {
    let predicate = match operator {
        Comparison::Equal | Comparison::NotEqual => Predicate::NameIn(vec![value.to_owned()]),
        Comparison::Like | Comparison::Unlike => like(value),
        _ => return None,
    };
    Some(predicate.negated_if(operator.is_negative()))
}

fn like(value: &str) -> Predicate {
    Predicate::NameLike(Pattern::from_value(value))
}

/// Splits like Ruby's `split(",")`, which drops empty parts at the end.
fn split_list(value: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = value.split(',').collect();
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

/// Returns whether a string matches Ruby's `/^-?\d+$/`, for which one matching line is enough.
fn has_integer_line(value: &str) -> bool {
    value.split('\n').any(is_decimal)
}

fn is_decimal(text: &str) -> bool {
    ruby::is_all_digits(text.strip_prefix('-').unwrap_or(text))
}
