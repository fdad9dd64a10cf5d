//! From text to a filter.

use std::ops::Not;

use super::lexer::{Piece, pieces};
use super::{NamePattern, OwnerPredicate};
use crate::error::is_near;
use crate::error::{Error, Result, did_you_mean};
use crate::model::{Timestamp, TokenState};
use crate::query::{Filter, TimePredicate};

const LONGEST: usize = 64 * 1024;
/// What stands in parentheses or is denied is read by recursion.
const DEEPEST: usize = 64;

const FIELDS: [&str; 6] = ["name", "state", "owner", "created", "expiry", "last-used"];
const NOT_REPORTED: &str = "not-reported";

pub(super) fn parse(text: &str, now: Timestamp) -> Result<Filter> {
    if text.len() > LONGEST {
        return Err(Error::invalid_input(format!(
            "a filter of {} bytes is longer than the {LONGEST} allowed",
            text.len()
        )));
    }
    let mut parser = Parser {
        text,
        now,
        pieces: pieces(text)?,
        next: 0,
        depth: 0,
    };
    let filter = parser.any()?;
    parser.end(Piece::End, "the end")?;
    Ok(filter.flattened())
}

/// A mistake at that byte of a text. Its message does not repeat the text, which may hold anything.
pub(super) fn mistake(text: &str, at: usize, message: impl Into<String>) -> Error {
    placed(text, at, Error::invalid_input(message))
}

fn placed(text: &str, at: usize, error: Error) -> Error {
    let character = text.get(..at).unwrap_or(text).chars().count() + 1;
    error.with_message_prefix(&format!("at character {character}"))
}

