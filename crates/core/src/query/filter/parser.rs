//! Parsing of a filter from its text, by recursive descent.

use std::ops::Not;

use crate::error::{Error, Result, did_you_mean, is_near};
use crate::model::{Timestamp, TokenState, parse_duration};
use crate::query::filter::lexer::{Lexeme, lexemes};
use crate::query::filter::predicate::is_annotation;
use crate::query::filter::syntax_error::at_offset;
use crate::query::{Filter, NamePattern, OwnerPredicate, TextPredicate, TimePredicate};

/// The maximum length of a filter's text, in bytes.
const MAX_LENGTH: usize = 64 * 1024;
/// The maximum nesting of parentheses and negations, because these are parsed by recursion.
const MAX_DEPTH: usize = 64;

const FIELDS: [&str; 14] = [
    "name",
    "state",
    "owner",
    "created_at",
    "expiry",
    "last_used",
    "updated_at",
    "id",
    "description",
    "scopes",
    "provider",
    "account",
    "attribute.…",
    "annotation.…",
];
const NOT_REPORTED: &str = "not_reported";
/// The annotation that is a time.
const ANNOTATION_UNTIL: &str = "annotation.until";

/// Parses a filter, as [`Filter::parse_at`] documents.
pub(super) fn parse(text: &str, now: Timestamp) -> Result<Filter> {
    if text.len() > MAX_LENGTH {
        return Err(Error::invalid_input(format!(
            "the filter has {} bytes, more than the maximum of {MAX_LENGTH}",
            text.len()
        )));
    }
    let mut parser = Parser {
        text,
        now,
        lexemes: lexemes(text)?,
        next: 0,
        depth: 0,
    };
    let filter = parser.parse_or()?;
    parser.expect_end(Lexeme::End, "the end")?;
    Ok(filter.flattened())
}

/// The meaning of a period that stands for a time, such as `30d`.
#[derive(Clone, Copy)]
enum Period {
    /// The time after this period: what is compared with it lies ahead.
    Ahead,
    /// None: `last_used < 30d` could be read as more and as less than 30 days ago.
    Ambiguous,
}

