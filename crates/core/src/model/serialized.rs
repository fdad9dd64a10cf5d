//! The serialised form of a token: the program's JSON (decision 0026).

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{
    Attributes, Fact, Principal, Scopes, Timestamp, Token, TokenField, TokenId, TokenState,
};

/// Serialises the token with null for a field that is absent or not reported. `not_reported` lists
/// the fields that are not.
impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Token", 13)?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("description", &self.description)?;
        fields.serialize_field("state", &self.state)?;
        fields.serialize_field("created_at", &self.created_at)?;
        fields.serialize_field("updated_at", &self.updated_at)?;
        fields.serialize_field("expiry", &Moment::from(self.expiry))?;
        fields.serialize_field("last_used", &Moment::from(self.last_used))?;
        fields.serialize_field("owner", &self.owner)?;
        fields.serialize_field("creator", &self.creator)?;
        fields.serialize_field("scopes", &self.scopes)?;
        fields.serialize_field("attributes", &self.attributes)?;
        fields.serialize_field("not_reported", &NotReported(self))?;
        fields.end()
    }
}

/// The list of the fields that the platform does not report of a token.
struct NotReported<'a>(&'a Token);

impl Serialize for NotReported<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = TokenField::ALL.into_iter();
        let fields = fields.filter(|field| !self.0.is_reported(*field));
        serializer.collect_seq(fields.map(TokenField::as_str))
    }
}

/// Deserialises what [`Serialize`] writes. Unknown fields, such as the account, are ignored.
///
/// A null without the list `not_reported`, or a missing field, is not reported: nothing is claimed
/// that was not written.
impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::deserialize(deserializer)?;
        let reported = record.not_reported.as_ref();
        let is_reported = |field: TokenField| {
            reported.is_some_and(|fields| !fields.iter().any(|name| name == field.as_str()))
        };
        Ok(Self {
            id: record.id,
            name: fact(record.name, is_reported(TokenField::Name)),
            description: fact(record.description, is_reported(TokenField::Description)),
            state: record.state,
            created_at: fact(record.created_at, is_reported(TokenField::CreatedAt)),
            updated_at: fact(record.updated_at, is_reported(TokenField::UpdatedAt)),
            expiry: record.expiry.into(),
            last_used: record.last_used.into(),
            owner: fact(record.owner, is_reported(TokenField::Owner)),
            creator: fact(record.creator, is_reported(TokenField::Creator)),
            scopes: fact(record.scopes, is_reported(TokenField::Scopes)),
            attributes: record.attributes,
        })
    }
}

/// A field as it is written: a null differs from a missing key.
#[derive(Default)]
enum Field<T> {
    #[default]
    Missing,
    Written(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Written)
    }
}

fn fact<T>(field: Field<T>, is_reported: bool) -> Fact<T> {
    match field {
        Field::Missing => Fact::NotReported,
        Field::Written(value) if is_reported => Fact::from_nullable(value),
        Field::Written(value) => Fact::from_optional(value),
    }
}

/// A token as it is written.
#[derive(Deserialize)]
struct Record {
    id: TokenId,
    #[serde(default)]
    name: Field<String>,
    #[serde(default)]
    description: Field<String>,
    state: TokenState,
    #[serde(default)]
    created_at: Field<Timestamp>,
    #[serde(default)]
    updated_at: Field<Timestamp>,
    #[serde(default)]
    expiry: Moment,
    #[serde(default)]
    last_used: Moment,
    #[serde(default)]
    owner: Field<Principal>,
    #[serde(default)]
    creator: Field<Principal>,
    #[serde(default)]
    scopes: Field<Scopes>,
    #[serde(default)]
    attributes: Attributes,
    not_reported: Option<Vec<String>>,
}

/// An expiry or a last use: `{"kind": "at" | "never" | "not_reported", "at": …}`.
#[derive(Serialize, Deserialize, Default)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Moment {
    At {
        at: Timestamp,
    },
    Never,
    #[default]
    NotReported,
}

impl From<Fact<Timestamp>> for Moment {
    fn from(fact: Fact<Timestamp>) -> Self {
        match fact {
            Fact::Known(at) => Self::At { at },
            Fact::Absent => Self::Never,
            Fact::NotReported => Self::NotReported,
        }
    }
}

impl From<Moment> for Fact<Timestamp> {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::At { at } => Self::Known(at),
            Moment::Never => Self::Absent,
            Moment::NotReported => Self::NotReported,
        }
    }
}

impl Serialize for TokenState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Deserialises the words of [`TokenState::as_str`]; any other is [`TokenState::Unknown`].
impl<'de> Deserialize<'de> for TokenState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok(word.parse().unwrap_or(Self::Unknown))
    }
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            kind: Option<String>,
            id: String,
            name: Option<String>,
        }
        let Parts { kind, id, name } = Parts::deserialize(deserializer)?;
        Ok(Self::new(id).with_kind(kind).with_name(name))
    }
}

#[cfg(test)]
mod tests;
