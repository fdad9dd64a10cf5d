//! Authentication and authorization of callers.

use bytes::Bytes;
use http::{Request, header};

use super::{
    CollectionPath, Platform, body,
    error::Error,
    options::{Collection, LackingScope, UnauthorizedType},
    record::{Creator, Status},
    scope::{self, Operation},
    secret::{self, Claims},
    store::Store,
    wire::Owner,
};

/// The authenticated sender of a request.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) scopes: Vec<String>,
    /// The API token used, with its collection; `None` for a user session.
    pub(super) token: Option<(Collection, Creator)>,
}

impl Platform {
    /// Returns the owner in the path, if it exists and the caller may operate on its tokens.
    pub(super) fn owner(
        &self,
        path: CollectionPath<'_>,
        operation: Operation,
        caller: &Caller,
    ) -> Result<Owner, Error> {
        let (owner, resource) = match path.collection {
            Collection::User => (&self.user_id, "User"),
            Collection::Application => (&self.options.application_id, "Application"),
            Collection::Instance => (&self.options.instance_id, "Instance"),
        };
        if let Some(id) = path.owner {
            if !body::is_id(id) {
                let field = match path.collection {
                    Collection::Instance => "instanceId",
                    _ => "applicationId",
                };
                return Err(Error::validation(field, "pattern mismatch"));
            }
            if !id.eq_ignore_ascii_case(owner) {
                return Err(Error::not_found(resource));
            }
        }
        // The token of an application or instance reaches no other collection.
        let home = caller.token.as_ref().map(|(collection, _)| *collection);
        let reaches =
            matches!(home, None | Some(Collection::User)) || home == Some(path.collection);
        if !reaches || !scope::allows(&caller.scopes, path.collection, operation) {
            let message = "The token does not have the scope for this action";
            return Err(match self.options.lacking_scope {
                LackingScope::Forbidden => Error::new(403, "Forbidden", message),
                LackingScope::Unauthorized => self.unauthorized(),
            });
        }
        Ok(Owner {
            id: owner.clone(),
            kind: match path.collection {
                Collection::User => "user",
                Collection::Application => "application",
                Collection::Instance => "instance",
            },
            path: match path.collection {
                Collection::User => "/me/tokens".to_owned(),
                Collection::Application => format!("/applications/{owner}/tokens"),
                Collection::Instance => format!("/instances/{owner}/tokens"),
            },
        })
    }

    /// Authenticates the sender of a request.
    pub(super) fn caller(&self, request: &Request<Bytes>) -> Result<Caller, Error> {
        request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, jwt)| self.authenticate(&self.store(), jwt.trim()))
            .ok_or_else(|| self.unauthorized())
    }

    /// Returns the caller of a bearer token, if the token is valid now.
    pub(super) fn authenticate(&self, store: &Store, jwt: &str) -> Option<Caller> {
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

    /// Returns the 401 error.
    pub(super) fn unauthorized(&self) -> Error {
        let kind = match self.options.unauthorized_type {
            UnauthorizedType::Unauthorized => "Unauthorized",
            UnauthorizedType::InvalidCredentials => "InvalidCredentials",
        };
        Error::new(401, kind, "Unauthorized")
    }

    /// Returns the JWT of a token.
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