struct Parser<'a> {
    text: &'a str,
    now: Timestamp,
    /// The lexemes with their byte offsets; the last one is the end.
    lexemes: Vec<(usize, Lexeme<'a>)>,
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Lexeme<'a> {
        self.lexemes
            .get(self.next)
            .map_or(&Lexeme::End, |(_, lexeme)| lexeme)
    }

    /// Returns the next lexeme if it is a word, or else an empty string.
    ///
    /// Another spelling of a word is returned as the JSON output spells it.
    fn peek_word(&self) -> &'a str {
        match self.peek() {
            Lexeme::Word("not-reported") => NOT_REPORTED,
            Lexeme::Word(word) => word,
            _ => "",
        }
    }

    /// Consumes the next lexeme if it is the expected one, and returns `true` if it was.
    fn take(&mut self, expected: &Lexeme<'_>) -> bool {
        let found = self.peek() == expected;
        self.next += usize::from(found);
        found
    }

    /// Creates an error for a mistake at the next lexeme.
    fn error(&self, message: impl Into<String>) -> Error {
        self.at_next(Error::invalid_input(message))
    }

    /// Adds the position of the next lexeme to an error.
    fn at_next(&self, error: Error) -> Error {
        let offset = self.lexemes.get(self.next).map(|(offset, _)| *offset);
        at_offset(self.text, offset.unwrap_or(self.text.len()), error)
    }

    /// Runs a parsing function one nesting level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            let message = format!("conditions are nested more than {MAX_DEPTH} levels deep");
            return Err(self.error(message));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn parse_or(&mut self) -> Result<Filter> {
        let mut filters = vec![self.parse_and()?];
        while self.take(&Lexeme::Word("or")) {
            filters.push(self.parse_and()?);
        }
        Ok(Filter::Any(filters))
    }

    fn parse_and(&mut self) -> Result<Filter> {
        let mut filters = vec![self.parse_operand()?];
        while self.take(&Lexeme::Word("and")) {
            filters.push(self.parse_operand()?);
        }
        Ok(Filter::All(filters))
    }

    fn parse_operand(&mut self) -> Result<Filter> {
        if self.take(&Lexeme::Word("not")) {
            return self.nested(Self::parse_operand).map(Filter::not);
        }
        if self.take(&Lexeme::Symbol("(")) {
            let filter = self.nested(Self::parse_or)?;
            self.expect_end(Lexeme::Symbol(")"), "`)`")?;
            return Ok(filter);
        }
        self.parse_condition()
    }

    /// Consumes the end of a sequence of conditions.
    fn expect_end(&mut self, end: Lexeme<'_>, name: &str) -> Result<()> {
        if self.take(&end) {
            return Ok(());
        }
        let error = self.error(format!("expected `and`, `or` or {name}"));
        let known = ["and", "or"];
        Err(match self.peek() {
            Lexeme::Word(word) if known.iter().any(|known| is_near(word, known)) => {
                error.with_advice(did_you_mean(word, &known))
            }
            Lexeme::Word(_) | Lexeme::Quoted(_) => {
                error.with_advice("write a name of several words in quotes")
            }
            Lexeme::Symbol(_) | Lexeme::End => error,
        })
    }

    fn parse_condition(&mut self) -> Result<Filter> {
        let field = match self.peek_word() {
            // Short spellings of the keys of the JSON output.
            "created" => "created_at",
            "last-used" => "last_used",
            "updated" => "updated_at",
            "scope" => "scopes",
            word => word,
        };
        let attribute = ["attribute.", "attributes."].iter();
        if let Some(name) = attribute
            .filter_map(|start| field.strip_prefix(start))
            .next()
        {
            return self.parse_attribute(name);
        }
        // Annotations are attributes that tokenfleet adds.
        if is_annotation(field) {
            return self.parse_attribute(field);
        }
        match field {
            "" => return Err(self.error("expected a condition, such as state = active")),
            "everything" | "nothing" => {}
            _ if FIELDS.contains(&field) => {}
            _ => {
                return Err(self
                    .error("unknown field")
                    .with_advice(did_you_mean(field, &FIELDS)));
            }
        }
        self.next += 1;
        match field {
            "everything" => Ok(Filter::All(Vec::new())),
            "nothing" => Ok(Filter::Any(Vec::new())),
            "name" => self.parse_pattern("a name", Filter::Name),
            "state" => self.parse_state(),
            "owner" => self.parse_owner(),
            "id" => self
                .parse_equality(|parser| Ok(Filter::id(parser.parse_value("an id")?)))?
                .ok_or_else(|| self.error("expected `=`, `!=` or `in`")),
            "description" => self.parse_text("description", "a description", Filter::Description),
            "scopes" => self.parse_text("scopes", "a scope", Filter::Scopes),
            "provider" => self.parse_pattern("a provider", Filter::Provider),
            "account" => self.parse_pattern("an account", Filter::Account),
            "updated_at" => self.parse_time_condition(Period::Ambiguous, Filter::Updated),
            "created_at" => self.parse_time_condition(Period::Ambiguous, Filter::Created),
            "expiry" => self.parse_time_condition(Period::Ahead, Filter::Expiry),
            _ => self.parse_time_condition(Period::Ambiguous, Filter::LastUsed),
        }
    }

    /// Parses a condition on a text that every token or account has, or that is not distinguished
    /// from an absent one.
    fn parse_pattern(
        &mut self,
        what: &str,
        condition: impl Fn(NamePattern) -> Filter,
    ) -> Result<Filter> {
        let exact = |parser: &mut Self| Ok(NamePattern::Exact(parser.parse_value(what)?));
        self.parse_match(what, &condition, exact)?
            .ok_or_else(|| self.error("expected `=`, `!=`, `~` (pattern), `^=` (prefix) or `in`"))
    }

    /// Parses a condition on a text that may be absent or not reported.
    fn parse_text(
        &mut self,
        field: &str,
        what: &str,
        condition: impl Fn(TextPredicate) -> Filter,
    ) -> Result<Filter> {
        if self.take(&Lexeme::Word("is")) {
            return self.parse_absence("none", |is_absent| {
                condition(if is_absent {
                    TextPredicate::Absent
                } else {
                    TextPredicate::NotReported
                })
            });
        }
        let exact = |parser: &mut Self| {
            parser.reject_absence(field, what, "if that is the text")?;
            Ok(NamePattern::Exact(parser.parse_value(what)?))
        };
        let matches = |pattern| condition(TextPredicate::Matches(pattern));
        self.parse_match(what, matches, exact)?.ok_or_else(|| {
            self.error("expected `=`, `!=`, `~` (pattern), `^=` (prefix), `is` or `in`")
        })
    }

    /// Parses a condition on an attribute; its name may be a word after the dot or follow in quotes.
    fn parse_attribute(&mut self, name: &str) -> Result<Filter> {
        self.next += 1;
        let name = match self.peek() {
            Lexeme::Quoted(quoted) if name.is_empty() => {
                let quoted = quoted.clone();
                self.next += 1;
                quoted
            }
            _ if name.is_empty() => {
                return Err(self
                    .error("expected the name of an attribute")
                    .with_advice("write it after the dot, such as attribute.kind = session"));
            }
            _ => name.to_owned(),
        };
        if name == ANNOTATION_UNTIL
            && let Lexeme::Symbol("<" | "<=" | ">" | ">=") = self.peek()
        {
            return self.parse_time_condition(Period::Ahead, |time| {
                Filter::Attribute(ANNOTATION_UNTIL.to_owned(), TextPredicate::Time(time))
            });
        }
        self.parse_text("the attribute", "a value", |predicate| {
            Filter::Attribute(name.clone(), predicate)
        })
    }

    /// Parses `~`, `^=`, `=`, `!=` and `in`. Returns `None` if none of them follows.
    fn parse_match(
        &mut self,
        what: &str,
        condition: impl Fn(NamePattern) -> Filter,
        exact: impl Fn(&mut Self) -> Result<NamePattern>,
    ) -> Result<Option<Filter>> {
        let pattern = match self.peek() {
            Lexeme::Symbol("~") => NamePattern::Glob,
            Lexeme::Symbol("^=") => NamePattern::Prefix,
            _ => return self.parse_equality(|parser| Ok(condition(exact(parser)?))),
        };
        self.next += 1;
        Ok(Some(condition(pattern(self.parse_value(what)?))))
    }

    /// Rejects a bare word that probably means an absent value.
    fn reject_absence(&self, field: &str, what: &str, when: &str) -> Result<()> {
        let word = self.peek_word();
        if word == "none" || word == NOT_REPORTED {
            return Err(self.error(format!("expected {what}")).with_advice(format!(
                "write {field} is {word}, or {field} = \"{word}\" {when}"
            )));
        }
        Ok(())
    }

    fn parse_state(&mut self) -> Result<Filter> {
        self.parse_equality(|parser| {
            let state: TokenState = parser
                .peek_word()
                .parse()
                .map_err(|error: Error| parser.at_next(error))?;
            parser.next += 1;
            Ok(Filter::State(state))
        })?
        .ok_or_else(|| self.error("expected `=`, `!=` or `in`"))
    }

    fn parse_owner(&mut self) -> Result<Filter> {
        if self.take(&Lexeme::Word("is")) {
            return self.parse_absence("none", |is_absent| {
                Filter::Owner(if is_absent {
                    OwnerPredicate::Absent
                } else {
                    OwnerPredicate::NotReported
                })
            });
        }
        self.parse_equality(|parser| {
            parser.reject_absence("owner", "an owner", "if an owner has that name")?;
            Ok(Filter::owned_by(parser.parse_value("an owner")?))
        })?
        .ok_or_else(|| self.error("expected `=`, `!=`, `is` or `in`"))
    }

    fn parse_time_condition(
        &mut self,
        period: Period,
        condition: fn(TimePredicate) -> Filter,
    ) -> Result<Filter> {
        let predicate = match self.peek() {
            Lexeme::Symbol("<") => TimePredicate::Before,
            Lexeme::Symbol(">=") => TimePredicate::From,
            Lexeme::Symbol(">") => TimePredicate::After,
            Lexeme::Symbol("<=") => TimePredicate::UpTo,
            Lexeme::Word("is") => {
                self.next += 1;
                return self.parse_absence("never", |is_absent| {
                    condition(if is_absent {
                        TimePredicate::Never
                    } else {
                        TimePredicate::NotReported
                    })
                });
            }
            _ => {
                return Err(
                    self.error("expected `<`, `<=`, `>`, `>=`, `is never` or `is not_reported`")
                );
            }
        };
        self.next += 1;
        Ok(condition(predicate(self.parse_time(period)?)))
    }

    /// Parses `=`, `!=` and `in`, which mean the same for every field that has values.
    ///
    /// Returns `None` if none of them follows.
    fn parse_equality(
        &mut self,
        parse_value: impl Fn(&mut Self) -> Result<Filter>,
    ) -> Result<Option<Filter>> {
        let operator = match self.peek() {
            Lexeme::Symbol(symbol @ ("=" | "!=")) => *symbol,
            Lexeme::Word("in") => "in",
            _ => return Ok(None),
        };
        self.next += 1;
        match operator {
            "=" => parse_value(self),
            // `Display` writes these two with one more level of nesting than they are parsed with.
            "!=" => self.nested(parse_value).map(Filter::not),
            _ => self.nested(|parser| parser.parse_list(parse_value)),
        }
        .map(Some)
    }

    fn parse_list(&mut self, parse_value: impl Fn(&mut Self) -> Result<Filter>) -> Result<Filter> {
        if !self.take(&Lexeme::Symbol("(")) {
            return Err(self.error("expected a list in parentheses, such as (active, expired)"));
        }
        let mut filters = vec![parse_value(self)?];
        while self.take(&Lexeme::Symbol(",")) {
            filters.push(parse_value(self)?);
        }
        if self.take(&Lexeme::Symbol(")")) {
            Ok(Filter::Any(filters))
        } else {
            Err(self.error("expected `,` or `)`"))
        }
    }

    /// Parses what follows `is`: the field's own word for absent, or `not-reported`.
    ///
    /// The argument of `filter` is `true` for absent and `false` for not reported.
    fn parse_absence(&mut self, absent: &str, filter: impl Fn(bool) -> Filter) -> Result<Filter> {
        let negated = self.take(&Lexeme::Word("not"));
        if negated && self.take(&Lexeme::Word("reported")) {
            return Ok(filter(false));
        }
        let word = self.peek_word();
        if !negated && word == "reported" {
            self.next += 1;
            return self.nested(|_| Ok(!filter(false)));
        }
        if word != absent && word != NOT_REPORTED {
            let known = [absent, NOT_REPORTED];
            let error = self.error(format!("expected `{absent}` or `{NOT_REPORTED}`"));
            return Err(if known.iter().any(|known| is_near(word, known)) {
                error.with_advice(did_you_mean(word, &known))
            } else {
                error
            });
        }
        self.next += 1;
        if negated {
            self.nested(|_| Ok(!filter(word == absent)))
        } else {
            Ok(filter(word == absent))
        }
    }

    fn parse_value(&mut self, what: &str) -> Result<String> {
        let value = match self.peek() {
            Lexeme::Word(word) => (*word).to_owned(),
            Lexeme::Quoted(text) => text.clone(),
            Lexeme::Symbol(_) | Lexeme::End => {
                return Err(self.error(format!("expected {what}")));
            }
        };
        self.next += 1;
        Ok(value)
    }

    fn parse_time(&mut self, period: Period) -> Result<Timestamp> {
        let begin = self.next;
        let mut text = self.parse_value("a time")?;
        // The sign and the duration may be separated by spaces: now - 90d.
        if text == "now" && self.peek_word().starts_with(['+', '-']) {
            text.push_str(self.peek_word());
            self.next += 1;
            if text.len() == "now+".len() {
                text.push_str(&self.parse_value("a duration, such as 30d")?);
            }
        }
        let parsed = match (parse_duration(&text), period) {
            (Ok(_), Period::Ahead) => Timestamp::parse_at(&format!("now+{text}"), self.now),
            (Ok(_), Period::Ambiguous) => Err(Error::invalid_input(
                "a period alone does not say from when it counts",
            )
            .with_advice("write now-90d for the time 90 days ago")),
            (Err(_), _) => Timestamp::parse_at(&text, self.now),
        };
        parsed.map_err(|error| {
            self.next = begin;
            self.at_next(error)
        })
    }
}
