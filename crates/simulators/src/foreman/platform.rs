//! The handling of a request, step by step in Foreman's own order.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

use super::{
    authentication::{Authenticator, Caller, cookie},
    headers::{ResponseContext, respond},
    instant::{Instant, Zone},
    lockout::Lockout,
    options::{CurrentUser, Options, RowOrder, UnknownUser},
    parameters::{Parameter, Parameters},
    reply::Reply,
    request::{ParsedRequest, Route, WRAPPER},
    ruby,
    secret::Secrets,
    sessions::Sessions,
    store::Store,
    taxonomy::{LOCATION, ORGANIZATION},
    tokens::Operation,
    user_listing,
    users::{Permission, Role, User, Users, is_id_parameter},
};
use crate::{
    Instruments,
    seeding::{Dice, hex},
};

/// A Foreman installation.
#[derive(Debug)]
pub(super) struct Platform {
    pub(super) options: Options,
    pub(super) instruments: Instruments,
    pub(super) users: Users,
    pub(super) secrets: Secrets,
    state: Mutex<State>,
}

/// The state that requests change.
#[derive(Debug)]
pub(super) struct State {
    pub(super) store: Store,
    sessions: Sessions,
    lockout: Lockout,
    request_count: u64,
}

const APIDOC: &str = include_str!("apidoc.json");

impl Platform {
    pub(super) fn new(options: Options, store: Store) -> Self {
        let state = State {
            store,
            sessions: Sessions::new(options.seed, options.idle_timeout),
            lockout: Lockout::new(options.failed_login_limit),
            request_count: 0,
        };
        Self {
            instruments: Instruments::new(options.clock.clone()).with_gzip(options.gzip),
            users: Users::new(&options),
            secrets: Secrets::new(options.seed),
            state: Mutex::new(state),
            options,
        }
    }

    pub(super) fn empty_store(options: &Options) -> Store {
        Store::new(options.row_order == RowOrder::Moving, options.tokens)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Instant {
        self.instruments.clock.now().into()
    }

    pub(super) fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut state = self.state();
        state.request_count += 1;
        let mut context = self.response_context(state.request_count, request);
        let reply = match ParsedRequest::parse(request, &self.options.version) {
            Ok(parsed) => {
                context.root_name = parsed.parameters.root_name().map(str::to_owned);
                self.handle(&mut state, request, &parsed, &mut context)
                    .unwrap_or_else(|reply| reply)
            }
            Err(reply) => reply,
        };
        respond(reply, &context, request.method(), request.headers())
    }

    fn response_context(&self, request_number: u64, request: &Request<Bytes>) -> ResponseContext {
        let dice = Dice::new(self.options.seed);
        let digits = hex(&dice.digest("foreman request", request_number)[..16]);
        let generated_id = format!(
            "{}-{}-4{}-a{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[13..16],
            &digits[17..20],
            &digits[20..]
        );
        let sent_id = request
            .headers()
            .get("x-request-id")
            .and_then(|id| id.to_str().ok());
        ResponseContext {
            release: self
                .options
                .version_header
                .then(|| self.options.version.text().to_owned()),
            request_id: sent_id.map_or(generated_id, str::to_owned),
            runtime: format!("0.{:06}", 10_000 + dice.roll(request_number, 90) % 90_000),
            ..ResponseContext::default()
        }
    }

    fn handle(
        &self,
        state: &mut State,
        request: &Request<Bytes>,
        parsed: &ParsedRequest,
        context: &mut ResponseContext,
    ) -> Result<Reply, Reply> {
        match parsed.route {
            Route::Apidoc => return Ok(Reply::success(200, APIDOC.to_owned())),
            Route::ApidocChecksum => return Err(Reply::no_route()),
            Route::CurrentUser if self.options.current_user == CurrentUser::Absent => {
                return Err(Reply::no_route());
            }
            _ => {}
        }
        let now = self.now();
        let mut authenticator = Authenticator {
            users: &self.users,
            secrets: self.secrets,
            store: &mut state.store,
            sessions: &mut state.sessions,
            lockout: &mut state.lockout,
            now,
        };
        let Caller {
            user: caller,
            new_session,
        } = authenticator.authenticate(request)?;
        context.new_session = new_session;
        self.authorize(caller, &parsed.route)?;
        let location = LOCATION.select(parsed.parameters.get("location_id"))?;
        let organization = ORGANIZATION.select(parsed.parameters.get("organization_id"))?;
        context.taxonomies = Some((organization, location));
        if parsed.route == Route::CurrentUser {
            return Ok(user_listing::current(caller));
        }
        let (Route::Index { user }
        | Route::Show { user, .. }
        | Route::Create { user }
        | Route::Destroy { user, .. }) = &parsed.route
        else {
            return user_listing::index(&self.users, caller, &parsed.parameters);
        };
        let attributes = if matches!(parsed.route, Route::Create { .. }) {
            creation_attributes(parsed)?
        } else {
            Parameters::default()
        };
        let owner = self.owner(caller, user, organization.or(location).is_some())?;
        let zone = caller_zone(caller, request);
        let operation = Operation {
            options: &self.options,
            secrets: self.secrets,
            store: &mut state.store,
            parameters: &parsed.parameters,
            caller,
            owner: owner.id,
            owner_visible: is_owner_visible(caller, owner, user, &parsed.parameters),
            zone: &zone,
            now,
        };
        match &parsed.route {
            Route::Show { id, .. } => operation.show(id),
            Route::Create { .. } => operation.create(&attributes),
            Route::Destroy { id, .. } => operation.destroy(id),
            _ => operation.index(),
        }
    }

