//! The four operations on tokens.

use super::{
    expiry::{self, RequestedExpiry},
    instant::{Instant, Zone},
    listing,
    options::{ExpiryHandling, Options},
    order,
    paging::{self, PageError},
    parameters::{Parameter, Parameters},
    reply::{Reply, json_string},
    ruby,
    search::{self, Predicate, SearchError},
    secret::Secrets,
    store::{NewRecord, Record, Store},
    users::{Permission, Role, User},
    wire::{Envelope, ListPermissions, TokenFormat},
};

/// An authorized operation on the tokens of a user.
pub(super) struct Operation<'a> {
    pub(super) options: &'a Options,
    pub(super) secrets: Secrets,
    pub(super) store: &'a mut Store,
    pub(super) parameters: &'a Parameters,
    pub(super) caller: &'a User,
    /// The id of the user whose tokens these are.
    pub(super) owner: i32,
    /// `true` if the path's spelling of the owner's id lets the caller see existing tokens.
    pub(super) owner_visible: bool,
    pub(super) zone: &'a Zone,
    pub(super) now: Instant,
}

/// The name, label and message of an invalid attribute.
type AttributeError = (&'static str, &'static str, String);

impl Operation<'_> {
    fn format(&self) -> TokenFormat<'_> {
        TokenFormat {
            now: self.now,
            zone: self.zone,
            release: &self.options.version,
        }
    }

    /// Returns the owner to look up tokens for, which is one without tokens if they are not
    /// visible.
    fn visible_owner(&self) -> i32 {
        if self.owner_visible { self.owner } else { 0 }
    }

    pub(super) fn index(self) -> Result<Reply, Reply> {
        let release = &self.options.version;
        let search = self.parameters.get("search");
        let order_parameter = self.parameters.get("order");
        let predicate = match self.predicate(search) {
            Err(error) if !matches!(error, SearchError::Database(_)) => {
                return Err(search_failed(error));
            }
            predicate => predicate,
        };
        let order = order::parse(order_parameter, release.searches_ids())
            .map_err(|message| Reply::query_not_supported(&message))?;
        let page = paging::parse(
            self.parameters.get("page"),
            self.parameters.get("per_page"),
            self.options.entries_per_page,
            release.knows_per_page_all(),
        );
        let page = page.map_err(|error| match error {
            PageError::Message(message) => Reply::exception(&message),
            PageError::Unexplained => Reply::unexplained(),
        })?;
        // Only now does the query reach the database, which checks the condition before the limit.
        let predicate = predicate.map_err(search_failed)?;
        if let Some(message) = &page.limit_error {
            return Err(Reply::exception(message));
        }
        let owner = self.visible_owner();
        let found =
            listing::find(self.store, owner, &predicate, order, &page).map_err(search_failed)?;
        let records = found.ids.iter().filter_map(|id| self.store.get(*id));
        let items: Vec<String> = records.map(|record| self.format().token(record)).collect();
        let envelope = Envelope {
            total: found.total,
            subtotal: found.subtotal,
            page: page.shown_page,
            per_page: page.shown_per_page.unwrap_or(found.total as i128),
            search: match search {
                Some(Parameter::Text(text)) => Some(text),
                _ => None,
            },
            sort: order::echo(order_parameter),
            permissions: self
                .parameters
                .get("include_permissions")
                .map(|_| list_permissions(self.caller)),
            root_name: self.parameters.root_name().unwrap_or("results"),
        };
        Ok(Reply::success(200, envelope.to_json(&items)))
    }

    fn predicate(&self, search: Option<&Parameter>) -> Result<Predicate, SearchError> {
        let shown = match search {
            None | Some(Parameter::Null) => return Ok(Predicate::All),
            Some(Parameter::Text(query)) => {
                let engine = self.options.search_engine;
                return search::compile(query, engine, self.options.version.searches_ids());
            }
            Some(map @ Parameter::Map(_)) => {
                format!(
                    "#<ActionController::Parameters {} permitted: false>",
                    map.inspect()
                )
            }
            Some(other) => other.inspect(),
        };
        Err(SearchError::Internal(format!(
            "Unsupported query object: {shown}!"
        )))
    }

    pub(super) fn show(self, id: &str) -> Result<Reply, Reply> {
        let token = self.format().token(self.find(id)?);
        let body = match self.parameters.root_name() {
            Some(root) => format!("{{{}:{token}}}", json_string(root)),
            None => token,
        };
        Ok(Reply::success(200, body))
    }

    /// Finds a token by the number at the start of `id`.
    fn find(&self, id: &str) -> Result<&Record, Reply> {
        i32::try_from(ruby::to_i(id))
            .ok()
            .and_then(|number| self.store.get(number))
            .filter(|record| record.user_id == self.visible_owner())
            .ok_or_else(|| Reply::token_not_found(id))
    }

    pub(super) fn create(mut self, attributes: &Parameters) -> Result<Reply, Reply> {
        let name = token_name(attributes.get("name"));
        if name.contains('\0') {
            // The insertion fails in the database, after the id was assigned.
            self.store.skip_id();
            return Err(Reply::exception("string contains null byte"));
        }
        let requested = expiry::parse(attributes.get("expires_at"), self.now, self.zone);
        let errors: Vec<AttributeError> = [self.name_error(&name), self.expiry_error(&requested)]
            .into_iter()
            .flatten()
            .collect();
        if !errors.is_empty() {
            return Err(Reply::invalid(&errors));
        }
        let expires = match (requested, self.options.asked_expiry) {
            (RequestedExpiry::At(at), ExpiryHandling::Kept) => Some(at),
            (RequestedExpiry::At(at), ExpiryHandling::Shifted) => Some(at.plus_seconds(3600)),
            (RequestedExpiry::At(_), ExpiryHandling::Dropped)
            | (RequestedExpiry::Never | RequestedExpiry::Invalid(_), _) => None,
        };
        let id = self.store.add(NewRecord {
            user_id: self.owner,
            name: name.into(),
            created: self.now,
            expires,
        });
        let record = self
            .store
            .get(id)
            .ok_or_else(|| Reply::token_not_found(""))?;
        let secret = self.secrets.secret_of(id);
        Ok(Reply::success(201, self.format().created(record, &secret)))
    }

    fn name_error(&mut self, name: &str) -> Option<AttributeError> {
        let message = if ruby::is_blank(name) {
            "can't be blank"
        } else if self.store.has_name(self.owner, name) {
            "has already been taken"
        } else {
            return None;
        };
        Some(("name", "Name", message.to_owned()))
    }

    fn expiry_error(&self, requested: &RequestedExpiry) -> Option<AttributeError> {
        let message = match requested {
            _ if !self.options.version.validates_expiry() => return None,
            RequestedExpiry::At(at) if *at < self.now => "cannot be in the past".to_owned(),
            RequestedExpiry::Invalid(text) => format!("Could not parse timestamp '{text}'"),
            RequestedExpiry::At(_) | RequestedExpiry::Never => return None,
        };
        Some(("expires_at", "Expires at", message))
    }

    pub(super) fn destroy(self, id: &str) -> Result<Reply, Reply> {
        let Record { id, revoked, .. } = *self.find(id)?;
        if !revoked {
            // Revoking a revoked token changes no column, so Rails does not write the row.
            self.store
                .update(id, self.now, |record| record.revoked = true);
        }
        let record = self
            .store
            .get(id)
            .ok_or_else(|| Reply::token_not_found(""))?;
        Ok(Reply::success(
            200,
            self.format().revoked(record, self.secrets),
        ))
    }
}

fn search_failed(error: SearchError) -> Reply {
    match error {
        SearchError::NotSupported(message) => Reply::query_not_supported(&message),
        SearchError::Database(message) | SearchError::Internal(message) => {
            Reply::exception(&message)
        }
    }
}

/// Returns the caller's permissions as a listing shows them.
///
/// Only an administrator can edit, because there is no edit permission.
fn list_permissions(caller: &User) -> ListPermissions {
    ListPermissions {
        can_create: caller.role.has(Permission::Create),
        can_edit: caller.role == Role::Admin,
    }
}

/// Converts the parameter to a name as the model does: a scalar, as text, stripped.
fn token_name(parameter: Option<&Parameter>) -> String {
    let text = match parameter {
        None | Some(Parameter::Null | Parameter::List(_) | Parameter::Map(_)) => String::new(),
        Some(Parameter::Bool(value)) => if *value { "t" } else { "f" }.to_owned(),
        Some(other) => other.to_text(),
    };
    ruby::strip(&text).to_owned()
}
