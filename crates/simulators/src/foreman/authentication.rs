//! Authentication of the caller by session cookie or by HTTP Basic with a token or a password.

use std::net::IpAddr;

use base64::{Engine, engine::DecodePaddingMode, engine::general_purpose::GeneralPurposeConfig};
use bytes::Bytes;
use http::{HeaderMap, Request, header};

use super::{
    instant::Instant,
    lockout::Lockout,
    reply::Reply,
    secret::Secrets,
    sessions::{SessionState, Sessions},
    store::Store,
    users::{User, Users},
};
use crate::Peer;

/// An authenticated caller.
#[derive(Clone, Debug)]
pub(super) struct Caller<'a> {
    pub(super) user: &'a User,
    /// The id of the session that this request started.
    pub(super) new_session: Option<String>,
}

/// The users, tokens and sessions that callers are authenticated against.
pub(super) struct Authenticator<'u, 's> {
    pub(super) users: &'u Users,
    pub(super) secrets: Secrets,
    pub(super) store: &'s mut Store,
    pub(super) sessions: &'s mut Sessions,
    pub(super) lockout: &'s mut Lockout,
    pub(super) now: Instant,
}

impl<'u> Authenticator<'u, '_> {
    pub(super) fn authenticate(&mut self, request: &Request<Bytes>) -> Result<Caller<'u>, Reply> {
        let session = cookie(request.headers(), "_session_id");
        match session.map(|id| self.sessions.resume(&id, self.now)) {
            // With an open session, Foreman ignores the credentials of the request.
            Some(SessionState::Open(id)) => {
                let user = self
                    .users
                    .by_id(id.into())
                    .ok_or_else(|| Reply::login_failed(""))?;
                let new_session = None;
                require_enabled(user).map(|()| Caller { user, new_session })
            }
            Some(SessionState::Expired) => Err(Reply::session_expired()),
            Some(SessionState::Unknown) | None => {
                let source = request.extensions().get::<Peer>().map(|peer| peer.0);
                self.authenticate_basic(request.headers(), source)
            }
        }
    }

    fn authenticate_basic(
        &mut self,
        headers: &HeaderMap,
        source: Option<IpAddr>,
    ) -> Result<Caller<'u>, Reply> {
        if self.lockout.is_locked(source, self.now) {
            return Err(Reply::unauthorized(
                "Too many tries, please try again in a few minutes.",
            ));
        }
        let (login, secret) = basic_credentials(headers).unwrap_or_default();
        let user = self
            .users
            .by_login(&login)
            .filter(|user| self.accepts(user, &secret));
        let Some(user) = user else {
            self.lockout.record_failure(source, self.now);
            return Err(Reply::login_failed(&login));
        };
        require_enabled(user)?;
        let new_session = Some(self.sessions.start(user.id, self.now));
        Ok(Caller { user, new_session })
    }

    /// Returns whether a secret is a token or the password of a user, and records the use of a
    /// token.
    fn accepts(&mut self, user: &User, secret: &str) -> bool {
        let token = self
            .secrets
            .id_of(secret)
            .and_then(|id| self.store.get(id))
            .filter(|record| record.user_id == user.id && record.authenticates(self.now))
            .map(|record| record.id);
        match token {
            Some(id) => {
                let now = self.now;
                self.store
                    .update(id, now, |record| record.last_used = Some(now));
                true
            }
            None => !secret.is_empty() && user.password == secret,
        }
    }
}

fn require_enabled(user: &User) -> Result<(), Reply> {
    if user.disabled {
        return Err(Reply::unauthorized(
            "User account is disabled, please contact your administrator",
        ));
    }
    Ok(())
}

/// Returns the value of a cookie.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Parses login and secret from `Authorization`, whose scheme `Basic` is case-sensitive in Foreman.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic")?;
    let decoded = String::from_utf8_lossy(&lenient_base64(encoded)).into_owned();
    let (login, secret) = decoded.split_once(':').unwrap_or((&decoded, ""));
    Some((login.to_owned(), secret.to_owned()))
}

/// Decodes like Ruby's `decode64`, which skips characters that are not base64.
fn lenient_base64(text: &str) -> Vec<u8> {
    let letters: String = text
        .chars()
        .take_while(|letter| *letter != '=')
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/'))
        .collect();
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    // A single letter at the end encodes less than one byte.
    let whole = if letters.len() % 4 == 1 {
        letters.len() - 1
    } else {
        letters.len()
    };
    engine.decode(&letters[..whole]).unwrap_or_default()
}
