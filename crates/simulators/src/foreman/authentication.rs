//! Who is calling: a session's cookie, else Basic with a token or a password.

use std::net::IpAddr;

use base64::{Engine, engine::DecodePaddingMode, engine::general_purpose::GeneralPurposeConfig};
use bytes::Bytes;
use http::{HeaderMap, Request, header};

use super::{
    instant::Instant,
    people::{People, User},
    reply::Reply,
    secret::Secrets,
    sessions::{Cookie, Lockout, Sessions},
    store::Store,
};
use crate::Peer;

/// A caller who proved who it is.
#[derive(Clone, Debug)]
pub(super) struct Caller<'a> {
    pub(super) user: &'a User,
    /// The id of the session that this request started.
    pub(super) new_session: Option<String>,
}

/// What it takes to know callers.
pub(super) struct Gate<'p, 's> {
    pub(super) people: &'p People,
    pub(super) secrets: Secrets,
    pub(super) store: &'s mut Store,
    pub(super) sessions: &'s mut Sessions,
    pub(super) lockout: &'s mut Lockout,
    pub(super) now: Instant,
}

impl<'p> Gate<'p, '_> {
    pub(super) fn admit(&mut self, request: &Request<Bytes>) -> Result<Caller<'p>, Reply> {
        let session = cookie(request.headers(), "_session_id");
        match session.map(|id| self.sessions.resume(&id, self.now)) {
            // The session alone decides; credentials beside it are not looked at.
            Some(Cookie::User(id)) => {
                let user = self
                    .people
                    .by_id(id.into())
                    .ok_or_else(|| Reply::unauthorized(&failed("")))?;
                return enabled(user).map(|user| Caller {
                    user,
                    new_session: None,
                });
            }
            Some(Cookie::Expired) => return Err(Reply::session_expired()),
            Some(Cookie::Unknown) | None => {}
        }
        let source = request.extensions().get::<Peer>().map(|peer| peer.0);
        self.by_credentials(request.headers(), source)
    }

    fn by_credentials(
        &mut self,
        headers: &HeaderMap,
        source: Option<IpAddr>,
    ) -> Result<Caller<'p>, Reply> {
        if self.lockout.is_locked(source, self.now) {
            return Err(Reply::unauthorized(
                "Too many tries, please try again in a few minutes.",
            ));
        }
        let (login, secret) = basic(headers).unwrap_or_default();
        let user = self
            .people
            .by_login(&login)
            .filter(|user| self.proves(user, &secret));
        let Some(user) = user else {
            self.lockout.fail(source, self.now);
            return Err(Reply::unauthorized(&failed(&login)));
        };
        let user = enabled(user)?;
        let new_session = Some(self.sessions.start(user.id, self.now));
        Ok(Caller { user, new_session })
    }

    /// A token is tried before the password; its use is noted.
    fn proves(&mut self, user: &User, secret: &str) -> bool {
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

fn failed(login: &str) -> String {
    format!("Unable to authenticate user {login}")
}

fn enabled(user: &User) -> Result<&User, Reply> {
    if user.disabled {
        return Err(Reply::unauthorized(
            "User account is disabled, please contact your administrator",
        ));
    }
    Ok(user)
}

/// A cookie's value.
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

/// Login and secret out of `Authorization`, which must say `Basic` in exactly these letters.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic")?;
    let decoded = String::from_utf8_lossy(&lenient_base64(encoded)).into_owned();
    let (login, secret) = decoded.split_once(':').unwrap_or((&decoded, ""));
    Some((login.to_owned(), secret.to_owned()))
}

/// Ruby's `decode64`: skips what is not base64.
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
    // A last letter alone holds no whole byte.
    let whole = if letters.len() % 4 == 1 {
        letters.len() - 1
    } else {
        letters.len()
    };
    engine.decode(&letters[..whole]).unwrap_or_default()
}
