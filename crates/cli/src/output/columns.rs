//! The columns of a list of tokens, in a table and in CSV.

use std::borrow::Cow;

use super::annotation::annotation;
use tokenfleet::capability::TokenField;
use tokenfleet::config::did_you_mean;
use tokenfleet::model::{Attribute, Principal};
use tokenfleet::{Account, Error, Fact, Result, Timestamp, Token};

/// A column: a field of the JSON of a token, or one of its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Column {
    Account,
    Provider,
    Id,
    Name,
    Description,
    State,
    CreatedAt,
    UpdatedAt,
    Expiry,
    LastUsed,
    Owner,
    Creator,
    Scopes,
    /// The fields that cannot be read.
    Unreadable,
    /// The fields that the platform does not report.
    NotReported,
    /// All attributes, as JSON.
    Attributes,
    /// The attribute of this name.
    Attribute(String),
    /// The owner and the team of the annotation.
    Annotation,
    /// The field of the annotation of this name.
    AnnotationField(&'static str),
}

/// The content of a row in a column.
#[derive(Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    Time(&'a Fact<Timestamp>),
}

/// The prefix of the name of an attribute.
const ATTRIBUTE: &str = "attributes.";

impl Column {
    /// The columns of CSV.
    pub(super) const CSV: [Self; 14] = [
        Self::Account,
        Self::Provider,
        Self::Id,
        Self::Name,
        Self::Description,
        Self::State,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::Expiry,
        Self::LastUsed,
        Self::Owner,
        Self::Creator,
        Self::Scopes,
        Self::Unreadable,
    ];

    /// The fields of an annotation.
    const ANNOTATION: [(&'static str, &'static str); 4] = [
        ("annotation_owner", "owner"),
        ("annotation_team", "team"),
        ("annotation_purpose", "purpose"),
        ("annotation_until", "until"),
    ];

    /// Returns the columns of CSV, which has more where tokens are annotated.
    pub(super) fn for_csv(has_annotations: bool) -> Vec<Self> {
        let annotation = Self::ANNOTATION.map(|(_, field)| Self::AnnotationField(field));
        let annotation = annotation.into_iter().filter(|_| has_annotations);
        Self::CSV.into_iter().chain(annotation).collect()
    }

    /// Returns the columns of a table, which has one more where tokens are annotated.
    pub(super) fn for_table(has_annotations: bool) -> Vec<Self> {
        let annotation = Some(Self::Annotation).filter(|_| has_annotations);
        Self::TABLE.into_iter().chain(annotation).collect()
    }

    /// The columns of a table.
    const TABLE: [Self; 8] = [
        Self::Provider,
        Self::Account,
        Self::Id,
        Self::Name,
        Self::State,
        Self::CreatedAt,
        Self::Expiry,
        Self::LastUsed,
    ];

    /// Returns every column but those of a single attribute.
    fn all() -> impl Iterator<Item = Self> {
        let annotation = Self::ANNOTATION.map(|(_, field)| Self::AnnotationField(field));
        (Self::CSV.into_iter())
            .chain([Self::NotReported, Self::Attributes, Self::Annotation])
            .chain(annotation)
    }

    /// Returns the names of the columns, but those of single attributes.
    pub(crate) fn keys() -> Vec<String> {
        Self::all()
            .map(|column| column.key().into_owned())
            .collect()
    }

