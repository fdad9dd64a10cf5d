//! Parsing of search queries to a syntax tree.
//!
//! In this grammar, operators have no precedence and associate to the right, trailing operators are
//! dropped, and parentheses need not match.

use super::{
    SearchError,
    token::{Comparison, Symbol, Token, tokenize},
};
use crate::foreman::options::SearchEngine;

/// A parsed query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A word without an operator.
    Bare(String),
    /// A comparison with a named field.
    Field {
        field: String,
        operator: Comparison,
        value: String,
    },
    /// A comparison without a field.
    Default { operator: Comparison, value: String },
    /// A test of whether a field is null: `null?`, or `has` for the opposite.
    Null { field: String, null: bool },
    /// One or more negations, which negate the inner node only if their number is odd.
    Not { inner: Box<Node>, negate: bool },
    /// Adjacent expressions, all of which must hold.
    All(Vec<Node>),
    /// The values of a `^` without a field, one of which must match.
    Any(Vec<Node>),
    /// Operands, each with the operator that joins it to everything on its right.
    Chain {
        left: Vec<(Node, Logical)>,
        last: Box<Node>,
    },
    /// An operator in a position where it has no meaning, which results in no condition.
    Nothing,
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::foreman) enum Logical {
    And,
    Or,
}

/// The maximum nesting depth of parentheses; the real engine has a limit of its own.
const MAX_NESTING: usize = 200;

/// Parses a query.
pub(super) fn parse(query: &str, engine: SearchEngine) -> Result<Node, SearchError> {
    let mut tokens = tokenize(query);
    while matches!(tokens.last(), Some(Token::Symbol(_))) {
        tokens.pop();
    }
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
        engine,
        depth: 0,
    };
    Ok(Node::All(parser.expressions()?))
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    engine: SearchEngine,
    depth: usize,
}

impl Parser {
    /// Returns the next token if it is a symbol, without consuming it.
    fn symbol(&mut self) -> Option<Symbol> {
        match self.tokens.peek() {
            Some(Token::Symbol(symbol)) => Some(*symbol),
            _ => None,
        }
    }

