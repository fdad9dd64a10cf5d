//! The JSON of a token, written without a serializer because a listing writes thousands.

use std::io::{self, Write};

use tokenfleet::capability::TokenField;
use tokenfleet::model::{Attribute, Attributes, Principal, Scopes};
use tokenfleet::{Account, Fact, Timestamp, Token};

use super::escaped_json;

/// A buffer for the JSON of one token after another.
///
/// It is not wiped, so it must not hold a secret.
#[derive(Default)]
pub(super) struct Line {
    pub(super) json: Vec<u8>,
    // What a token often has in common with one shortly before it.
    account: Recent<Account>,
    owner: Recent<Principal>,
    creator: Recent<Principal>,
    scopes: Recent<Scopes>,
    is_reported: Recent<[bool; TokenField::ALL.len()]>,
}

impl Line {
    /// Appends the members of a token and its account, without the braces around them, as a
    /// serializer writes them and [`escaped_json::object`] escapes them.
    pub(super) fn add_members(&mut self, account: &Account, token: &Token) -> io::Result<()> {
        let mut members = Members {
            line: &mut self.json,
        };
        members.raw(self.account.json(account, |members| {
            members.raw(b"\"account\":")?;
            members.string(account.name())?;
            members.raw(b",\"provider\":")?;
            members.string(account.provider())
        })?)?;
        members.raw(b",\"id\":")?;
        members.string(token.id.as_bytes())?;
        members.raw(b",\"name\":")?;
        members.nullable(token.name.known(), |members, name| members.string(name))?;
        members.raw(b",\"description\":")?;
        members.nullable(token.description.known(), |members, text| {
            members.string(text)
        })?;
        members.raw(b",\"state\":\"")?;
        members.raw(token.state.as_str().as_bytes())?;
        members.raw(b"\",\"created_at\":")?;
        members.nullable(token.created_at.known(), Members::time)?;
        members.raw(b",\"updated_at\":")?;
        members.nullable(token.updated_at.known(), Members::time)?;
        members.raw(b",\"expiry\":")?;
        members.moment(&token.expiry)?;
        members.raw(b",\"last_used\":")?;
        members.moment(&token.last_used)?;
        members.raw(b",\"owner\":")?;
        members.nullable(token.owner.known(), |members, owner| {
            members.raw(self.owner.json(owner, |members| members.principal(owner))?)
        })?;
        members.raw(b",\"creator\":")?;
        members.nullable(token.creator.known(), |members, creator| {
            members.raw(
                self.creator
                    .json(creator, |members| members.principal(creator))?,
            )
        })?;
        members.raw(b",\"scopes\":")?;
        members.nullable(token.scopes.known(), |members, scopes| {
            members.raw(self.scopes.json(scopes, |members| {
                members.list(scopes.iter().map(String::as_str))
            })?)
        })?;
        members.raw(b",\"attributes\":")?;
        members.attributes(&token.attributes)?;
        members.raw(b",\"not_reported\":")?;
        let is_reported = TokenField::ALL.map(|field| token.is_reported(field));
        members.raw(self.is_reported.json(&is_reported, |members| {
            let fields = TokenField::ALL.into_iter();
            let fields = fields.filter(|field| !token.is_reported(*field));
            members.list(fields.map(TokenField::as_str))
        })?)
    }
}

/// The number of values of a kind whose JSON is kept: neighbouring tokens rarely differ.
const KEPT: usize = 8;

/// The values that were written last, and their JSON.
struct Recent<T>(Vec<(T, Vec<u8>)>);

// Derived, it would need a default value.
impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone + PartialEq> Recent<T> {
    /// Returns the JSON of a value, which is written unless it was not long ago.
    fn json(
        &mut self,
        value: &T,
        write: impl FnOnce(&mut Members<'_>) -> io::Result<()>,
    ) -> io::Result<&[u8]> {
        let known = self.0.iter().position(|(known, _)| known == value);
        if known.is_none() {
            let mut json = Vec::new();
            write(&mut Members { line: &mut json })?;
            self.0.truncate(KEPT - 1);
            self.0.insert(0, (value.clone(), json));
        }
        let known = self.0.get(known.unwrap_or_default());
        Ok(known.map(|(_, json)| json.as_slice()).unwrap_or_default())
    }
}

/// Returns `true` if the text is the same within JSON and on a terminal: ASCII without control
/// characters, quotes and backslashes.
fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    if !words.iter().all(|word| is_plain_word(*word)) {
        return false;
    }
    // The last word may overlap the one before it.
    match (rest, bytes.last_chunk()) {
        ([], _) => true,
        (_, Some(last)) => is_plain_word(*last),
        (rest, None) => {
            let mut word = [b' '; 8];
            word[..rest.len()].copy_from_slice(rest);
            is_plain_word(word)
        }
    }
}

