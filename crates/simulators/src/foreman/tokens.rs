//! The four operations on tokens.

use super::{
    expiry::{self, Asked},
    instant::{Instant, Zone},
    listing,
    options::{AskedExpiry, Options},
    order, paging,
    paging::PageError,
    parameters::{Parameter, Parameters},
    people::User,
    reply::Reply,
    ruby,
    search::{self, Predicate, SearchError},
    secret::Secrets,
    store::{Draft, Record, Store},
    wire::{Envelope, Style},
};

/// What an operation works with.
pub(super) struct Operation<'a> {
    pub(super) options: &'a Options,
    pub(super) secrets: Secrets,
    pub(super) store: &'a mut Store,
    pub(super) parameters: &'a Parameters,
    pub(super) caller: &'a User,
    /// Whose tokens these are.
    pub(super) owner: i32,
    /// Whether the caller gets to see any of them by this spelling of the owner's id.
    pub(super) reachable: bool,
    pub(super) zone: &'a Zone,
    pub(super) now: Instant,
}

impl Operation<'_> {
    fn style(&self) -> Style<'_> {
        Style {
            now: self.now,
            zone: self.zone,
            release: &self.options.version,
        }
    }

    /// Nobody has tokens of this owner, so a listing of them is empty.
    fn visible_owner(&self) -> i32 {
        if self.reachable { self.owner } else { 0 }
    }

    pub(super) fn index(self) -> Result<Reply, Reply> {
        let release = &self.options.version;
        let search = self.parameters.get("search");
        let order_parameter = self.parameters.get("order");
        let predicate = self.predicate(search);
        if let Err(SearchError::NotSupported(message)) = &predicate {
            return Err(Reply::query_not_supported(message));
        }
        if let Err(SearchError::Internal(message)) = &predicate {
            return Err(Reply::exception(message));
        }
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
            PageError::Hidden => Reply::unexplained(),
        })?;
        // The database is asked only now, and complains about the condition before the limit.
        let predicate = predicate.map_err(database)?;
        if let Some(message) = &page.refused {
            return Err(Reply::exception(message));
        }
        let owner = self.visible_owner();
        let found = listing::find(self.store, owner, &predicate, order, &page).map_err(database)?;
        let style = self.style();
        let mut items = String::new();
        for record in found.ids.iter().filter_map(|id| self.store.get(*id)) {
            items.push_str(if items.is_empty() { "{" } else { ",{" });
            style.token(record, &mut items);
            items.push('}');
        }
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
                .map(|_| permissions(self.caller)),
            root_name: root_name(self.parameters).unwrap_or("results"),
        };
        Ok(Reply::success(200, envelope.around(&items)))
    }

    fn predicate(&self, search: Option<&Parameter>) -> Result<Predicate, SearchError> {
        let shown = match search {
            None | Some(Parameter::Null) => return Ok(Predicate::All),
            Some(Parameter::Text(query)) => {
                let engine = self.options.search_engine.into();
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
        let record = self.find(id)?;
        let mut token = String::from("{");
        self.style().token(record, &mut token);
        token.push('}');
        if let Some(root) = root_name(self.parameters) {
            token = format!("{{{}:{token}}}", super::reply::text(root));
        }
        Ok(Reply::success(200, token))
    }

    /// A token by the number its id begins with.
    fn find(&self, id: &str) -> Result<&Record, Reply> {
        i32::try_from(ruby::to_i(id))
            .ok()
            .and_then(|number| self.store.get(number))
            .filter(|record| record.user_id == self.visible_owner())
            .ok_or_else(|| Reply::no_token(id))
    }

    pub(super) fn create(mut self) -> Result<Reply, Reply> {
        let attributes = match self.parameters.get("personal_access_token") {
            Some(Parameter::Map(attributes)) => attributes.clone(),
            None | Some(Parameter::Null | Parameter::Bool(false)) => Parameters::default(),
            Some(_) => return Err(Reply::unexplained()),
        };
        let name = name(attributes.get("name"));
        if name.contains('\0') {
            // The insertion fails late enough to use up an id.
            self.store.skip_id();
            return Err(Reply::exception("string contains null byte"));
        }
        let asked = expiry::read(attributes.get("expires_at"), self.now, self.zone);
        let errors = self.errors(&name, &asked);
        if !errors.is_empty() {
            return Err(Reply::invalid(&errors));
        }
        let expires = match (asked, self.options.asked_expiry) {
            (Asked::At(at), AskedExpiry::Kept) => Some(at),
            (Asked::At(at), AskedExpiry::Shifted) => Some(at.an_hour_later()),
            (Asked::At(_), AskedExpiry::Dropped) | (Asked::Never | Asked::Unreadable(_), _) => None,
        };
        let draft = Draft {
            user_id: self.owner,
            name: name.into(),
            created: self.now,
            expires,
        };
        let id = self.store.add(draft);
        let mut token = format!("{{\"token_value\":\"{}\",", self.secrets.of(id));
        if let Some(record) = self.store.get(id) {
            self.style().token(record, &mut token);
        }
        token.push('}');
        Ok(Reply::success(201, token))
    }

    fn errors(&mut self, name: &str, asked: &Asked) -> Vec<(&'static str, &'static str, String)> {
        let mut errors = Vec::new();
        if ruby::is_blank(name) {
            errors.push(("name", "Name", "can't be blank".to_owned()));
        } else if self.store.has_name(self.owner, name) {
            errors.push(("name", "Name", "has already been taken".to_owned()));
        }
        if self.options.version.validates_expiry() {
            let message = match asked {
                Asked::At(at) if *at < self.now => Some("cannot be in the past".to_owned()),
                Asked::Unreadable(text) => Some(format!("Could not parse timestamp '{text}'")),
                Asked::At(_) | Asked::Never => None,
            };
            errors.extend(message.map(|message| ("expires_at", "Expires at", message)));
        }
        errors
    }

    pub(super) fn destroy(self, id: &str) -> Result<Reply, Reply> {
        let (id, revoked) = {
            let record = self.find(id)?;
            (record.id, record.revoked)
        };
        if !revoked {
            // A second revocation changes nothing, so nothing is written.
            self.store
                .update(id, self.now, |record| record.revoked = true);
        }
        let record = self.store.get(id).ok_or_else(|| Reply::no_token(""))?;
        Ok(Reply::success(
            200,
            self.style().revoked(record, self.secrets),
        ))
    }
}

fn database(error: SearchError) -> Reply {
    match error {
        SearchError::NotSupported(message) => Reply::query_not_supported(&message),
        SearchError::Database(message) | SearchError::Internal(message) => {
            Reply::exception(&message)
        }
    }
}

/// Whether the caller may create and edit. Nobody but an administrator edits: there is no such permission.
fn permissions(caller: &User) -> (bool, bool) {
    use super::people::{Right, Role};
    (caller.role.may(Right::Create), caller.role == Role::Admin)
}

/// The name that a caller gives to the list or the object.
pub(super) fn root_name(parameters: &Parameters) -> Option<&str> {
    match parameters.get("root_name") {
        Some(parameter @ Parameter::Text(text)) if !parameter.is_blank() => Some(text),
        _ => None,
    }
}

/// A name as the model takes it: one value, as text, without white space around it.
fn name(parameter: Option<&Parameter>) -> String {
    let text = match parameter {
        None | Some(Parameter::Null | Parameter::List(_) | Parameter::Map(_)) => String::new(),
        Some(Parameter::Bool(value)) => if *value { "t" } else { "f" }.to_owned(),
        Some(other) => other.to_text(),
    };
    ruby::strip(&text).to_owned()
}
