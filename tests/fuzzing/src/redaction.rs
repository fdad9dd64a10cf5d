//! Secrets in the messages of a platform.

use arbitrary::{Arbitrary, Unstructured};
use tokenfleet::{Error, ErrorKind, Fate};

use crate::secrets::{ISSUED, assert_no_secret};

/// The text that replaces a secret.
const MASK: &str = "[masked]";

#[derive(Debug, Arbitrary)]
struct Message<'a> {
    /// The secrets that the request holds.
    secrets: Vec<&'a str>,
    pieces: Vec<Piece<'a>>,
}

#[derive(Debug, Arbitrary)]
enum Piece<'a> {
    Text(&'a str),
    /// One of the secrets.
    Secret(u8),
    /// One of the secrets from an offset on.
    Part(u8, u8),
    /// A text that looks like a credential, but is none of the request.
    Credential,
}

/// Checks that an error shows neither a secret of the request nor a text that looks like a
/// credential, wherever the message holds it.
pub fn redaction(data: &[u8]) {
    let mut unstructured = Unstructured::new(data);
    let Ok(message) = Message::arbitrary(&mut unstructured) else {
        return;
    };
    let secret = |index: u8| match message.secrets.len() {
        0 => "",
        count => message.secrets[usize::from(index) % count],
    };
    let text: String = message
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Secret(index) => secret(*index),
            Piece::Part(index, at) => {
                let secret = secret(*index);
                secret.get(usize::from(*at)..).unwrap_or(secret)
            }
            Piece::Credential => ISSUED,
        })
        .collect();
    let error = Error::new(ErrorKind::Other, Fate::Rejected, "refused")
        .with_platform_message(&text, &message.secrets)
        .with_code(&text, &message.secrets);
    assert_no_secret(&error);
    for text in [error.platform_message(), error.code()]
        .into_iter()
        .flatten()
    {
        // The mask, whole or truncated, and the ellipsis may themselves contain a short secret.
        let text = text.trim_end_matches('…');
        let unmasked = (1..MASK.len())
            .rev()
            .find_map(|end| text.strip_suffix(&MASK[..end]));
        let text = unmasked.unwrap_or(text);
        for secret in message
            .secrets
            .iter()
            .filter(|secret| !secret.trim().is_empty())
        {
            let found = text.split(MASK).any(|part| part.contains(secret));
            assert!(!found, "{secret:?} in {text:?}");
        }
    }
}
