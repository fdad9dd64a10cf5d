//! Secrets that must not show up anywhere, in whatever form.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The minimum length of a secret: anything shorter occurs in ordinary text by chance.
const MIN_LENGTH: usize = 5;

/// Secrets, each with the forms in which it would be recognised; clones share them.
#[derive(Debug, Clone, Default)]
pub struct CanarySecrets(Arc<Mutex<Vec<Canary>>>);

#[derive(Debug, Clone)]
struct Canary {
    label: String,
    secret: String,
    forms: Vec<String>,
}

impl CanarySecrets {
    /// Adds a secret under a label, unless it is already there.
    ///
    /// # Panics
    ///
    /// Panics if the secret is too short to be searched for.
    #[track_caller]
    pub fn plant(&self, label: &str, secret: &str) {
        assert!(
            secret.len() >= MIN_LENGTH,
            "{label} is too short to be searched for"
        );
        let mut canaries = self.lock();
        if canaries.iter().all(|canary| canary.secret != secret) {
            canaries.push(Canary {
                label: label.to_owned(),
                secret: secret.to_owned(),
                forms: forms(secret),
            });
        }
    }

    /// Returns the secrets that were planted under a label.
    #[must_use]
    pub fn labelled(&self, label: &str) -> Vec<String> {
        let canaries = self.lock();
        let labelled = canaries.iter().filter(|canary| canary.label == label);
        labelled.map(|canary| canary.secret.clone()).collect()
    }

    /// Returns a line for each form of a secret that `text` contains, with the text before it.
    #[must_use]
    pub fn found_in(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let mut found = Vec::new();
        for canary in self.lock().iter() {
            for form in &canary.forms {
                // A text is searched for a few characters a hundred times as fast as for many.
                if !text.contains(end(form)) {
                    continue;
                }
                if let Some(at) = text.find(form.as_str()) {
                    let before = text[..at].chars().rev().take(80).collect::<Vec<_>>();
                    let before: String = before.into_iter().rev().collect();
                    found.push(format!("{} ({form}) after …{before}", canary.label));
                }
            }
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Canary>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the last 16 characters of a form.
fn end(form: &str) -> &str {
    let mut starts = form.char_indices().rev().map(|(start, _)| start);
    &form[starts.nth(15).unwrap_or_default()..]
}

/// Returns everything that an error and its sources print, as `Display` and as `Debug`.
#[must_use]
pub fn printed_error(error: &dyn Error) -> String {
    let mut printed = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        printed += &format!("{error} {error:#} {error:?} {error:#?}\n");
        next = error.source();
    }
    printed
}

/// Returns the forms of a secret in lower case, like the text that is searched: case is ignored.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    // In base64 behind a login, a secret may start at any of three offsets within four characters.
    let mut texts = vec![secret.to_owned()];
    for offset in 0..3 {
        let padded = [&b"xxx"[..offset], bytes].concat();
        // Characters that also encode bits of the neighbouring text are left out.
        let first = (offset * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        texts.push(STANDARD_NO_PAD.encode(&padded)[first..last].to_owned());
        texts.push(URL_SAFE_NO_PAD.encode(&padded)[first..last].to_owned());
    }
    let mut forms: Vec<_> = texts.iter().flat_map(|text| spellings(text)).collect();
    forms.sort();
    forms.dedup();
    forms
}

/// Returns a text as it is, percent-encoded, escaped by `Debug`, in hexadecimal and as byte values.
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
        let secrets = CanarySecrets::default();
        secrets.plant("secret", secret);
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
                !secrets.found_in(&format!("a {text} b")).is_empty(),
                "{text}"
            );
        }
        assert!(secrets.found_in("s/e+cr$ t and nothing else").is_empty());
    }
}
