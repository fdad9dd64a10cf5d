//! `/orgs/{org}/services/`: list, read, create, update, delete and refresh service accounts.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Platform, State, USERNAME,
    caller::Caller,
    error::Error,
    login::object,
    options::{
        CreatedStatus, DuplicateName, Mask, NameQuery, OrganizationRole, SlugOnRename,
        UnknownService,
    },
    pages::Page,
    service_store::Service,
    tokens::{format_time, mask_key},
};
use crate::{response, target::Target};

const MAX_NAME_LENGTH: usize = 120;
const MAX_DESCRIPTION_LENGTH: usize = 1024;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3600 * SECOND;

/// A service account as JSON.
#[derive(Debug, Serialize)]
struct ServiceObject<'a> {
    created_at: String,
    created_by: &'static str,
    created_by_url: &'static str,
    description: Option<&'a str>,
    key: String,
    key_expires_at: Option<String>,
    name: &'a str,
    role: &'static str,
    slug: &'a str,
    teams: &'a [Value],
}

/// The operation that a service account is looked up for, in the vendor's words about a failure.
#[derive(Clone, Copy, Debug)]
enum Lookup {
    Read,
    Update,
    Delete,
    Refresh,
}

impl Platform {
    /// Serves a request for the service accounts of an organisation.
    pub(super) fn serve_services(
        &self,
        state: &mut State,
        method: &Method,
        caller: Caller,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        self.check_manager(state, caller)?;
        if method == Method::POST {
            self.create_service(state, request)
        } else {
            self.list_services(state, request, target)
        }
    }

    /// Serves a request for one service account.
    pub(super) fn serve_service(
        &self,
        state: &mut State,
        method: &Method,
        caller: Caller,
        slug: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        self.check_manager(state, caller)?;
        if method == Method::PATCH {
            return self.update_service(state, slug, request);
        }
        if method == Method::DELETE {
            let slot = self.find(state, slug, Lookup::Delete)?;
            let gone_from = self.now().as_microsecond() + self.lag();
            state.services.delete(slot, gone_from);
            return Ok(response::empty(204));
        }
        let slot = self.find(state, slug, Lookup::Read)?;
        self.service_response(state, slot, 200, Some(Mask::LastFour))
    }

    /// Serves `POST …/{service}/refresh/`.
    pub(super) fn refresh_service(
        &self,
        state: &mut State,
        caller: Caller,
        slug: &str,
    ) -> Result<Response<Bytes>, Error> {
        self.check_manager(state, caller)?;
        let slot = self.find(state, slug, Lookup::Refresh)?;
        let now = self.now().as_microsecond();
        let expires = self.key_expiry(now);
        state.services.refresh(slot, now, expires, &self.options);
        self.service_response(state, slot, 200, None)
    }

    /// Returns an error unless the caller may manage the organisation.
    fn check_manager(&self, state: &State, caller: Caller) -> Result<(), Error> {
        let is_manager = match caller {
            Caller::Anonymous => false,
            Caller::User => self.options.organization_role == OrganizationRole::Manager,
            Caller::Service(slot) => {
                let service = state.services.get(slot);
                service.is_some_and(|service| service.is_manager)
            }
        };
        if is_manager {
            Ok(())
        } else if self.options.organization_role == OrganizationRole::HiddenMember {
            Err(Error::not_found())
        } else {
            let detail = "You do not have permission to perform this action.";
            Err(Error::new(403, detail))
        }
    }

    /// Returns the slot of a service account that can be read by now.
    fn find(&self, state: &State, slug: &str, lookup: Lookup) -> Result<u32, Error> {
        let now = self.now().as_microsecond();
        let found = state.services.by_slug(slug);
        let found = found.filter(|slot| {
            let service = state.services.get(*slot);
            service.is_some_and(|service| service.visible_from <= now)
        });
        found.ok_or_else(|| match (self.options.unknown_service, lookup) {
            (UnknownService::NotFound, _) | (_, Lookup::Read | Lookup::Update) => {
                Error::not_found()
            }
            (UnknownService::BadRequest, Lookup::Delete) => {
                Error::new(400, "The service cannot be deleted.")
            }
            (UnknownService::BadRequest, Lookup::Refresh) => {
                Error::new(400, "The service token cannot be refreshed.")
            }
        })
    }

