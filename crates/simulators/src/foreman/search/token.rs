//! Tokenization of search queries.

use crate::foreman::ruby::is_space;

/// A token of a search query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare or quoted word.
    Word(String),
    /// Punctuation, an operator or a reserved word.
    Symbol(Symbol),
}

/// A token other than a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    LeftParenthesis,
    RightParenthesis,
    Comma,
    And,
    Or,
    Not,
    Null,
    NotNull,
    Compare(Comparison),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Like,
    Unlike,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    In,
    NotIn,
}

impl Symbol {
    /// Returns the name that error messages show.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LeftParenthesis => "lparen",
            Self::RightParenthesis => "rparen",
            Self::Comma => "comma",
            Self::And => "and",
            Self::Or => "or",
            Self::Not => "not",
            Self::Null => "null",
            Self::NotNull => "notnull",
            Self::Compare(comparison) => comparison.name(),
        }
    }
}

impl Comparison {
    /// Returns the name that error messages show.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Like => "like",
            Self::Unlike => "unlike",
            Self::Greater => "gt",
            Self::Less => "lt",
            Self::GreaterOrEqual => "gte",
            Self::LessOrEqual => "lte",
            Self::In => "in",
            Self::NotIn => "notin",
        }
    }

    /// Returns whether the operator is the negation of another.
    pub(super) fn is_negative(self) -> bool {
        matches!(self, Self::NotEqual | Self::Unlike | Self::NotIn)
    }
}

/// Splits a query into tokens, which is possible for every text.
pub(super) fn tokenize(query: &str) -> Vec<Token> {
    let mut rest = Characters {
        text: query.chars().collect(),
        at: 0,
    };
    let mut tokens = Vec::new();
    while let Some(first) = rest.next() {
        match first {
            space if is_space(space) => {}
            '(' => tokens.push(Token::Symbol(Symbol::LeftParenthesis)),
            ')' => tokens.push(Token::Symbol(Symbol::RightParenthesis)),
            ',' => tokens.push(Token::Symbol(Symbol::Comma)),
            '"' => tokens.push(Token::Word(rest.quoted())),
            other => tokens.push(match operator(other, rest.peek()) {
                Some((symbol, length)) => {
                    rest.at += length - 1;
                    Token::Symbol(symbol)
                }
                None => reserved_or_word(rest.word(other)),
            }),
        }
    }
    tokens
}

/// Returns the longest operator that starts with these characters, and its length.
fn operator(first: char, second: Option<char>) -> Option<(Symbol, usize)> {
    use Comparison::*;
    let two = match (first, second) {
        ('&', Some('&')) => Some(Symbol::And),
        ('|', Some('|')) => Some(Symbol::Or),
        ('=', Some('=')) => Some(Symbol::Compare(Equal)),
        ('!', Some('=')) | ('<', Some('>')) => Some(Symbol::Compare(NotEqual)),
        ('!', Some('~')) => Some(Symbol::Compare(Unlike)),
        ('!', Some('^')) => Some(Symbol::Compare(NotIn)),
        ('>', Some('=')) => Some(Symbol::Compare(GreaterOrEqual)),
        ('<', Some('=')) => Some(Symbol::Compare(LessOrEqual)),
        _ => None,
    };
    if let Some(symbol) = two {
        return Some((symbol, 2));
    }
    let one = match first {
        '&' => Symbol::And,
        '|' => Symbol::Or,
        '!' | '-' => Symbol::Not,
        '=' => Symbol::Compare(Equal),
        '~' => Symbol::Compare(Like),
        '>' => Symbol::Compare(Greater),
        '<' => Symbol::Compare(Less),
        '^' => Symbol::Compare(In),
        _ => return None,
    };
    Some((one, 1))
}

fn reserved_or_word(word: String) -> Token {
    let symbol = match word.to_lowercase().as_str() {
        "and" => Symbol::And,
        "or" => Symbol::Or,
        "not" => Symbol::Not,
        "has" | "set?" => Symbol::NotNull,
        "null?" => Symbol::Null,
        "before" => Symbol::Compare(Comparison::Less),
        "after" => Symbol::Compare(Comparison::Greater),
        "at" => Symbol::Compare(Comparison::Equal),
        _ => return Token::Word(word),
    };
    Token::Symbol(symbol)
}

struct Characters {
    text: Vec<char>,
    at: usize,
}

impl Characters {
    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += 1;
        next
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    /// Reads the rest of a word, which may contain `-`, `!`, `^`, `"` and `:`.
    fn word(&mut self, first: char) -> String {
        let mut word = String::from(first);
        while let Some(next) = self.peek() {
            if is_space(next) || matches!(next, '=' | '~' | '<' | '>' | '&' | '|' | '(' | ')' | ',')
            {
                break;
            }
            word.push(next);
            self.at += 1;
        }
        word
    }

    /// Reads the rest of a quoted word, which ends with a quote or with the query.
    fn quoted(&mut self) -> String {
        let mut word = String::new();
        while let Some(next) = self.next() {
            match next {
                '"' => break,
                '\\' => word.extend(self.next()),
                other => word.push(other),
            }
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(query: &str) -> Vec<String> {
        tokenize(query)
            .into_iter()
            .map(|token| match token {
                Token::Word(word) => word,
                Token::Symbol(symbol) => format!(":{}", symbol.name()),
            })
            .collect()
    }

    #[test]
    fn an_operator_inside_a_word_may_be_part_of_the_word() {
        assert_eq!(words("ci-prod"), ["ci-prod"]);
        assert_eq!(words("ci -prod"), ["ci", ":not", "prod"]);
        assert_eq!(words("name!=x"), ["name!", ":eq", "x"]);
        assert_eq!(words("name^(a)"), ["name^", ":lparen", "a", ":rparen"]);
        assert_eq!(words("id>=3"), ["id", ":gte", "3"]);
        assert_eq!(
            words("!^ !~ <> == && ||"),
            [":notin", ":unlike", ":ne", ":eq", ":and", ":or"]
        );
    }

    #[test]
    fn reserved_words_are_recognized_in_any_case_unless_quoted() {
        assert_eq!(
            words("AND Set? BEFORE \"and\""),
            [":and", ":notnull", ":lt", "and"]
        );
    }

    #[test]
    fn a_quote_may_stay_open_and_a_backslash_escapes_the_next_character() {
        assert_eq!(words(r#""a \" b"#), [r#"a " b"#]);
        assert_eq!(words(r#""a\"#), ["a"]);
        assert_eq!(words("\""), [""]);
    }
}