/// Looks at eight bytes at once, in the highest bit of each.
fn is_plain_word(word: [u8; 8]) -> bool {
    const fn repeat(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let word = u64::from_ne_bytes(word);
    // Not ASCII. What such a byte carries into the next sum does not matter any more.
    let hazards = word
        // Control characters: below a blank, and the last one of ASCII.
        | !word.wrapping_add(repeat(0x80 - b' '))
        | word.wrapping_add(repeat(1))
        | !(word ^ repeat(b'"')).wrapping_add(repeat(0x7f))
        | !(word ^ repeat(b'\\')).wrapping_add(repeat(0x7f));
    hazards & repeat(0x80) == 0
}

struct Members<'a> {
    line: &'a mut Vec<u8>,
}

impl Members<'_> {
    #[inline]
    fn raw(&mut self, json: &[u8]) -> io::Result<()> {
        self.line.write_all(json)
    }

    /// Writes a text, or its bytes: few texts must be looked at as UTF-8.
    fn string<T: AsRef<[u8]> + ?Sized>(&mut self, text: &T) -> io::Result<()> {
        let text = text.as_ref();
        if !is_plain(text) {
            let text = str::from_utf8(text).map_err(io::Error::other)?;
            return escaped_json::object(self.line, &text);
        }
        self.raw(b"\"")?;
        self.raw(text)?;
        self.raw(b"\"")
    }

    fn nullable<T: ?Sized>(
        &mut self,
        value: Option<&T>,
        write: impl FnOnce(&mut Self, &T) -> io::Result<()>,
    ) -> io::Result<()> {
        match value {
            Some(value) => write(self, value),
            None => self.raw(b"null"),
        }
    }

    fn time(&mut self, at: &Timestamp) -> io::Result<()> {
        self.raw(b"\"")?;
        self.raw(at.to_text().as_bytes())?;
        self.raw(b"\"")
    }

    fn moment(&mut self, fact: &Fact<Timestamp>) -> io::Result<()> {
        match fact {
            Fact::Known(at) => {
                self.raw(b"{\"kind\":\"at\",\"at\":")?;
                self.time(at)?;
                self.raw(b"}")
            }
            Fact::Absent => self.raw(b"{\"kind\":\"never\"}"),
            Fact::NotReported => self.raw(b"{\"kind\":\"not_reported\"}"),
        }
    }

    fn principal(&mut self, principal: &Principal) -> io::Result<()> {
        self.raw(b"{\"kind\":")?;
        self.nullable(principal.kind(), Self::string)?;
        self.raw(b",\"id\":")?;
        self.string(principal.id())?;
        self.raw(b",\"name\":")?;
        self.nullable(principal.name(), Self::string)?;
        self.raw(b"}")
    }

    fn list<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> io::Result<()> {
        self.raw(b"[")?;
        for (index, text) in texts.enumerate() {
            if index > 0 {
                self.raw(b",")?;
            }
            self.string(text)?;
        }
        self.raw(b"]")
    }

    fn attributes(&mut self, attributes: &Attributes) -> io::Result<()> {
        self.raw(b"{")?;
        for (index, (name, value)) in attributes.iter().enumerate() {
            if index > 0 {
                self.raw(b",")?;
            }
            self.string(name)?;
            self.raw(b":")?;
            match value {
                Attribute::Null => self.raw(b"null")?,
                Attribute::Boolean(true) => self.raw(b"true")?,
                Attribute::Boolean(false) => self.raw(b"false")?,
                Attribute::Text(text) => self.string(text)?,
                other => escaped_json::object(self.line, other)?,
            }
        }
        self.raw(b"}")
    }
}

#[cfg(test)]
mod tests;
