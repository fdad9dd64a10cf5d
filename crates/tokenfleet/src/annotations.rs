//! Annotations: what we know about a token and its platform does not.

use std::collections::HashMap;

use crate::model::Attribute;
use crate::query::NamePattern;
use crate::{Account, Filter, Timestamp, Token};

/// The fields of an annotation, with the names of their attributes.
const FIELDS: [(&str, &str); 4] = [
    ("owner", "annotation.owner"),
    ("team", "annotation.team"),
    ("purpose", "annotation.purpose"),
    ("until", "annotation.until"),
];

/// Returns the fields that a token is annotated with, and their values.
pub(crate) fn of(token: &Token) -> impl Iterator<Item = (&'static str, &str)> {
    let fields = FIELDS.into_iter();
    fields.filter_map(|(field, name)| match token.attributes.get(name) {
        Some(Attribute::Text(value)) => Some((field, value.as_str())),
        _ => None,
    })
}

/// Returns `true` if an attribute of this name is an annotation.
pub(crate) fn is_annotation(name: &str) -> bool {
    name.starts_with("annotation.")
}

/// The facts about tokens that you record yourself: owner, team, purpose, and until when.
///
/// Not every platform has owners and descriptions, and the owner that a platform reports is the
/// user who created the token. A token gets its annotations as the attributes `annotation.owner`,
/// `annotation.team`, `annotation.purpose` and `annotation.until`, which filters name in the same
/// way. No platform sees them.
///
/// Where several annotations match a token, each field comes from the last one that has it.
///
/// ```
/// # #[cfg(feature = "toml")] {
/// use tokenfleet::model::Attribute;
/// use tokenfleet::{Account, Annotations, Fact, Filter, Token, TokenId, TokenState};
///
/// let annotations = Annotations::parse(r#"
///     [[annotation]]
///     name = "ci-*"
///     team = "platform"
///
///     [[annotation]]
///     account = "iot"
///     id = "575ec7417ae143cd83dc4a95"
///     owner = "alice@example.com"
///     until = "2030-01-31"
/// "#)?;
/// let mut token = Token::new(TokenId::new("575ec7417ae143cd83dc4a95"), TokenState::Active);
/// token.name = Fact::Known("ci-1".to_owned());
/// annotations.apply(&Account::new("losant", "iot"), &mut token);
/// assert_eq!(token.attributes.get("annotation.team"), Some(&Attribute::from("platform")));
/// let filter: Filter = "annotation.owner ~ *@example.com".parse()?;
/// assert!(filter.matches(&token));
/// # }
/// # Ok::<(), tokenfleet::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Annotations {
    entries: Vec<Annotation>,
    /// The positions of the entries about an id or a name without a `*`.
    exact: HashMap<AnnotatedToken, Vec<usize>>,
    /// The positions of the others.
    patterns: Vec<usize>,
}

/// The token that an annotation is about.
///
/// One word never stands for both, because whoever may name a token could give it the id of another
/// one (decision 0030).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnnotatedToken {
    /// The token with this id.
    Id(String),
    /// The tokens with this name, in which `*` stands for any characters.
    Name(String),
}

impl AnnotatedToken {
    /// Returns the key in a file of annotations: `id` or `name`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Name(_) => "name",
        }
    }

    /// Returns the id or the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(text) | Self::Name(text) => text,
        }
    }

    fn matches(&self, token: &Token) -> bool {
        match self {
            Self::Id(id) => token.id.as_str() == id,
            Self::Name(glob) => Filter::name_glob(glob).matches(token),
        }
    }
}

/// An annotation of one token or of several.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotation {
    /// The name of the account, in which `*` stands for any characters.
    pub account: String,
    /// The token, or several of the same name.
    pub token: AnnotatedToken,
    /// The person who answers for the token.
    pub owner: Option<String>,
    /// The team that answers for the token.
    pub team: Option<String>,
    /// The purpose of the token.
    pub purpose: Option<String>,
    /// The time until which the token is needed.
    pub until: Option<Timestamp>,
}