    /// Serves the list: a bare array, with the totals in headers.
    fn list_services(
        &self,
        state: &State,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        let now = self.now().as_microsecond();
        let query = target.parameter("query").unwrap_or_default();
        let mut found: Vec<(u32, &Service)> = state
            .services
            .slots()
            .filter_map(|slot| Some((slot, state.services.get(slot)?)))
            .filter(|(_, service)| service.visible_from <= now)
            .filter(|(_, service)| self.matches(service, query))
            .collect();
        let sort = target.parameter("sort").unwrap_or_default();
        match sort.strip_prefix('-').unwrap_or(sort) {
            "name" => found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name)),
            "role" => found.sort_by_key(|(_, service)| role(service)),
            _ => found.sort_by_key(|(_, service)| service.created),
        }
        if sort.starts_with('-') {
            found.reverse();
        }
        let page = Page::parse(target, found.len(), &self.options)?;
        let services: Vec<_> = found[page.range()]
            .iter()
            .map(|(_, service)| self.service_object(service, Some(Mask::LastFour)))
            .collect();
        let mut response = response::json(200, &services);
        page.add_headers(&mut response, request, target, &self.options);
        Ok(response)
    }

    /// Returns `true` if a service account matches each term of a search.
    fn matches(&self, service: &Service, query: &str) -> bool {
        let name = service.name.to_lowercase();
        let has_name = |text: &str| match self.options.name_query {
            NameQuery::Part => name.contains(text),
            NameQuery::Whole => name == text,
        };
        let query = query.to_lowercase();
        let mut terms = query.split_whitespace().filter(|term| *term != "and");
        terms.all(|term| match term.split_once(':') {
            Some(("name", text)) => has_name(text.trim_matches('"')),
            Some(("role", text)) => role(service).eq_ignore_ascii_case(text.trim_matches('"')),
            _ => has_name(term),
        })
    }

    /// Serves the creation: the only other response with a whole key.
    fn create_service(
        &self,
        state: &mut State,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let body = object(request.body())?;
        if !body.contains_key("name") {
            return Err(Error::invalid("name", "This field is required."));
        }
        let change = Change::parse(&body)?;
        let name = change.name.unwrap_or_default();
        self.check_name(state, &name, None)?;
        let now = self.now().as_microsecond();
        let slot = state.services.add(Service {
            slug: String::new(),
            key: String::new(),
            name,
            description: change.description.unwrap_or_default(),
            is_manager: change.is_manager.unwrap_or_default(),
            teams: change.teams.unwrap_or_default(),
            created: now,
            expires: self.key_expiry(now),
            visible_from: now + self.lag(),
            gone_from: None,
        });
        let status = match self.options.created_status {
            CreatedStatus::Ok => 200,
            CreatedStatus::Created => 201,
        };
        self.service_response(state, slot, status, None)
    }

    /// Serves `PATCH`: only what the body names changes.
    fn update_service(
        &self,
        state: &mut State,
        slug: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let slot = self.find(state, slug, Lookup::Update)?;
        let change = Change::parse(&object(request.body())?)?;
        if let Some(name) = &change.name {
            self.check_name(state, name, Some(slot))?;
        }
        let is_renamed = change.name.is_some();
        if let Some(service) = state.services.get_mut(slot) {
            change.apply(service);
        }
        if is_renamed && self.options.slug_on_rename == SlugOnRename::Follows {
            state.services.renew_slug(slot);
        }
        self.service_response(state, slot, 200, Some(Mask::LastFour))
    }

    /// Returns an error for a name that another service account has, if names are unique.
    fn check_name(&self, state: &State, name: &str, own: Option<u32>) -> Result<(), Error> {
        let mut others = state.services.slots().filter(|slot| Some(*slot) != own);
        let is_taken = self.options.duplicate_name == DuplicateName::Refused
            && others.any(|slot| {
                let service = state.services.get(slot);
                service.is_some_and(|service| service.name == name)
            });
        if is_taken {
            return Err(Error::invalid("name", "This field must be unique."));
        }
        Ok(())
    }

    /// Returns the expiry of a key that is issued now, by the policy of the organisation.
    pub(super) fn key_expiry(&self, now: i64) -> Option<i64> {
        let days = self.options.key_policy_days?;
        Some(now + i64::from(days) * DAY)
    }

    /// Returns the time in microseconds after which a change is seen.
    fn lag(&self) -> i64 {
        i64::from(self.options.service_lag) * SECOND
    }

    /// Returns a response that shows a service account.
    fn service_response(
        &self,
        state: &State,
        slot: u32,
        status: u16,
        mask: Option<Mask>,
    ) -> Result<Response<Bytes>, Error> {
        let service = state.services.get(slot).ok_or_else(Error::not_found)?;
        Ok(response::json(status, &self.service_object(service, mask)))
    }

    fn service_object<'a>(&self, service: &'a Service, mask: Option<Mask>) -> ServiceObject<'a> {
        let time = |microseconds| format_time(microseconds, self.options.times);
        ServiceObject {
            created_at: time(service.created),
            created_by: USERNAME,
            created_by_url: "https://api.cloudsmith.io/users/profile/example-user/",
            description: service.description.as_deref(),
            key: match mask {
                Some(mask) => mask_key(&service.key, mask),
                None => service.key.clone(),
            },
            key_expires_at: service.expires.map(time),
            name: &service.name,
            role: role(service),
            slug: &service.slug,
            teams: &service.teams,
        }
    }
}