    /// Parses the name of a column: a field of the JSON, or `attributes.NAME`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if let Some(name) = text.strip_prefix(ATTRIBUTE).filter(|name| !name.is_empty()) {
            return Ok(Self::Attribute(name.to_owned()));
        }
        // As in the expressions of --where.
        let word = match &*text.replace('-', "_") {
            "created" => "created_at".to_owned(),
            "updated" => "updated_at".to_owned(),
            word => word.to_owned(),
        };
        Self::all()
            .find(|column| column.key() == word)
            .ok_or_else(|| {
                let mut known = Self::keys();
                known.push("attributes.NAME".to_owned());
                let known: Vec<_> = known.iter().map(String::as_str).collect();
                Error::invalid_input("unknown column").with_advice(did_you_mean(text, &known))
            })
    }

    /// Returns the name of the column in CSV and on the command line.
    pub(super) fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Account => "account",
            Self::Provider => "provider",
            Self::Id => "id",
            Self::Name => "name",
            Self::Description => "description",
            Self::State => "state",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Expiry => "expiry",
            Self::LastUsed => "last_used",
            Self::Owner => "owner",
            Self::Creator => "creator",
            Self::Scopes => "scopes",
            Self::Unreadable => "unreadable",
            Self::NotReported => "not_reported",
            Self::Attributes => "attributes",
            Self::Attribute(name) => return format!("{ATTRIBUTE}{name}").into(),
            Self::Annotation => "annotation",
            Self::AnnotationField(field) => {
                let mut known = Self::ANNOTATION.into_iter();
                known
                    .find(|(_, known)| known == field)
                    .map_or("", |(key, _)| key)
            }
        })
    }

    /// Returns the heading of the column in a table.
    pub(super) fn heading(&self) -> Cow<'_, str> {
        match self {
            Self::CreatedAt => "created".into(),
            Self::UpdatedAt => "updated".into(),
            Self::LastUsed => "last used".into(),
            Self::NotReported => NOT_REPORTED.into(),
            Self::Attribute(name) => name.into(),
            other => other.key(),
        }
    }

    /// Returns what the row of a token shows to people.
    pub(super) fn cell<'a>(&self, account: &'a Account, token: &'a Token) -> Cell<'a> {
        Cell::Text(match self {
            Self::Account => account.name().into(),
            Self::Provider => account.provider().into(),
            Self::Id => token.id.as_str().into(),
            Self::Name => name(token),
            Self::Description => text(&token.description),
            Self::State => token.state.as_str().into(),
            Self::CreatedAt => return Cell::Time(&token.created_at),
            Self::UpdatedAt => return Cell::Time(&token.updated_at),
            Self::Expiry => return Cell::Time(&token.expiry),
            Self::LastUsed => return Cell::Time(&token.last_used),
            Self::Owner => principal(&token.owner),
            Self::Creator => principal(&token.creator),
            Self::Scopes => match &token.scopes {
                Fact::Known(scopes) => scopes.join(" ").into(),
                Fact::Absent => NONE.into(),
                Fact::NotReported => NOT_REPORTED.into(),
            },
            Self::Unreadable => unreadable(token, " ").into(),
            Self::NotReported => not_reported(token).into(),
            Self::Attributes => json_attributes(token).into(),
            Self::Attribute(name) => token
                .attributes
                .get(name)
                .map(attribute)
                .unwrap_or_default(),
            Self::Annotation => {
                let responsible = ["owner", "team"].into_iter();
                let responsible = responsible.filter_map(|field| annotation(token, field));
                responsible.collect::<Vec<_>>().join(", ").into()
            }
            Self::AnnotationField(field) => annotation(token, field).unwrap_or_default().into(),
        })
    }

    /// Returns the word for a time that is known to be absent.
    pub(super) fn absent(&self) -> &'static str {
        match self {
            Self::CreatedAt => NONE,
            _ => NEVER,
        }
    }

    /// Returns the field of CSV, where what is not known is empty.
    pub(super) fn field<'a>(&self, account: &'a Account, token: &'a Token) -> Cow<'a, str> {
        let known = |fact: &'a Fact<String>| fact.known().map(|text| text.into());
        let instant = |fact: &Fact<Timestamp>| fact.known().map(|at| time(*at));
        let principal = |fact: &Fact<Principal>| {
            let principal = fact.known()?;
            let kind = principal.kind().unwrap_or_default();
            Some([kind, ":", principal.id()].concat().into())
        };
        match self {
            Self::Name => known(&token.name),
            Self::Description => known(&token.description),
            Self::CreatedAt => instant(&token.created_at),
            Self::UpdatedAt => instant(&token.updated_at),
            Self::Expiry => Some(time_or_word(&token.expiry)),
            Self::LastUsed => Some(time_or_word(&token.last_used)),
            Self::Owner => principal(&token.owner),
            Self::Creator => principal(&token.creator),
            Self::Scopes => token.scopes.known().map(|scopes| scopes.join(" ").into()),
            other => match other.cell(account, token) {
                Cell::Text(text) => Some(text),
                Cell::Time(..) => None,
            },
        }
        .unwrap_or_default()
    }
}

