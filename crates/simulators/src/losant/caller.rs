//! Who asks, and whether they may.

use bytes::Bytes;
use http::{Request, header};

use super::{
    Named, Platform, body,
    error::Error,
    options::{Collection, LackingScope, UnauthorizedType},
    record::{Creator, Status},
    scope::{self, Operation},
    secret::{self, Claims},
    store::Store,
    wire::Owner,
};

/// Who sends a request.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) scopes: Vec<String>,
    /// Set when an API token is used.
    pub(super) token: Option<(Collection, Creator)>,
}

impl Platform {
    /// The owner named in the path, when it exists and the caller may do this to its tokens.
    pub(super) fn owner(
        &self,
        named: Named<'_>,
        operation: Operation,
        caller: &Caller,
    ) -> Result<Owner, Error> {
        let (owner, what) = match named.collection {
            Collection::User => (&self.user_id, "User"),
            Collection::Application => (&self.options.application_id, "Application"),
            Collection::Instance => (&self.options.instance_id, "Instance"),
        };
        if let Some(id) = named.owner {
            if !body::is_id(id) {
                let field = match named.collection {
                    Collection::Instance => "instanceId",
                    _ => "applicationId",
                };
                return Err(Error::validation(field, "pattern mismatch"));
            }
            if !id.eq_ignore_ascii_case(owner) {
                return Err(Error::not_found(what));
            }
        }
        // The token of an application or instance reaches nothing beside it.
        let home = caller.token.as_ref().map(|(collection, _)| *collection);
        let reaches =
            matches!(home, None | Some(Collection::User)) || home == Some(named.collection);
        if !reaches || !scope::allows(&caller.scopes, named.collection, operation) {
            let message = "The token does not have the scope for this action";
            return Err(match self.options.lacking_scope {
                LackingScope::Forbidden => Error::new(403, "Forbidden", message),
                LackingScope::Unauthorized => self.unauthorized(),
            });
        }
        Ok(Owner {
            id: owner.clone(),
            kind: match named.collection {
                Collection::User => "user",
                Collection::Application => "application",
                Collection::Instance => "instance",
            },
            path: match named.collection {
                Collection::User => "/me/tokens".to_owned(),
                Collection::Application => format!("/applications/{owner}/tokens"),
                Collection::Instance => format!("/instances/{owner}/tokens"),
            },
        })
    }

    pub(super) fn caller(&self, request: &Request<Bytes>) -> Result<Caller, Error> {
        request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, jwt)| self.bearer(&self.store(), jwt.trim()))
            .ok_or_else(|| self.unauthorized())
    }

    /// Whose bearer token this is, when it is good now.
    pub(super) fn bearer(&self, store: &Store, jwt: &str) -> Option<Caller> {
        if self.options.token.as_deref() == Some(jwt) {
            return Some(Caller {
                scopes: vec!["all.User".to_owned()],
                token: None,
            });
        }
        let claims = secret::verify(jwt, &self.key)?;
        let now = self.now();
        let Some(id) = claims.jti else {
            let expired = claims.exp.is_some_and(|exp| exp <= now.as_second());
            return (!expired).then_some(Caller {
                scopes: claims.scope,
                token: None,
            });
        };
        let record = store.get(store.slot(&id)?)?;
        (record.status == Status::Active && !record.is_expired(now)).then(|| Caller {
            scopes: claims.scope,
            token: Some((
                record.collection,
                Creator {
                    id,
                    name: record.name.to_string(),
                },
            )),
        })
    }

    pub(super) fn unauthorized(&self) -> Error {
        let kind = match self.options.unauthorized_type {
            UnauthorizedType::Unauthorized => "Unauthorized",
            UnauthorizedType::InvalidCredentials => "InvalidCredentials",
        };
        Error::new(401, kind, "Unauthorized")
    }

    /// The JWT of a token's record.
    pub(super) fn jwt(&self, store: &Store, slot: u32) -> String {
        let Some(record) = store.get(slot) else {
            return String::new();
        };
        let (owner, subtype) = match record.collection {
            Collection::User => (&self.user_id, "user"),
            Collection::Application => (&self.options.application_id, "application"),
            Collection::Instance => (&self.options.instance_id, "instance"),
        };
        let claims = Claims {
            sub: owner.clone(),
            subtype: subtype.to_owned(),
            scope: store.scopes(record).to_vec(),
            iat: record.created.div_euclid(1000),
            exp: record.expires.map(|expires| expires.div_euclid(1000)),
            jti: Some(store.id(slot)),
            iss: "api.losant.com".to_owned(),
        };
        secret::sign(&claims, &self.key)
    }
}