impl Annotation {
    /// Creates an annotation without any field.
    #[must_use]
    pub fn new(account: impl Into<String>, token: AnnotatedToken) -> Self {
        Self {
            account: account.into(),
            token,
            owner: None,
            team: None,
            purpose: None,
            until: None,
        }
    }

    /// Returns `true` if the annotation is about this token.
    #[must_use]
    pub fn matches(&self, account: &Account, token: &Token) -> bool {
        let pattern = NamePattern::Glob(self.account.clone());
        pattern.matches(account.name()) && self.token.matches(token)
    }
}

impl Annotations {
    /// Returns the annotations, in the order in which they apply.
    #[must_use]
    pub fn entries(&self) -> &[Annotation] {
        &self.entries
    }

    /// Adds the annotations of a token to its attributes.
    pub fn apply(&self, account: &Account, token: &mut Token) {
        let mut positions = self.patterns.clone();
        let id = AnnotatedToken::Id(token.id.as_str().to_owned());
        let name = token.name.known().cloned().map(AnnotatedToken::Name);
        for exact in [Some(id), name].into_iter().flatten() {
            positions.extend(self.exact.get(&exact).into_iter().flatten());
        }
        positions.sort_unstable();
        for position in positions {
            let entry = &self.entries[position];
            if !entry.matches(account, token) {
                continue;
            }
            let until = entry.until.map(|until| until.to_string());
            let values = [&entry.owner, &entry.team, &entry.purpose, &until];
            for ((_, name), value) in FIELDS.into_iter().zip(values) {
                if let Some(value) = value {
                    token
                        .attributes
                        .insert(name, Attribute::from(value.as_str()));
                }
            }
        }
    }
}

impl FromIterator<Annotation> for Annotations {
    fn from_iter<I: IntoIterator<Item = Annotation>>(entries: I) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        let mut exact = HashMap::<_, Vec<_>>::new();
        let mut patterns = Vec::new();
        for (position, entry) in entries.iter().enumerate() {
            match &entry.token {
                AnnotatedToken::Name(name) if name.contains('*') => patterns.push(position),
                token => exact.entry(token.clone()).or_default().push(position),
            }
        }
        Self {
            entries,
            exact,
            patterns,
        }
    }
}

#[cfg(feature = "toml")]
mod file {
    //! Reading of a file of annotations.

    use std::path::Path;

    use serde::Deserialize;

    use super::{AnnotatedToken, Annotation, Annotations};
    use crate::config::{cause_text, is_showable_path};
    use crate::{Error, Result, Timestamp};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        #[serde(default)]
        annotation: Vec<::toml::Spanned<Entry>>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        account: Option<String>,
        id: Option<String>,
        name: Option<String>,
        owner: Option<String>,
        team: Option<String>,
        purpose: Option<String>,
        until: Option<::toml::Spanned<String>>,
    }

    impl Annotations {
        /// Parses a text of tables `[[annotation]]` with the keys `account` (all accounts if it is
        /// left out), the `id` or the `name` of a token, `owner`, `team`, `purpose` and `until`.
        ///
        /// # Errors
        ///
        /// [`Configuration`](crate::ErrorKind::Configuration), naming the line.
        pub fn parse(text: &str) -> Result<Self> {
            let at = |offset: usize| {
                let before = text.get(..offset).unwrap_or(text);
                format!("line {}", before.matches('\n').count() + 1)
            };
            let document: Document = ::toml::from_str(text).map_err(|error| {
                let message = error.message().replace('\n', " ");
                let error_here = Error::configuration(message);
                match error.span() {
                    Some(span) => error_here.with_message_prefix(&at(span.start)),
                    None => error_here,
                }
            })?;
            let entries = document.annotation.into_iter().map(|entry| {
                let start = entry.span().start;
                let entry = entry.into_inner();
                let token = match (entry.id, entry.name) {
                    (Some(id), None) if !id.is_empty() => AnnotatedToken::Id(id),
                    (None, Some(name)) if !name.is_empty() => AnnotatedToken::Name(name),
                    _ => {
                        let message = "an annotation needs either the id or the name of a token";
                        let error = Error::configuration(message)
                            .with_advice("write id = \"…\" or name = \"ci-*\"");
                        return Err(error.with_message_prefix(&at(start)));
                    }
                };
                let until = entry.until.map(|until| {
                    // A date is enough, and a time relative to now would change its meaning.
                    let text = until.get_ref();
                    let time = format!("{text}T00:00:00Z").parse::<Timestamp>();
                    let parsed = time.or_else(|_| text.parse::<Timestamp>());
                    parsed.map_err(|error| {
                        Error::configuration(format!("`until`: {error}"))
                            .with_message_prefix(&at(until.span().start))
                    })
                });
                Ok(Annotation {
                    account: entry.account.unwrap_or_else(|| "*".to_owned()),
                    token,
                    owner: entry.owner,
                    team: entry.team,
                    purpose: entry.purpose,
                    until: until.transpose()?,
                })
            });
            entries.collect()
        }

        /// Reads a file of annotations.
        ///
        /// # Errors
        ///
        /// The errors of [`parse`](Self::parse), naming the file, and an error if the file cannot
        /// be read.
        pub fn read(path: impl AsRef<Path>) -> Result<Self> {
            let path = path.as_ref();
            let origin = if is_showable_path(path) {
                path.display().to_string()
            } else {
                "the file of annotations".to_owned()
            };
            let text = std::fs::read_to_string(path).map_err(|error| {
                let message = format!("cannot read {origin}: {}", cause_text(&error));
                Error::configuration(message).with_source(error)
            })?;
            Self::parse(&text).map_err(|error| error.with_message_prefix(&origin))
        }
    }
}

