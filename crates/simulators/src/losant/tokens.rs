//! The operations on tokens.

use bytes::Bytes;
use http::{Request, Response};

use super::{
    Platform, USER_NAME,
    body::{Patch, Post},
    caller::Caller,
    error::Error,
    extras,
    listing::{ListRequest, glob},
    options::Collection,
    record::{Record, Roles},
    scope,
    store::Store,
    wire::{self, ApiToken, ApiTokens, Extras, Owner, TokenContext},
};
use crate::{response, target::Target};

impl Platform {
    /// Lists a collection.
    pub(super) fn list(
        &self,
        collection: Collection,
        owner: &Owner,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        let request = ListRequest::parse(target, &self.options)?;
        let extras = extras(target);
        let mut store = self.store();
        let passes = |value: &str| {
            let pattern = request.filter.as_ref().map(|filter| &filter.pattern);
            pattern.is_none_or(|pattern| glob(pattern, value, self.options.glob_case))
        };
        let matching = store.matching(collection, request.sort, request.filter.as_ref(), passes);
        let total = matching.len();
        let size = usize::try_from(request.per_page).unwrap_or(usize::MAX);
        let start = usize::try_from(request.page)
            .unwrap_or(usize::MAX)
            .saturating_mul(size);
        let slots: Vec<u32> = if request.descending {
            matching
                .iter()
                .rev()
                .skip(start)
                .take(size)
                .copied()
                .collect()
        } else {
            matching.iter().skip(start).take(size).copied().collect()
        };
        let store = &*store;
        let ids: Vec<String> = slots.iter().map(|slot| store.id(*slot)).collect();
        let items: Vec<ApiToken<'_>> = slots
            .iter()
            .zip(&ids)
            .filter_map(|(slot, id)| {
                let record = store.get(*slot)?;
                Some(self.render(store, record, id, owner, extras))
            })
            .collect();
        let filter = request.filter.as_ref();
        let content = format!("{} {} {}", ids.concat(), total, request.page);
        let page = ApiTokens {
            count: items.len(),
            items,
            total_count: total,
            per_page: request.per_page,
            page: request.page,
            filter: filter.map(|filter| filter.pattern.as_str()),
            filter_field: filter.and_then(|_| target.parameter("filterField")),
            sort_field: &request.sort_name,
            sort_direction: &request.direction,
            owner_id: &owner.id,
            owner_type: owner.kind,
            resource: "apiTokens",
            links: extras.links.then(|| wire::collection_links(owner)),
            actions: extras.actions.then(|| wire::collection_actions(owner)),
            etag: wire::etag(&content),
        };
        Ok(response::json(200, &page))
    }

    /// Creates a token.
    pub(super) fn create(
        &self,
        collection: Collection,
        owner: &Owner,
        caller: &Caller,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        let now = self.now();
        let options = &self.options;
        let post = Post::parse(request.body(), options.api, options.past_expiry, now)?;
        let scopes = post
            .scope
            .unwrap_or_else(|| vec![scope::default_scope(collection).to_owned()]);
        let mut store = self.store();
        let scopes = store.scope_set(scopes);
        let slot = store.add(Record {
            name: self.options.stored_names.stored(post.name).into(),
            description: post.description.map(Into::into),
            created: now.as_millisecond(),
            updated: now.as_millisecond(),
            expires: post.expires,
            status: post.status,
            collection,
            scopes,
            creator: caller
                .token
                .as_ref()
                .map(|(_, creator)| Box::new(creator.clone())),
            roles: box_roles(post.roles),
        });
        let jwt = self.jwt(&store, slot);
        Ok(self.show(&store, slot, owner, extras(target), 201, Some(&jwt)))
    }

    /// Updates a token.
    pub(super) fn update(
        &self,
        store: &mut Store,
        slot: u32,
        owner: &Owner,
        request: &Request<Bytes>,
        target: &Target,
    ) -> Result<Response<Bytes>, Error> {
        let patch = Patch::parse(request.body(), self.options.api)?;
        let now = self.now().as_millisecond();
        store.change(slot, |record| {
            if let Some(name) = patch.name {
                record.name = self.options.stored_names.stored(name).into();
            }
            if let Some(description) = patch.description {
                record.description = Some(description.into());
            }
            if let Some(status) = patch.status {
                record.status = status;
            }
            if let Some(changed) = box_roles(patch.roles) {
                let roles = record.roles.get_or_insert_default();
                roles.default_role = changed.default_role.or(roles.default_role.take());
                roles.org_roles = changed.org_roles.or(roles.org_roles.take());
            }
            record.updated = now;
        });
        Ok(self.show(store, slot, owner, extras(target), 200, None))
    }

    /// Returns a response that shows a token.
    pub(super) fn show(
        &self,
        store: &Store,
        slot: u32,
        owner: &Owner,
        extras: Extras,
        status: u16,
        jwt: Option<&str>,
    ) -> Response<Bytes> {
        let id = store.id(slot);
        match store.get(slot) {
            Some(record) => {
                let mut body = self.render(store, record, &id, owner, extras);
                body.token = jwt;
                response::json(status, &body)
            }
            None => Error::not_found("API Token").response(),
        }
    }

    /// Converts a record into JSON.
    fn render<'a>(
        &'a self,
        store: &'a Store,
        record: &'a Record,
        id: &'a str,
        owner: &'a Owner,
        extras: Extras,
    ) -> ApiToken<'a> {
        let context = TokenContext {
            id,
            scope: store.scopes(record),
            owner,
            user_id: &self.user_id,
            user_name: USER_NAME,
            no_expiry: self.options.no_expiry,
            extras,
        };
        ApiToken::new(record, context)
    }
}

/// Boxes the roles, if there are any.
fn box_roles(roles: Roles) -> Option<Box<Roles>> {
    (roles.default_role.is_some() || roles.org_roles.is_some()).then(|| Box::new(roles))
}