    /// Consumes the next token if it is a word.
    fn word(&mut self) -> Option<String> {
        match self.tokens.next_if(|token| matches!(token, Token::Word(_))) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// Returns whether the enclosing parenthesis, or the query, continues.
    fn continues(&mut self) -> bool {
        self.tokens.peek().is_some() && self.symbol() != Some(Symbol::RightParenthesis)
    }

    /// Consumes the next token if it is this symbol, and returns whether it was.
    fn skip(&mut self, symbol: Symbol) -> bool {
        let found = self.symbol() == Some(symbol);
        if found {
            self.tokens.next();
        }
        found
    }

    fn expressions(&mut self) -> Result<Vec<Node>, SearchError> {
        let mut expressions = Vec::new();
        while self.continues() {
            expressions.push(self.logical()?);
        }
        Ok(expressions)
    }

    fn parenthesis(&mut self) -> Result<Node, SearchError> {
        if self.depth == MAX_NESTING {
            return Err(SearchError::Internal("stack level too deep".to_owned()));
        }
        self.depth += 1;
        self.skip(Symbol::LeftParenthesis);
        let expressions = self.expressions()?;
        self.skip(Symbol::RightParenthesis);
        self.depth -= 1;
        self.require_operands(expressions).map(Node::All)
    }

    fn require_operands(&self, operands: Vec<Node>) -> Result<Vec<Node>, SearchError> {
        if operands.is_empty() && self.engine == SearchEngine::Current {
            return Err(SearchError::not_supported("Empty list of operands"));
        }
        Ok(operands)
    }

    /// Parses operands joined by `and` and `or`, which both associate to the right.
    fn logical(&mut self) -> Result<Node, SearchError> {
        let mut left = Vec::new();
        loop {
            let operand = self.operand()?;
            let operator = match self.symbol() {
                Some(Symbol::And) => Logical::And,
                Some(Symbol::Or) => Logical::Or,
                _ if left.is_empty() => return Ok(operand),
                _ => {
                    let last = Box::new(operand);
                    return Ok(Node::Chain { left, last });
                }
            };
            self.tokens.next();
            left.push((operand, operator));
        }
    }

    fn operand(&mut self) -> Result<Node, SearchError> {
        while let Some(operator @ (Symbol::And | Symbol::Or)) = self.symbol() {
            if self.engine == SearchEngine::Before4_1_13 {
                return Err(value_expected(Some(operator)));
            }
            // A leading operator has only one operand and no effect.
            self.tokens.next();
        }
        match self.symbol() {
            Some(Symbol::LeftParenthesis) => self.parenthesis(),
            Some(Symbol::Not) => self.negation(),
            Some(Symbol::Null | Symbol::NotNull) => self.prefixed(),
            _ => self.comparison(),
        }
    }

    fn negation(&mut self) -> Result<Node, SearchError> {
        let mut negate = false;
        while self.skip(Symbol::Not) {
            negate = !negate;
        }
        let inner = match self.symbol() {
            Some(Symbol::LeftParenthesis) => self.parenthesis()?,
            _ => self.comparison()?,
        };
        Ok(Node::Not {
            inner: Box::new(inner),
            negate,
        })
    }

    fn comparison(&mut self) -> Result<Node, SearchError> {
        self.skip(Symbol::Comma);
        match self.word() {
            Some(word) => self.after_word(word),
            None => self.prefixed(),
        }
    }

    fn after_word(&mut self, word: String) -> Result<Node, SearchError> {
        let Some(Symbol::Compare(operator)) = self.symbol() else {
            self.skip(Symbol::Comma);
            return Ok(Node::Bare(word));
        };
        self.tokens.next();
        let value = match operator {
            Comparison::In | Comparison::NotIn => self.list_value(),
            _ => self.value()?,
        };
        Ok(Node::Field {
            field: word,
            operator,
            value,
        })
    }

    /// Parses an operator and its value without a field; any symbol can occur here.
    fn prefixed(&mut self) -> Result<Node, SearchError> {
        let Some(Token::Symbol(symbol)) = self.tokens.next() else {
            return Ok(Node::Nothing);
        };
        match symbol {
            Symbol::Compare(operator @ (Comparison::In | Comparison::NotIn)) => {
                if self.engine == SearchEngine::Before4_1_13 {
                    return Err(value_expected(Some(symbol)));
                }
                self.prefixed_list(operator)
            }
            Symbol::Compare(operator) => Ok(Node::Default {
                operator,
                value: self.value()?,
            }),
            Symbol::Null | Symbol::NotNull => Ok(Node::Null {
                field: self.value()?,
                null: symbol == Symbol::Null,
            }),
            Symbol::Not => Ok(Node::Not {
                inner: Box::new(Node::Bare(self.value()?)),
                negate: true,
            }),
            _ => {
                self.value()?;
                Ok(Node::Nothing)
            }
        }
    }

    fn prefixed_list(&mut self, operator: Comparison) -> Result<Node, SearchError> {
        let (operator, join): (_, fn(Vec<Node>) -> Node) = if operator == Comparison::In {
            (Comparison::Equal, Node::Any)
        } else {
            (Comparison::NotEqual, Node::All)
        };
        let values = self.values().into_iter();
        let nodes = values.map(|value| Node::Default { operator, value });
        self.require_operands(nodes.collect()).map(join)
    }

    /// Parses the value after a field and `^`: a word, or all words up to `)` joined by commas, at
    /// which the engine splits them again.
    fn list_value(&mut self) -> String {
        match self.word() {
            Some(word) => word,
            None => self.values().join(","),
        }
    }

    fn values(&mut self) -> Vec<String> {
        self.skip(Symbol::LeftParenthesis);
        let mut values = Vec::new();
        while self.continues() {
            if let Some(Token::Word(word)) = self.tokens.next() {
                values.push(word);
            }
        }
        self.skip(Symbol::RightParenthesis);
        values
    }

    fn value(&mut self) -> Result<String, SearchError> {
        self.word().ok_or_else(|| value_expected(self.symbol()))
    }
}

fn value_expected(found: Option<Symbol>) -> SearchError {
    let found = found.map_or_else(|| "nil".to_owned(), |symbol| format!(":{}", symbol.name()));
    SearchError::not_supported(format!("Value expected but found {found}"))
}