pub(super) const NONE: &str = "none";
pub(super) const NEVER: &str = "never";
pub(super) const NOT_REPORTED: &str = "not reported";

pub(super) fn text(fact: &Fact<String>) -> Cow<'_, str> {
    match fact {
        Fact::Known(text) => text.into(),
        Fact::Absent => NONE.into(),
        Fact::NotReported => NOT_REPORTED.into(),
    }
}

/// Returns a name, in quotes if it is empty or padded, to tell it from "none", and the fields of
/// the token that cannot be read.
pub(super) fn name(token: &Token) -> Cow<'_, str> {
    let name = match &token.name {
        Fact::Known(name) if name.is_empty() || name.trim() != name => format!("{name:?}").into(),
        other => text(other),
    };
    let unreadable = unreadable(token, ", ");
    if unreadable.is_empty() {
        name
    } else {
        format!("{name} [unreadable: {unreadable}]").into()
    }
}

fn unreadable(token: &Token, separator: &str) -> String {
    let fields: Vec<_> = token.attributes.unreadable().collect();
    fields.join(separator)
}

/// Returns a principal with its name, its kind and its id.
pub(super) fn principal(fact: &Fact<Principal>) -> Cow<'_, str> {
    let principal = match fact {
        Fact::Known(principal) => principal,
        Fact::Absent => return NONE.into(),
        Fact::NotReported => return NOT_REPORTED.into(),
    };
    let kind = principal.kind().unwrap_or("principal");
    match principal.name() {
        Some(name) => format!("{name} ({kind} {})", principal.id()).into(),
        None => format!("{kind} {}", principal.id()).into(),
    }
}

/// Returns an attribute: a text as it is, and anything else as JSON.
pub(super) fn attribute(value: &Attribute) -> Cow<'_, str> {
    match value {
        Attribute::Text(text) => text.into(),
        other => serde_json::to_string(other).unwrap_or_default().into(),
    }
}

fn not_reported(token: &Token) -> String {
    let fields = TokenField::ALL.into_iter();
    let fields = fields.filter(|field| !token.is_reported(*field));
    fields.map(TokenField::as_str).collect::<Vec<_>>().join(" ")
}

fn json_attributes(token: &Token) -> String {
    serde_json::to_string(&token.attributes).unwrap_or_default()
}

fn time_or_word(fact: &Fact<Timestamp>) -> Cow<'static, str> {
    match fact {
        Fact::Known(at) => time(*at),
        Fact::Absent => NEVER.into(),
        Fact::NotReported => "not_reported".into(),
    }
}

fn time(at: Timestamp) -> Cow<'static, str> {
    at.to_text().as_str().to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_json_and_every_attribute_is_a_column() {
        let mut token = Token::new(
            tokenfleet::TokenId::new("1"),
            tokenfleet::TokenState::Active,
        );
        token.attributes.insert("region", Attribute::from("eu"));
        let account = Account::new("losant", "iot");
        let object = tokenfleet::AccountToken::new(&account, &token);
        let json = serde_json::to_value(object).unwrap();
        for key in json.as_object().unwrap().keys() {
            assert_eq!(Column::parse(key).unwrap().key(), *key);
        }
        let region = Column::parse("attributes.region").unwrap();
        assert_eq!(region.field(&account, &token), "eu");
        assert_eq!(Column::parse("last-used").unwrap(), Column::LastUsed);
        assert_eq!(Column::parse("created").unwrap(), Column::CreatedAt);
    }

    #[test]
    fn a_misspelled_column_is_an_error_that_suggests_the_right_one() {
        let error = |text: &str| Column::parse(text).unwrap_err().to_string();
        assert_eq!(error("nmae"), "unknown column; did you mean `name`?");
        assert!(error("").contains("expected one of account, provider, id"));
        assert!(error("attributes.").contains("unknown column"));
    }

    #[test]
    fn a_field_that_cannot_be_read_is_marked_beside_the_name() {
        let mut token = Token::new(
            tokenfleet::TokenId::new("1"),
            tokenfleet::TokenState::Active,
        );
        token.name = Fact::Known("ci \\ud83d".to_owned());
        token.attributes.mark_unreadable("name");
        token.attributes.mark_unreadable("expires_at");
        assert_eq!(name(&token), "ci \\ud83d [unreadable: name, expires_at]");
    }
}
