//! Secrets that must turn up nowhere, in whatever form.

use std::error::Error;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What is shorter occurs in ordinary text by chance.
const SHORTEST: usize = 5;

/// Secrets, each with the forms in which it would be recognised.
#[derive(Debug, Clone, Default)]
pub struct Planted(Vec<Secret>);

#[derive(Debug, Clone)]
struct Secret {
    what: String,
    plain: String,
    forms: Vec<String>,
}

impl Planted {
    /// Adds a secret, once.
    ///
    /// # Panics
    ///
    /// When it is too short to be searched for.
    #[track_caller]
    pub fn plant(&mut self, what: &str, secret: &str) {
        assert!(
            secret.len() >= SHORTEST,
            "{what} is too short to be searched for"
        );
        if self.0.iter().all(|known| known.plain != secret) {
            self.0.push(Secret {
                what: what.to_owned(),
                plain: secret.to_owned(),
                forms: forms(secret),
            });
        }
    }

    /// The secrets that were planted under that name.
    pub fn named<'a>(&'a self, what: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |secret| secret.what == what);
        named.map(|secret| secret.plain.as_str())
    }

    /// What of all that a text holds, with the text around it.
    #[must_use]
    pub fn found_in(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let mut found = Vec::new();
        for secret in &self.0 {
            for form in &secret.forms {
                if let Some(at) = text.find(form.as_str()) {
                    let before = text[..at].chars().rev().take(80).collect::<Vec<_>>();
                    let before: String = before.into_iter().rev().collect();
                    found.push(format!("{} ({form}) after …{before}", secret.what));
                }
            }
        }
        found
    }
}

/// All that an error and its causes show.
#[must_use]
pub fn shown_of(error: &dyn Error) -> String {
    let mut shown = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        shown += &format!("{error} {error:#} {error:?} {error:#?}\n");
        next = error.source();
    }
    shown
}

/// In lower case, as the text is that they are searched in: so every mixture of cases is found.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    // As it is, and as a part of base64: behind a login it may begin at any of the three places within four characters.
    let mut texts = vec![secret.to_owned()];
    for before in 0..3 {
        let padded = [&b"xxx"[..before], bytes].concat();
        // Characters that also hold bits of what stands before or after are left out.
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        texts.push(STANDARD_NO_PAD.encode(&padded)[first..last].to_owned());
        texts.push(URL_SAFE_NO_PAD.encode(&padded)[first..last].to_owned());
    }
    let mut forms: Vec<_> = texts.iter().flat_map(|text| spellings(text)).collect();
    forms.sort();
    forms.dedup();
    forms
}

/// How a text may be written: plain, in addresses, in Debug outputs, and as bytes.
fn spellings(text: &str) -> [String; 5] {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bytes: Vec<_> = text.bytes().map(|byte| byte.to_string()).collect();
    let percent = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let escaped = text.escape_default().to_string();
    [text.to_owned(), percent, escaped, hex, bytes.join(", ")].map(|form| form.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = "s/e+cr$t";
        let mut planted = Planted::default();
        planted.plant("secret", secret);
        let mut texts = vec![
            secret.to_owned(),
            secret.to_uppercase(),
            "s%2Fe%2Bcr%24t".to_owned(),
            "732f652b63722474".to_owned(),
            "732F652B63722474".to_owned(),
            format!("{:?}", secret.as_bytes()),
            format!("{:?}", format!("{secret:?}")),
        ];
        for login in ["", "a", "ab", "abc", "admin"] {
            let basic = STANDARD.encode(format!("{login}:{secret}"));
            texts.push(format!("{:?}", basic.as_bytes()));
            texts.push(basic);
            texts.push(URL_SAFE_NO_PAD.encode(format!("{login}:{secret} and more")));
        }
        for text in texts {
            assert!(
                !planted.found_in(&format!("a {text} b")).is_empty(),
                "{text}"
            );
        }
        assert!(planted.found_in("s/e+cr$ t and nothing else").is_empty());
    }
}