    fn authorize(&self, caller: &User, route: &Route) -> Result<(), Reply> {
        let (permission, user) = match route {
            Route::Index { user } | Route::Show { user, .. } => (Permission::View, user),
            Route::Create { user } => (Permission::Create, user),
            Route::Destroy { user, .. } => (Permission::Revoke, user),
            _ => return Ok(()),
        };
        let release = &self.options.version;
        let own_tokens = release.own_tokens_need_no_permission() && is_self(caller, user);
        let by_role = caller.role.has(permission)
            && (permission != Permission::Revoke || release.has_revoke_permission());
        if caller.role == Role::Admin || own_tokens || by_role {
            Ok(())
        } else {
            Err(Reply::access_denied(permission.name()))
        }
    }

    /// Returns the user that the path names by the number at its start; logins are not accepted.
    fn owner(&self, caller: &User, user: &str, in_context: bool) -> Result<&User, Reply> {
        let id = if is_self(caller, user) {
            i128::from(caller.id)
        } else {
            ruby::to_i(user)
        };
        self.users.by_id(id).ok_or_else(|| {
            let quoted = ruby::inspect(user);
            Reply::user_not_found(&match self.options.unknown_user {
                UnknownUser::Unquoted => user.to_owned(),
                UnknownUser::WithCondition if in_context => {
                    format!("{quoted} [WHERE \"taxable_taxonomies\".\"taxonomy_id\" = $1]")
                }
                UnknownUser::Quoted | UnknownUser::WithCondition => quoted,
            })
        })
    }
}

fn is_self(caller: &User, user: &str) -> bool {
    ruby::to_i(user) == i128::from(caller.id)
}

/// Returns whether the caller can see the owner's tokens by this spelling of the owner's id.
///
/// Another user's tokens are visible only by an id in its usual form, unless a context parameter
/// replaces the user as the parent of the search.
fn is_owner_visible(caller: &User, owner: &User, user: &str, parameters: &Parameters) -> bool {
    let parent = parameters
        .names()
        .find(|name| matches!(*name, "user_id" | "organization_id" | "location_id"));
    caller.id == owner.id || is_id_parameter(user) || parent.is_some_and(|name| name != "user_id")
}

/// Returns the attributes of the token to create.
///
/// # Errors
/// The response to a body of the wrong form, checked in Foreman's order.
fn creation_attributes(parsed: &ParsedRequest) -> Result<Parameters, Reply> {
    let attributes = match parsed.parameters.get(WRAPPER) {
        Some(Parameter::Map(attributes)) => attributes.clone(),
        None | Some(Parameter::Null | Parameter::Bool(false)) => Parameters::default(),
        Some(_) => return Err(Reply::unexplained()),
    };
    match parsed.media_type.as_deref() {
        Some("application/json") => Ok(attributes),
        other => Err(Reply::unsupported_media_type(other.unwrap_or_default())),
    }
}

/// Returns the caller's own time zone or else the one in its cookie.
fn caller_zone(caller: &User, request: &Request<Bytes>) -> Zone {
    let from_cookie = || {
        let name = cookie(request.headers(), "timezone")?;
        let name = percent_encoding::percent_decode_str(&name)
            .decode_utf8()
            .ok()?
            .into_owned();
        Zone::named(&name)
    };
    caller
        .zone
        .clone()
        .or_else(from_cookie)
        .unwrap_or(Zone::UTC)
}
