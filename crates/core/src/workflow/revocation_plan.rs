//! The plan of a bulk revocation, as text for review.

use std::collections::HashSet;
use std::fmt;
use std::iter::Peekable;
use std::str::{Chars, FromStr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Account, Error, Result};
use crate::model::{Fact, Timestamp, Token, TokenId};

/// The first line of a plan, with the version of the format.
const HEADING: &str = "tokenfleet revocations 2";

/// The beginning of the first line of a plan of any version.
const ANY_HEADING: &str = "tokenfleet revocations ";

/// The characters that are percent-encoded, because a reviewer could misread them.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A plan to revoke tokens of one account, without duplicates.
///
/// It is built from a finished listing, so that nothing is revoked while tokens are listed. As text
/// it can be saved, reviewed, shortened by deleting lines, and parsed again. It names the place
/// that it was made in and what the reviewer sees of each token, and is carried out only there and
/// only on those tokens (decision 0014). A `#` after a space starts a comment. Text that displays
/// differently from what it means is rejected: each id has exactly one spelling, and a name is
/// quoted, with every character escaped that a terminal or an editor might not show.
///
/// A plan that was interrupted can simply be executed again: a token that was listed in this place
/// and no longer exists there counts as revoked. The exception is a platform that revokes by
/// replacing: first remove the tokens that were replaced, because their ids now belong to the
/// replacements.
///
/// ```
/// use tokenfleet_core::{Account, Fact, RevocationPlan, Token, TokenId, TokenState};
///
/// let account = Account::new("losant", "iot").with_place("https://api.losant.com/me/tokens");
/// let mut token = Token::new(TokenId::new("575ec7417ae143cd83dc4a95"), TokenState::Active);
/// token.name = Fact::Known("ci".to_owned());
/// let plan = RevocationPlan::from_tokens(&account, [&token]);
/// let text = "tokenfleet revocations 2\n\
///             account losant iot\n\
///             place \"https://api.losant.com/me/tokens\"\n\
///             revoke 575ec7417ae143cd83dc4a95 name \"ci\"\n";
/// assert_eq!(plan.to_string(), text);
/// assert_eq!(text.parse::<RevocationPlan>()?, plan);
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationPlan {
    account: Account,
    /// The id of the owner that all listed tokens share.
    owner: Option<String>,
    tokens: Vec<PlannedToken>,
    /// The acting token, which is revoked after all others.
    last: Option<PlannedToken>,
}

/// A token of a plan, as the reviewer saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedToken {
    /// The id.
    pub id: TokenId,
    /// The name in the listing that the plan was made from.
    pub name: Fact<String>,
    /// The time of creation in that listing.
    pub created_at: Fact<Timestamp>,
}

impl PlannedToken {
    fn from_id(id: TokenId) -> Self {
        Self {
            id,
            name: Fact::NotReported,
            created_at: Fact::NotReported,
        }
    }

    fn from_token(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            created_at: Fact::from_optional(token.created_at.known().copied()),
        }
    }

    /// Returns `true` if the plan says what the reviewer saw: the token was listed.
    pub(crate) fn was_listed(&self) -> bool {
        self.name.is_reported() || self.created_at.is_reported()
    }

    /// Returns the difference to the token that has this id now, to complete "this token …".
    pub(crate) fn difference(&self, now: &Token) -> Option<String> {
        if let Fact::Known(reviewed) = self.created_at
            && now.created_at != self.created_at
        {
            return Some(match now.created_at {
                Fact::Known(at) => format!("was created at {at}, not at {reviewed}"),
                _ => format!("has no known time of creation, which was {reviewed}"),
            });
        }
        let describe = |name: &Fact<String>| match name {
            Fact::Known(name) => format!("is named {name:?}"),
            _ => "has no name".to_owned(),
        };
        (self.name.is_reported() && now.name != self.name).then(|| {
            let reviewed = describe(&self.name);
            format!(
                "{}, and the one in the plan {reviewed}",
                describe(&now.name)
            )
        })
    }
}

