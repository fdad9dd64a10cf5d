//! From tokens to a tree, with the grammar's habits: no precedence, association
//! to the right, trailing operators dropped, parentheses that need not match.

use super::token::{Comparison, Symbol, Token, tokenize};
use super::{Engine, SearchError};

/// A parsed query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A word alone.
    Bare(String),
    /// A comparison with a named field.
    Field {
        field: String,
        operator: Comparison,
        value: String,
    },
    /// A comparison without a field.
    Default { operator: Comparison, value: String },
    /// `null?` or `has`: whether the field must be null.
    Null { field: String, null: bool },
    /// One or more negations; `negate` tells whether they are odd in number.
    Not { inner: Box<Node>, negate: bool },
    /// Expressions side by side, all of which must hold.
    All(Vec<Node>),
    /// Values of a `^` without a field, one of which must hold.
    Any(Vec<Node>),
    /// Operands, each with the operator that joins it to everything on its right.
    Chain {
        left: Vec<(Node, Logical)>,
        last: Box<Node>,
    },
    /// An operator in a place where it means nothing: no condition at all.
    Nothing,
}

/// How two operands are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::foreman) enum Logical {
    And,
    Or,
}

/// How deep parentheses may nest; the real engine gives up at some depth, too.
const DEEPEST: usize = 200;

/// Parses a query.
pub(super) fn parse(query: &str, engine: Engine) -> Result<Node, SearchError> {
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
    engine: Engine,
    depth: usize,
}

impl Parser {
    fn symbol(&mut self) -> Option<Symbol> {
        match self.tokens.peek() {
            Some(Token::Symbol(symbol)) => Some(*symbol),
            _ => None,
        }
    }

    fn skip(&mut self, symbol: Symbol) -> bool {
        let found = self.symbol() == Some(symbol);
        if found {
            self.tokens.next();
        }
        found
    }

    fn expressions(&mut self) -> Result<Vec<Node>, SearchError> {
        let mut expressions = Vec::new();
        while self.tokens.peek().is_some() && self.symbol() != Some(Symbol::RightParenthesis) {
            expressions.push(self.logical()?);
        }
        Ok(expressions)
    }

    fn parenthesis(&mut self) -> Result<Node, SearchError> {
        if self.depth == DEEPEST {
            return Err(SearchError::Internal("stack level too deep".to_owned()));
        }
        self.depth += 1;
        self.skip(Symbol::LeftParenthesis);
        let expressions = self.expressions()?;
        self.skip(Symbol::RightParenthesis);
        self.depth -= 1;
        self.some_operands(expressions).map(Node::All)
    }

    fn some_operands(&self, operands: Vec<Node>) -> Result<Vec<Node>, SearchError> {
        if operands.is_empty() && self.engine == Engine::Current {
            return Err(SearchError::not_supported("Empty list of operands"));
        }
        Ok(operands)
    }

    /// Operands with `and` and `or` between them, which associate to the right whatever they are.
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
            if self.engine == Engine::BeforeLeadingOperators {
                return Err(self.value_expected(Some(operator)));
            }
            // A leading operator joins one operand with nothing.
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
        match self.tokens.next_if(|token| matches!(token, Token::Word(_))) {
            Some(Token::Word(word)) => self.after_word(word),
            _ => self.prefixed(),
        }
    }

    fn after_word(&mut self, word: String) -> Result<Node, SearchError> {
        match self.symbol() {
            Some(Symbol::Compare(operator)) => {
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
            _ => {
                self.skip(Symbol::Comma);
                Ok(Node::Bare(word))
            }
        }
    }

    /// An operator and its value, without a field. Any symbol can stand here.
    fn prefixed(&mut self) -> Result<Node, SearchError> {
        let Some(Token::Symbol(symbol)) = self.tokens.next() else {
            return Ok(Node::Nothing);
        };
        match symbol {
            Symbol::Compare(operator @ (Comparison::In | Comparison::NotIn)) => {
                if self.engine == Engine::BeforeLeadingOperators {
                    return Err(self.value_expected(Some(symbol)));
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
        let each = if operator == Comparison::In {
            Comparison::Equal
        } else {
            Comparison::NotEqual
        };
        let nodes: Vec<_> = self
            .values()
            .into_iter()
            .map(|value| Node::Default {
                operator: each,
                value,
            })
            .collect();
        let nodes = self.some_operands(nodes)?;
        Ok(if operator == Comparison::In {
            Node::Any(nodes)
        } else {
            Node::All(nodes)
        })
    }

    /// The value after a named field and `^`: one word, or all words up to `)`,
    /// joined the way the engine splits them again.
    fn list_value(&mut self) -> String {
        match self.tokens.next_if(|token| matches!(token, Token::Word(_))) {
            Some(Token::Word(word)) => word,
            _ => self.values().join(","),
        }
    }

    fn values(&mut self) -> Vec<String> {
        self.skip(Symbol::LeftParenthesis);
        let mut values = Vec::new();
        while self.tokens.peek().is_some() && self.symbol() != Some(Symbol::RightParenthesis) {
            if let Some(Token::Word(word)) = self.tokens.next() {
                values.push(word);
            }
        }
        self.skip(Symbol::RightParenthesis);
        values
    }

    fn value(&mut self) -> Result<String, SearchError> {
        match self.tokens.next_if(|token| matches!(token, Token::Word(_))) {
            Some(Token::Word(word)) => Ok(word),
            _ => {
                let found = self.symbol();
                Err(self.value_expected(found))
            }
        }
    }

    fn value_expected(&self, found: Option<Symbol>) -> SearchError {
        let found = found.map_or_else(|| "nil".to_owned(), |symbol| format!(":{}", symbol.name()));
        SearchError::not_supported(format!("Value expected but found {found}"))
    }
}
