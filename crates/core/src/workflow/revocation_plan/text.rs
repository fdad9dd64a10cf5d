//! The text of a plan, for review.

use std::collections::HashSet;
use std::fmt;
use std::iter::Peekable;
use std::str::{Chars, FromStr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{PlannedToken, RevocationPlan};
use crate::error::{Account, Error, Result};
use crate::model::{Fact, TokenId};

/// The first line of a plan, with the version of the format.
pub(super) const HEADING: &str = "tokenfleet revocations 2";

/// The beginning of the first line of a plan of any version.
const ANY_HEADING: &str = "tokenfleet revocations ";

/// The mark after a name that cannot be read and is shown with escapes (decision 0016).
const UNREADABLE: &str = " unreadable";

/// The characters that are percent-encoded, because a reviewer could misread them.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

fn encode(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, ENCODED)
}

/// Writes a heading, the account, its place and owner, and a line for each token.
impl fmt::Display for RevocationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (provider, name) = (self.account.provider(), self.account.name());
        writeln!(f, "{HEADING}")?;
        writeln!(f, "account {} {}", encode(provider), encode(name))?;
        if let Some(place) = self.account.place() {
            writeln!(f, "place {place:?}")?;
        }
        if let Some(owner) = &self.owner {
            writeln!(f, "owner {}", encode(owner))?;
        }
        for token in &self.first {
            writeln!(f, "first {token}")?;
        }
        for token in &self.tokens {
            writeln!(f, "revoke {token}")?;
        }
        match &self.last {
            Some(last) => writeln!(f, "last {last}"),
            None => Ok(()),
        }
    }
}

/// Writes the id and what the reviewer sees. The name comes last, since it may be long.
impl fmt::Display for PlannedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", encode(self.id.as_str()))?;
        if let Fact::Known(at) = self.created_at {
            write!(f, " created {at}")?;
        }
        match &self.name {
            Fact::Known(name) => {
                let mark = if self.name_is_unreadable {
                    UNREADABLE
                } else {
                    ""
                };
                write!(f, " name {name:?}{mark}")
            }
            Fact::Absent => write!(f, " unnamed"),
            Fact::NotReported => Ok(()),
        }
    }
}

impl FromStr for RevocationPlan {
    type Err = Error;

    /// Parses the plan of one account. [`parse_all`](Self::parse_all) takes those of several.
    fn from_str(text: &str) -> Result<Self> {
        let mut plans = Self::parse_all(text)?.into_iter();
        match (plans.next(), plans.next()) {
            (Some(plan), None) => Ok(plan),
            _ => Err(Error::invalid_input("the plan has several accounts")),
        }
    }
}

impl RevocationPlan {
    /// Parses the plans of several accounts, one after the other in one text. There is at least
    /// one, and no account has two.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a text that is not such a plan. The
    /// error names the line.
    pub fn parse_all(text: &str) -> Result<Vec<Self>> {
        // Editors add a byte-order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = (1..).zip(text.lines()).peekable();
        let mut plans: Vec<Self> = Vec::new();
        loop {
            check_heading(lines.next().map_or("", |(_, line)| line))?;
            let mut draft = Draft::default();
            while let Some((number, line)) =
                lines.next_if(|(_, line)| !line.starts_with(ANY_HEADING))
            {
                draft.parse_line(number, line)?;
            }
            let plan = draft.into_plan()?;
            let names = |plan: &Self| {
                let account = plan.account();
                (account.provider().to_owned(), account.name().to_owned())
            };
            if plans.iter().any(|other| names(other) == names(&plan)) {
                return Err(Error::invalid_input("the plan names the account twice")
                    .with_account(plan.account()));
            }
            plans.push(plan);
            if lines.peek().is_none() {
                return Ok(plans);
            }
        }
    }
}

/// Rejects a first line that is not the heading of a plan of this version.
fn check_heading(line: &str) -> Result<()> {
    if line == HEADING {
        Ok(())
    } else if line.starts_with(ANY_HEADING) {
        let message =
            "the plan was written by another version, and does not say what this one checks";
        Err(Error::invalid_input(message).with_advice("create the plan again"))
    } else {
        Err(Error::invalid_input(format!(
            "a revocation plan must start with the line \"{HEADING}\""
        )))
    }
}

/// The lines of a plan so far.
#[derive(Default)]
struct Draft {
    account: Option<Account>,
    owner: Option<String>,
    first: Vec<PlannedToken>,
    tokens: Vec<PlannedToken>,
    last: Option<PlannedToken>,
}

impl Draft {
    /// Adds the line of this number.
    fn parse_line(&mut self, number: usize, line: &str) -> Result<()> {
        if line.chars().any(alters_display) {
            return Err(Error::invalid_input(format!(
                "line {number} of the plan contains a control character or an invisible one, \
                 which could hide what the line says"
            ))
            .with_advice("create the plan again"));
        }
        let words: Option<Vec<_>> = Words(line.chars().peekable()).collect();
        words
            .and_then(|words| self.add_line(&words))
            .ok_or_else(|| {
                Error::invalid_input(format!(
                    "line {number} of the plan is not a valid account, place, owner, first, \
                     revoke or last line"
                ))
            })
    }