impl RevocationPlan {
    /// Creates a plan to revoke these tokens of an account, which were listed there.
    #[must_use]
    pub fn from_tokens<'a>(account: &Account, tokens: impl IntoIterator<Item = &'a Token>) -> Self {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut owners = tokens.iter().map(|token| token.owner.known());
        let first = owners.next().flatten();
        let is_shared = owners.all(|owner| owner == first);
        let planned = tokens.iter().copied().map(PlannedToken::from_token);
        let mut plan = Self::new(account, planned);
        plan.owner = first
            .filter(|_| is_shared)
            .map(|owner| owner.id().to_owned());
        plan
    }

    /// Creates a plan to revoke the tokens of an account with these ids, whatever they are.
    #[must_use]
    pub fn from_ids(account: &Account, ids: impl IntoIterator<Item = TokenId>) -> Self {
        Self::new(account, ids.into_iter().map(PlannedToken::from_id))
    }

    fn new(account: &Account, tokens: impl IntoIterator<Item = PlannedToken>) -> Self {
        let mut seen = HashSet::new();
        let is_new = |token: &PlannedToken| seen.insert(token.id.clone());
        Self {
            account: account.clone(),
            owner: None,
            tokens: tokens.into_iter().filter(is_new).collect(),
            last: None,
        }
    }

    /// Adds the token that the account authenticates with, to be revoked after all others.
    #[must_use]
    pub fn with_acting_last(mut self, acting: TokenId) -> Self {
        let planned = self.tokens.iter().position(|token| token.id == acting);
        self.last = Some(match planned {
            Some(index) => self.tokens.remove(index),
            None => PlannedToken::from_id(acting),
        });
        self
    }

    /// Removes a token, because it must stay or was revoked already.
    #[must_use]
    pub fn without(mut self, id: &TokenId) -> Self {
        self.tokens.retain(|planned| planned.id != *id);
        self.last = self.last.filter(|last| last.id != *id);
        self
    }

    /// Returns the account, with the place that the plan was made in.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the ids of the tokens, in the order in which they are revoked.
    pub fn tokens(&self) -> impl Iterator<Item = &TokenId> {
        self.planned().map(|token| &token.id)
    }

    /// Returns the tokens as the reviewer saw them, in the order in which they are revoked.
    pub fn planned(&self) -> impl Iterator<Item = &PlannedToken> {
        self.tokens.iter().chain(&self.last)
    }

    /// Returns the owner of the tokens, the tokens to revoke first, and the acting token to revoke
    /// last.
    pub(crate) fn into_parts(self) -> (Option<String>, Vec<PlannedToken>, Option<PlannedToken>) {
        (self.owner, self.tokens, self.last)
    }
}

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
            Fact::Known(name) => write!(f, " name {name:?}"),
            Fact::Absent => write!(f, " unnamed"),
            Fact::NotReported => Ok(()),
        }
    }
}

impl FromStr for RevocationPlan {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // Editors add a byte-order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = (1..).zip(text.lines());
        match lines.next().map(|(_, line)| line) {
            Some(HEADING) => {}
            Some(other) if other.starts_with(ANY_HEADING) => {
                return Err(Error::invalid_input(
                    "the plan was written by another version, and does not say what this one \
                     checks",
                )
                .with_advice("create the plan again"));
            }
            _ => {
                return Err(Error::invalid_input(format!(
                    "a revocation plan must start with the line \"{HEADING}\""
                )));
            }
        }
        let mut draft = Draft::default();
        for (number, line) in lines {
            if line.chars().any(alters_display) {
                return Err(Error::invalid_input(format!(
                    "line {number} of the plan contains a control character or an invisible one, \
                     which could hide what the line says"
                ))
                .with_advice("create the plan again"));
            }
            let words: Option<Vec<_>> = Words(line.chars().peekable()).collect();
            words
                .and_then(|words| draft.add_line(&words))
                .ok_or_else(|| {
                    Error::invalid_input(format!(
                        "line {number} of the plan is not a valid account, place, owner, revoke or \
                         last line"
                    ))
                })?;
        }
        let account = draft
            .account
            .ok_or_else(|| Error::invalid_input("the plan does not name its account"))?;
        let mut plan = Self::new(&account, draft.tokens);
        plan.owner = draft.owner;
        if let Some(last) = draft.last {
            plan.tokens.retain(|token| token.id != last.id);
            plan.last = Some(last);
        }
        Ok(plan)
    }
}

/// The lines of a plan so far.
#[derive(Default)]
struct Draft {
    account: Option<Account>,
    owner: Option<String>,
    tokens: Vec<PlannedToken>,
    last: Option<PlannedToken>,
}