/// Returns the role of a service account in the organisation.
fn role(service: &Service) -> &'static str {
    if service.is_manager {
        "Manager"
    } else {
        "Member"
    }
}

/// The fields that a body names.
#[derive(Debug, Default)]
struct Change {
    name: Option<String>,
    description: Option<Option<String>>,
    is_manager: Option<bool>,
    teams: Option<Vec<Value>>,
}

impl Change {
    /// Parses the fields of a body; others are ignored.
    fn parse(body: &Map<String, Value>) -> Result<Self, Error> {
        let mut change = Self::default();
        if let Some(name) = body.get("name") {
            change.name = text("name", name, MAX_NAME_LENGTH)?;
            if change.name.is_none() {
                return Err(Error::invalid("name", "This field may not be null."));
            }
        }
        if let Some(description) = body.get("description") {
            let description = text("description", description, MAX_DESCRIPTION_LENGTH)?;
            change.description = Some(description);
        }
        match body.get("role") {
            None => {}
            Some(Value::String(role)) if role == "Manager" => change.is_manager = Some(true),
            Some(Value::String(role)) if role == "Member" => change.is_manager = Some(false),
            Some(other) => {
                let problem = format!("{other} is not a valid choice.");
                return Err(Error::invalid("role", &problem));
            }
        }
        match body.get("teams") {
            None => {}
            Some(Value::Array(teams)) if teams.iter().all(|team| team["slug"].is_string()) => {
                change.teams = Some(teams.clone());
            }
            Some(_) => return Err(Error::invalid("teams", "This field is required.")),
        }
        Ok(change)
    }

    fn apply(self, service: &mut Service) {
        if let Some(name) = self.name {
            service.name = name;
        }
        if let Some(description) = self.description {
            service.description = description;
        }
        if let Some(is_manager) = self.is_manager {
            service.is_manager = is_manager;
        }
        if let Some(teams) = self.teams {
            service.teams = teams;
        }
    }
}

/// Parses a text of a bounded length, or null.
fn text(field: &str, value: &Value, max_length: usize) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => {
            Err(Error::invalid(field, "This field may not be blank."))
        }
        Value::String(text) if text.chars().count() > max_length => {
            let problem = format!("Ensure this field has no more than {max_length} characters.");
            Err(Error::invalid(field, &problem))
        }
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Error::invalid(field, "Not a valid string.")),
    }
}