    fn into_plan(self) -> Result<RevocationPlan> {
        let account = self
            .account
            .ok_or_else(|| Error::invalid_input("the plan does not name its account"))?;
        let mut plan = RevocationPlan::new(&account, self.first);
        plan.first = std::mem::take(&mut plan.tokens);
        let others = RevocationPlan::new(&account, self.tokens)
            .tokens
            .into_iter();
        let firsts: HashSet<_> = plan.first.iter().map(|first| &first.id).collect();
        let others = others.filter(|token| !firsts.contains(&token.id)).collect();
        plan.tokens = others;
        plan.owner = self.owner;
        if let Some(last) = self.last {
            plan = plan.without(&last.id);
            plan.last = Some(last);
        }
        Ok(plan)
    }

    /// Adds a line without its comment, or returns `None` for one that is not valid here.
    fn add_line(&mut self, words: &[Word]) -> Option<()> {
        let Some((keyword, rest)) = words.split_first() else {
            return Some(());
        };
        let is_before_others = self.tokens.is_empty() && self.last.is_none();
        let is_before_tokens = self.first.is_empty() && is_before_others;
        match (keyword.plain()?, rest, &self.account) {
            ("account", [provider, name], None) => {
                self.account = Some(Account::new(&provider.id()?, &name.id()?));
            }
            ("place", [Word::Quoted(place)], Some(account))
                if is_before_tokens && account.place().is_none() =>
            {
                self.account = Some(account.clone().with_place(place));
            }
            ("owner", [id], Some(_)) if is_before_tokens && self.owner.is_none() => {
                self.owner = Some(id.id()?);
            }
            ("first", token, Some(_)) if is_before_others => {
                self.first.push(parse_token(token)?);
            }
            ("revoke", token, Some(_)) if self.last.is_none() => {
                self.tokens.push(parse_token(token)?);
            }
            ("last", token, Some(_)) if self.last.is_none() => {
                self.last = Some(parse_token(token)?);
            }
            _ => return None,
        }
        Some(())
    }
}

/// Parses the words of a token, or returns `None` if they are not such.
fn parse_token(words: &[Word]) -> Option<PlannedToken> {
    let (id, mut rest) = words.split_first()?;
    let mut token = PlannedToken::from_id(TokenId::new(id.id()?));
    if let [keyword, Word::Plain(time), others @ ..] = rest
        && keyword.plain() == Some("created")
    {
        token.created_at = Fact::Known(time.parse().ok()?);
        rest = others;
    }
    match rest {
        [] => {}
        [keyword] if keyword.plain() == Some("unnamed") => token.name = Fact::Absent,
        [keyword, Word::Quoted(name), mark @ ..] if keyword.plain() == Some("name") => {
            token.name = Fact::Known(name.clone());
            token.name_is_unreadable = match mark {
                [] => false,
                [mark] if mark.plain() == Some(UNREADABLE.trim()) => true,
                _ => return None,
            };
        }
        _ => return None,
    }
    Some(token)
}

/// A word of a line.
enum Word {
    Plain(String),
    /// A text in quotation marks, without its escapes.
    Quoted(String),
}

impl Word {
    fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(word) => Some(word),
            Self::Quoted(_) => None,
        }
    }

    /// Decodes an id, or returns `None` unless encoding it again yields the same spelling.
    fn id(&self) -> Option<String> {
        let word = self.plain()?;
        let decoded = percent_decode_str(word).decode_utf8().ok()?;
        let canonical = encode(&decoded).to_string();
        (canonical == word).then(|| decoded.into_owned())
    }
}

/// The words of a line up to its comment; `None` for one that is not written correctly.
///
/// A `#` within a word does not start a comment, because half an id may be the id of another token.
struct Words<'a>(Peekable<Chars<'a>>);

impl Iterator for Words<'_> {
    type Item = Option<Word>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.0.next_if(|c| c.is_whitespace()).is_some() {}
        match *self.0.peek()? {
            '#' => None,
            '"' => {
                self.0.next();
                let quoted = unquote(&mut self.0);
                let ends = self.0.peek().is_none_or(|c| c.is_whitespace());
                Some(quoted.filter(|_| ends).map(Word::Quoted))
            }
            _ => {
                let mut word = String::new();
                while let Some(c) = self.0.next_if(|c| !c.is_whitespace()) {
                    word.push(c);
                }
                Some(Some(Word::Plain(word)))
            }
        }
    }
}

/// Reads a text up to its closing quotation mark, in the notation of `{:?}`.
fn unquote(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(match chars.next()? {
                c @ ('"' | '\\' | '\'') => c,
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    chars.next_if_eq(&'{')?;
                    let mut digits = String::new();
                    while let Some(digit) = chars.next_if(char::is_ascii_hexdigit) {
                        digits.push(digit);
                    }
                    chars.next_if_eq(&'}')?;
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                _ => return None,
            }),
            c => text.push(c),
        }
    }
}

/// Returns `true` for a character that makes a terminal or an editor show something else, such as
/// another line, another order or nothing.
fn alters_display(c: char) -> bool {
    if c.is_whitespace() {
        return c != '\t' && (c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    }
    // Rust's `{:?}` escapes what is not printable. The letter keeps an accent from counting as
    // such.
    let shown = format!("a{c}");
    !matches!(c, '"' | '\\' | '\'') && shown.escape_debug().count() > 2
}