impl Draft {
    /// Adds a line without its comment, or returns `None` for one that is not valid here.
    fn add_line(&mut self, words: &[Word]) -> Option<()> {
        let Some((keyword, rest)) = words.split_first() else {
            return Some(());
        };
        let is_before_tokens = self.tokens.is_empty() && self.last.is_none();
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
        [keyword, Word::Quoted(name)] if keyword.plain() == Some("name") => {
            token.name = Fact::Known(name.clone());
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::TokenState;

    fn planned() -> impl Strategy<Value = PlannedToken> {
        let name = prop_oneof![
            Just(Fact::NotReported),
            Just(Fact::Absent),
            "(.|\n|\"|\\\\){0,9}".prop_map(Fact::Known),
        ];
        let created_at = prop::option::of(0..4_000_000_000_i64)
            .prop_map(|at| Fact::from_optional(at.and_then(Timestamp::from_unix_seconds)));
        (".{1,9}", name, created_at).prop_map(|(id, name, created_at)| PlannedToken {
            id: TokenId::new(id),
            name,
            created_at,
        })
    }

    proptest! {
        #[test]
        fn a_plan_round_trips_through_its_text(
            names in (".{1,9}", ".{1,9}"),
            place in prop::option::of("(.|\n){0,9}"),
            owner in prop::option::of(".{1,9}"),
            tokens in prop::collection::vec(planned(), 0..9),
            last in prop::option::of(".{1,9}"),
        ) {
            let mut account = Account::new(&names.0, &names.1);
            if let Some(place) = place {
                account = account.with_place(&place);
            }
            let mut plan = RevocationPlan::new(&account, tokens);
            plan.owner = owner;
            if let Some(last) = last {
                plan = plan.with_acting_last(TokenId::new(last));
            }
            prop_assert_eq!(plan.to_string().parse::<RevocationPlan>().unwrap(), plan);
        }

        #[test]
        fn comments_are_ignored(
            ids in prop::collection::vec(".{1,9}", 0..9),
            comment in "[ -~à-ÿ]{0,20}",
        ) {
            let ids = ids.into_iter().map(TokenId::new);
            let plan = RevocationPlan::from_ids(&Account::new("a", "b"), ids);
            let text = plan.to_string();
            let (heading, rest) = text.split_once('\n').unwrap();
            let rest = rest.replace('\n', &format!(" # {comment}\n"));
            let commented = format!("{heading}\n{rest}");
            prop_assert_eq!(commented.parse::<RevocationPlan>().unwrap(), plan);
        }

        #[test]
        fn an_id_is_accepted_in_one_spelling_only(id in "[!-~]{1,9}") {
            let text = format!("{HEADING}\naccount a b\nrevoke {id}\n");
            if let Ok(plan) = text.parse::<RevocationPlan>() {
                let written = plan.to_string();
                prop_assert_eq!(written.lines().last(), Some(&*format!("revoke {id}")));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(
            text in "(tokenfleet revocations 2\n)?(account a b\n)?(revoke |name |\"|.|\n){0,60}",
        ) {
            let _ = text.parse::<RevocationPlan>();
        }
    }

    #[test]
    fn a_text_that_displays_differently_from_what_it_means_is_rejected() {
        let parse =
            |lines: &str| format!("{HEADING}\naccount a b\n{lines}").parse::<RevocationPlan>();
        assert!(parse("revoke 12\t# ci\r\n# 13\r\n#14").is_ok());
        for lines in [
            "revoke 12#34",
            "revoke 12 #\rrevoke 13  # ci",
            "revoke 12 # \u{1b}[1A\u{1b}[2K",
            "revoke 12 # ci\u{2028}revoke 13",
            "revoke 1\u{8}2",
            "revoke 1\u{200b}2",
            "revoke %31%32",
            "revoke 12 name \"\u{202e}ic\"",
            "revoke 12 name \"ci\u{200b}\"",
            "revoke 12 name \"ci\" name \"cd\"",
            "revoke 12 name \"ci",
            "revoke 12 name \"ci\"13",
            "revoke 12 name ci",
            "revoke 12 created yesterday",
            "revoke 12\nplace \"elsewhere\"",
        ] {
            let error = parse(lines).unwrap_err().to_string();
            let number = 2 + lines.lines().count();
            assert!(
                error.starts_with(&format!("line {number} of the plan ")),
                "{lines:?}: {error}"
            );
        }
    }

    #[test]
    fn a_name_is_written_so_that_nothing_in_it_is_hidden() {
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        token.name = Fact::Known("a\"#\u{202e}b\n\u{200b}é#".to_owned());
        let plan = RevocationPlan::from_tokens(&Account::new("a", "b"), [&token]);
        let text = plan.to_string();
        assert!(
            text.ends_with("\nrevoke 1 name \"a\\\"#\\u{202e}b\\n\\u{200b}é#\"\n"),
            "{text}"
        );
        assert_eq!(text.parse::<RevocationPlan>().unwrap(), plan);
    }

    #[test]
    fn a_byte_order_mark_that_an_editor_added_is_skipped() {
        let text = "\u{feff}tokenfleet revocations 2\r\naccount a b\r\nrevoke 1\r\n";
        let plan = text.parse::<RevocationPlan>().unwrap();
        assert_eq!(plan.tokens().count(), 1);
        let old = "\u{feff}tokenfleet revocations 1\naccount a b\nrevoke 1\n";
        let error = old.parse::<RevocationPlan>().unwrap_err().to_string();
        assert!(error.contains("another version"), "{error}");
    }

    #[test]
    fn a_plan_of_the_first_version_is_refused_with_words() {
        let text = "tokenfleet revocations 1\naccount a b\nrevoke 1\n";
        let error = text.parse::<RevocationPlan>().unwrap_err().to_string();
        assert!(error.contains("another version"), "{error}");
    }
}