struct Parser<'a> {
    text: &'a str,
    now: Timestamp,
    /// The last one is the end.
    pieces: Vec<(usize, Piece<'a>)>,
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Piece<'a> {
        self.pieces
            .get(self.next)
            .map_or(&Piece::End, |(_, piece)| piece)
    }

    /// The next piece if it is a word.
    fn word(&self) -> &'a str {
        match self.peek() {
            Piece::Word(word) => word,
            _ => "",
        }
    }

    fn take(&mut self, expected: &Piece<'_>) -> bool {
        let found = self.peek() == expected;
        self.next += usize::from(found);
        found
    }

    /// A mistake at the next piece.
    fn mistake(&self, message: impl Into<String>) -> Error {
        self.placed(Error::invalid_input(message))
    }

    fn placed(&self, error: Error) -> Error {
        let at = self.pieces.get(self.next).map(|(at, _)| *at);
        placed(self.text, at.unwrap_or(self.text.len()), error)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEEPEST {
            let message = format!("conditions are nested more than {DEEPEST} deep");
            return Err(self.mistake(message));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn any(&mut self) -> Result<Filter> {
        let mut filters = vec![self.all()?];
        while self.take(&Piece::Word("or")) {
            filters.push(self.all()?);
        }
        Ok(Filter::Any(filters))
    }

    fn all(&mut self) -> Result<Filter> {
        let mut filters = vec![self.one()?];
        while self.take(&Piece::Word("and")) {
            filters.push(self.one()?);
        }
        Ok(Filter::All(filters))
    }

    fn one(&mut self) -> Result<Filter> {
        if self.take(&Piece::Word("not")) {
            return self.deeper(Self::one).map(Filter::not);
        }
        if self.take(&Piece::Symbol("(")) {
            let filter = self.deeper(Self::any)?;
            self.end(Piece::Symbol(")"), "\")\"")?;
            return Ok(filter);
        }
        self.condition()
    }

    /// What ends conditions that are joined.
    fn end(&mut self, end: Piece<'_>, name: &str) -> Result<()> {
        if self.take(&end) {
            return Ok(());
        }
        let mistake = self.mistake(format!("expected and, or, or {name}"));
        let known = ["and", "or"];
        Err(match self.peek() {
            Piece::Word(word) if known.iter().any(|known| is_near(word, known)) => {
                mistake.with_advice(did_you_mean(word, &known))
            }
            Piece::Word(_) | Piece::Quoted(_) => {
                mistake.with_advice("write a name of several words in double quotes")
            }
            Piece::Symbol(_) | Piece::End => mistake,
        })
    }

    fn condition(&mut self) -> Result<Filter> {
        let field = self.word();
        match field {
            "" => {
                return Err(self.mistake("expected a condition, such as state = active"));
            }
            "everything" | "nothing" => {}
            _ if FIELDS.contains(&field) => {}
            _ => {
                return Err(self
                    .mistake("no such field")
                    .with_advice(did_you_mean(field, &FIELDS)));
            }
        }
        self.next += 1;
        match field {
            "everything" => Ok(Filter::All(Vec::new())),
            "nothing" => Ok(Filter::Any(Vec::new())),
            "name" => self.name(),
            "state" => self.state(),
            "owner" => self.owner(),
            "created" => self.time(Filter::Created),
            "expiry" => self.time(Filter::Expiry),
            _ => self.time(Filter::LastUsed),
        }
    }

    fn name(&mut self) -> Result<Filter> {
        let pattern = match self.peek() {
            Piece::Symbol("~") => NamePattern::Glob,
            Piece::Symbol("^=") => NamePattern::Prefix,
            _ => {
                let exact = |parser: &mut Self| Ok(Filter::name(parser.value("a name")?));
                return self.equality(exact)?.ok_or_else(|| {
                    self.mistake("expected =, !=, ~ (a pattern), ^= (a beginning) or in")
                });
            }
        };
        self.next += 1;
        Ok(Filter::Name(pattern(self.value("a name")?)))
    }

    fn state(&mut self) -> Result<Filter> {
        self.equality(|parser| {
            let state: TokenState = parser
                .word()
                .parse()
                .map_err(|error: Error| parser.placed(error))?;
            parser.next += 1;
            Ok(Filter::State(state))
        })?
        .ok_or_else(|| self.mistake("expected =, != or in"))
    }

    fn owner(&mut self) -> Result<Filter> {
        if self.take(&Piece::Word("is")) {
            return self.absence("none", |none| {
                Filter::Owner(if none {
                    OwnerPredicate::Absent
                } else {
                    OwnerPredicate::NotReported
                })
            });
        }
        self.equality(|parser| {
            let word = parser.word();
            if word == "none" || word == NOT_REPORTED {
                return Err(parser.mistake("this is no owner").with_advice(format!(
                    "write owner is {word}, or \"{word}\" in double quotes if one is called so"
                )));
            }
            Ok(Filter::owned_by(parser.value("an owner")?))
        })?
        .ok_or_else(|| self.mistake("expected =, !=, is or in"))
    }

    fn time(&mut self, condition: fn(TimePredicate) -> Filter) -> Result<Filter> {
        let when = match self.peek() {
            Piece::Symbol("<") => TimePredicate::Before,
            Piece::Symbol(">=") => TimePredicate::From,
            Piece::Word("is") => {
                self.next += 1;
                return self.absence("never", |never| {
                    condition(if never {
                        TimePredicate::Never
                    } else {
                        TimePredicate::NotReported
                    })
                });
            }
            _ => {
                return Err(self.mistake(
                    "expected < (before), >= (at or after), is never or is not-reported",
                ));
            }
        };
        self.next += 1;
        Ok(condition(when(self.moment()?)))
    }

    /// `=`, `!=` and `in`, which mean the same for every field that has values.
    fn equality(&mut self, value: impl Fn(&mut Self) -> Result<Filter>) -> Result<Option<Filter>> {
        let operator = match self.peek() {
            Piece::Symbol(symbol @ ("=" | "!=")) => *symbol,
            Piece::Word("in") => "in",
            _ => return Ok(None),
        };
        self.next += 1;
        match operator {
            "=" => value(self),
            // These are written with a level more than they are read with.
            "!=" => self.deeper(value).map(Filter::not),
            _ => self.deeper(|parser| parser.list(value)),
        }
        .map(Some)
    }

    fn list(&mut self, value: impl Fn(&mut Self) -> Result<Filter>) -> Result<Filter> {
        if !self.take(&Piece::Symbol("(")) {
            return Err(self.mistake("expected a list in parentheses, such as (active, expired)"));
        }
        let mut filters = vec![value(self)?];
        while self.take(&Piece::Symbol(",")) {
            filters.push(value(self)?);
        }
        match self.take(&Piece::Symbol(")")) {
            true => Ok(Filter::Any(filters)),
            false => Err(self.mistake("expected \",\" or \")\"")),
        }
    }

    /// What follows `is`: that there is none, in the field's own word, or that it is not reported.
    fn absence(&mut self, none: &str, filter: impl Fn(bool) -> Filter) -> Result<Filter> {
        let denied = self.take(&Piece::Word("not"));
        if denied && self.take(&Piece::Word("reported")) {
            return Ok(filter(false));
        }
        let word = self.word();
        if word != none && word != NOT_REPORTED {
            let known = [none, NOT_REPORTED];
            return Err(self
                .mistake("no such absence")
                .with_advice(did_you_mean(word, &known)));
        }
        self.next += 1;
        match denied {
            true => self.deeper(|_| Ok(!filter(word == none))),
            false => Ok(filter(word == none)),
        }
    }

    fn value(&mut self, what: &str) -> Result<String> {
        let value = match self.peek() {
            Piece::Word(word) => (*word).to_owned(),
            Piece::Quoted(text) => text.clone(),
            Piece::Symbol(_) | Piece::End => {
                return Err(self.mistake(format!("expected {what}")));
            }
        };
        self.next += 1;
        Ok(value)
    }

    fn moment(&mut self) -> Result<Timestamp> {
        let begin = self.next;
        let mut text = self.value("a time")?;
        // Also with blanks: now - 90d.
        if text == "now" && self.word().starts_with(['+', '-']) {
            text.push_str(self.word());
            self.next += 1;
            if text.len() == "now+".len() {
                text.push_str(&self.value("a span of time, such as 30d")?);
            }
        }
        Timestamp::parse_at(&text, self.now).map_err(|error| {
            self.next = begin;
            self.placed(error)
        })
    }
}
