//! A secret in what a platform says.

use arbitrary::{Arbitrary, Unstructured};
use tokenfleet::{Error, ErrorKind, Fate};

use crate::witness::{PLANTED, assert_silent};

/// What stands for a secret.
const MASK: &str = "[masked]";

#[derive(Debug, Arbitrary)]
struct Said<'a> {
    /// What the call held.
    secrets: Vec<&'a str>,
    pieces: Vec<Piece<'a>>,
}

#[derive(Debug, Arbitrary)]
enum Piece<'a> {
    Text(&'a str),
    /// One of the secrets, or a part of it.
    Secret(u8),
    Part(u8, u8),
    /// What looks like a credential and was not in the call.
    Credential,
}

/// Neither a secret of the call nor what looks like a credential shows in what an error says, wherever it stood.
pub fn redaction(data: &[u8]) {
    let mut unstructured = Unstructured::new(data);
    let Ok(said) = Said::arbitrary(&mut unstructured) else {
        return;
    };
    let secret = |index: u8| match said.secrets.len() {
        0 => "",
        count => said.secrets[usize::from(index) % count],
    };
    let text: String = said
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Secret(index) => secret(*index),
            Piece::Part(index, at) => {
                let secret = secret(*index);
                secret.get(usize::from(*at)..).unwrap_or(secret)
            }
            Piece::Credential => PLANTED,
        })
        .collect();
    let error = Error::new(ErrorKind::Other, Fate::Rejected, "refused")
        .with_platform_message(&text, &said.secrets)
        .with_code(&text, &said.secrets);
    assert_silent(&error);
    for shown in [error.platform_message(), error.code()]
        .into_iter()
        .flatten()
    {
        // What stands for a secret, whole or cut, and for the rest of a text that was cut, may itself hold a short one.
        let shown = shown.trim_end_matches('…');
        let part = (1..MASK.len())
            .rev()
            .find_map(|end| shown.strip_suffix(&MASK[..end]));
        let shown = part.unwrap_or(shown);
        for secret in said
            .secrets
            .iter()
            .filter(|secret| !secret.trim().is_empty())
        {
            let found = shown.split(MASK).any(|part| part.contains(secret));
            assert!(!found, "{secret:?} in {shown:?}");
        }
    }
}