#[cfg(all(test, feature = "toml"))]
mod tests {
    use super::*;
    use crate::{Fact, TokenId, TokenState};

    #[test]
    fn the_last_annotation_that_has_a_field_gives_its_value() {
        let annotations = Annotations::parse(
            "[[annotation]]\nid = '17'\nowner = 'first'\nteam = 'kept'\n\
             [[annotation]]\nname = 'c*'\nowner = 'second'\n\
             [[annotation]]\naccount = 'other'\nid = '17'\nowner = 'elsewhere'\n",
        )
        .unwrap();
        let mut token = Token::new(TokenId::new("17"), TokenState::Active);
        token.name = Fact::Known("ci".to_owned());
        annotations.apply(&Account::new("losant", "iot"), &mut token);
        let get = |name| token.attributes.get(name);
        assert_eq!(get("annotation.owner"), Some(&Attribute::from("second")));
        assert_eq!(get("annotation.team"), Some(&Attribute::from("kept")));
        assert_eq!(get("annotation.until"), None);
    }

    #[test]
    fn nobody_draws_the_annotation_of_a_token_by_a_name_like_its_id() {
        let annotations = Annotations::parse(
            "[[annotation]]\nid = '17'\nowner = 'alice'\n\
             [[annotation]]\nname = '18'\nowner = 'bob'\n",
        )
        .unwrap();
        for (id, name, expected) in [
            ("17", "ci", Some("alice")),
            ("3", "17", None),
            ("18", "ci", None),
            ("4", "18", Some("bob")),
        ] {
            let mut token = Token::new(TokenId::new(id), TokenState::Active);
            token.name = Fact::Known(name.to_owned());
            annotations.apply(&Account::new("losant", "iot"), &mut token);
            let owner = of(&token).next().map(|(_, owner)| owner);
            assert_eq!(owner, expected, "{id} {name}");
        }
    }

    #[test]
    fn a_mistake_names_its_line() {
        for (text, line) in [
            ("[[annotation]]\nowner = 'x'\n", "line 1"),
            ("[[annotation]]\nid = 'x'\nonwer = 'x'\n", "line 3"),
            ("[[annotation]]\nid = 'x'\nuntil = 'soon'\n", "line 3"),
            ("[[annotation]]\nid = ''\n", "line 1"),
            ("[[annotation]]\ntoken = 'x'\n", "line 2"),
            ("\n[[annotation]]\nid = 'x'\nname = 'x'\n", "line 2"),
            ("[[annotation]\n", "line 1"),
        ] {
            let error = Annotations::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(line), "{text:?}: {error}");
        }
    }
}
