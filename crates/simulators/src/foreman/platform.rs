//! The way of a request through the application, step by step in the platform's own order.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

use super::{
    authentication::{Caller, Gate, cookie},
    headers::{Surroundings, respond},
    incoming::{Incoming, Route},
    instant::{Instant, Zone},
    options::{Options, RowOrder, UnknownUser},
    parameters::Parameter,
    people::{LOCATION, ORGANIZATION, People, Right, Role, Taxonomy, User, is_plain_user_id},
    reply::Reply,
    ruby,
    secret::Secrets,
    sessions::{Lockout, Sessions},
    store::Store,
    tokens::{Operation, root_name},
    users,
};
use crate::{
    Instruments,
    seeding::{Dice, hex},
};

/// One installation.
#[derive(Debug)]
pub(super) struct Platform {
    pub(super) options: Options,
    pub(super) instruments: Instruments,
    pub(super) people: People,
    pub(super) secrets: Secrets,
    state: Mutex<State>,
}

/// What requests change.
#[derive(Debug)]
pub(super) struct State {
    pub(super) store: Store,
    sessions: Sessions,
    lockout: Lockout,
    requests: u64,
}

const APIDOC: &str = include_str!("apidoc.json");

impl Platform {
    pub(super) fn new(options: Options, store: Store) -> Self {
        let state = State {
            store,
            sessions: Sessions::new(options.seed, options.idle_timeout),
            lockout: Lockout::new(options.failed_login_limit),
            requests: 0,
        };
        Self {
            instruments: Instruments::new(options.clock.clone()),
            people: People::new(&options),
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
        state.requests += 1;
        let mut around = self.surroundings(state.requests, request);
        let reply = match Incoming::read(request, &self.options.version) {
            Ok(incoming) => {
                around.root_name = root_name(&incoming.parameters).map(str::to_owned);
                self.run(&mut state, request, &incoming, &mut around)
                    .unwrap_or_else(|reply| reply)
            }
            Err(reply) => reply,
        };
        respond(reply, &around, request.method(), request.headers())
    }

    fn surroundings(&self, number: u64, request: &Request<Bytes>) -> Surroundings {
        let dice = Dice::new(self.options.seed);
        let id = hex(&dice.digest("foreman request", number)[..16]);
        let own = format!(
            "{}-{}-4{}-a{}-{}",
            &id[..8],
            &id[8..12],
            &id[13..16],
            &id[17..20],
            &id[20..]
        );
        let asked = request
            .headers()
            .get("x-request-id")
            .and_then(|id| id.to_str().ok());
        Surroundings {
            release: self
                .options
                .version_header
                .then(|| self.options.version.text().to_owned()),
            request_id: asked.map_or(own, str::to_owned),
            runtime: format!("0.{:06}", 10_000 + dice.roll(number, 90) % 90_000),
            ..Surroundings::default()
        }
    }

    fn run(
        &self,
        state: &mut State,
        request: &Request<Bytes>,
        incoming: &Incoming,
        around: &mut Surroundings,
    ) -> Result<Reply, Reply> {
        match incoming.route {
            Route::Apidoc => return Ok(Reply::success(200, APIDOC.to_owned())),
            Route::ApidocChecksum => return Err(Reply::no_route()),
            _ => {}
        }
        let now = self.now();
        let mut gate = Gate {
            people: &self.people,
            secrets: self.secrets,
            store: &mut state.store,
            sessions: &mut state.sessions,
            lockout: &mut state.lockout,
            now,
        };
        let Caller {
            user: caller,
            new_session,
        } = gate.admit(request)?;
        around.new_session = new_session;
        self.authorize(caller, &incoming.route)?;
        let location = taxonomy("Location", LOCATION, incoming.parameters.get("location_id"))?;
        let organization = taxonomy(
            "Organization",
            ORGANIZATION,
            incoming.parameters.get("organization_id"),
        )?;
        around.context = Some((organization, location));
        let (Route::Index { user }
        | Route::Show { user, .. }
        | Route::Create { user }
        | Route::Destroy { user, .. }) = &incoming.route
        else {
            return users::index(&self.people, caller, &incoming.parameters);
        };
        if let Route::Create { .. } = incoming.route {
            check_body(incoming)?;
        }
        let owner = self.owner(caller, user, organization.or(location).is_some())?;
        let zone = zone(caller, request);
        let operation = Operation {
            options: &self.options,
            secrets: self.secrets,
            store: &mut state.store,
            parameters: &incoming.parameters,
            caller,
            owner: owner.id,
            reachable: reachable(caller, owner, user, incoming),
            zone: &zone,
            now,
        };
        match &incoming.route {
            Route::Show { id, .. } => operation.show(id),
            Route::Create { .. } => operation.create(),
            Route::Destroy { id, .. } => operation.destroy(id),
            _ => operation.index(),
        }
    }

    fn authorize(&self, caller: &User, route: &Route) -> Result<(), Reply> {
        let (right, user) = match route {
            Route::Index { user } | Route::Show { user, .. } => (Right::View, user),
            Route::Create { user } => (Right::Create, user),
            Route::Destroy { user, .. } => (Right::Revoke, user),
            _ => return Ok(()),
        };
        let release = &self.options.version;
        let own = release.own_tokens_need_no_permission() && is_self(caller, user);
        let by_role =
            caller.role.may(right) && (right != Right::Revoke || release.others_may_revoke());
        if caller.role == Role::Admin || own || by_role {
            Ok(())
        } else {
            Err(Reply::lacks(right))
        }
    }

    /// The user in the path, by the number that the path begins with; a login is none.
    fn owner(&self, caller: &User, user: &str, in_context: bool) -> Result<&User, Reply> {
        let number = if is_self(caller, user) {
            i128::from(caller.id)
        } else {
            ruby::to_i(user)
        };
        self.people.by_id(number).ok_or_else(|| {
            let quoted = ruby::inspect(user);
            Reply::no_user(&match self.options.unknown_user {
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

/// Somebody else's tokens are found only by a plain id, unless a context replaces the user as the
/// parent of the search.
fn reachable(caller: &User, owner: &User, user: &str, incoming: &Incoming) -> bool {
    let parent = incoming
        .parameters
        .names()
        .find(|name| matches!(*name, "user_id" | "organization_id" | "location_id"));
    caller.id == owner.id || is_plain_user_id(user) || parent.is_some_and(|name| name != "user_id")
}

/// What a context parameter means; blank is any context.
fn taxonomy(
    kind: &str,
    existing: Taxonomy,
    parameter: Option<&Parameter>,
) -> Result<Option<Taxonomy>, Reply> {
    let Some(parameter) = parameter.filter(|parameter| !parameter.is_blank()) else {
        return Ok(None);
    };
    let text = parameter.to_text();
    if existing.is_meant_by(&text) {
        Ok(Some(existing))
    } else {
        Err(Reply::no_taxonomy(kind, &text))
    }
}

/// A body that is not what a creation takes, in the order in which the platform notices.
fn check_body(incoming: &Incoming) -> Result<(), Reply> {
    let wrapped = incoming.parameters.get("personal_access_token");
    if !matches!(
        wrapped,
        None | Some(Parameter::Map(_) | Parameter::Null | Parameter::Bool(false))
    ) {
        return Err(Reply::unexplained());
    }
    match incoming.media_type.as_deref() {
        Some("application/json") => Ok(()),
        other => Err(Reply::unsupported_media_type(other.unwrap_or_default())),
    }
}

/// The caller's own zone, else the one in its cookie.
fn zone(caller: &User, request: &Request<Bytes>) -> Zone {
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
