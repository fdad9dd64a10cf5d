//! Calling the provider, with the checks that every case needs.

use tokenfleet_core::adapter::{Page, PageRequest};
use tokenfleet_core::query::SortBy;
use tokenfleet_core::{
    CreateToken, Direction, IssuedToken, Listing, Query, Result, Revocation, RevokeOptions, Token,
    TokenId, TokenList, TokenProvider, TokenProviderExt, TokenRef,
};

use super::{Harness, LiveToken, ids_of};
use crate::case_result::{CaseResult, expect_ok, fail};

/// Returns the consent to everything that a revocation may do besides revoking the token.
pub(crate) fn full_consent() -> RevokeOptions {
    RevokeOptions::accept_replacement().with_cascade_accepted()
}

impl Harness {
    /// Creates a token through the provider, if the account has room.
    pub(crate) async fn create(&self, request: CreateToken) -> CaseResult<IssuedToken> {
        self.require_room(1).await?;
        expect_ok(self.provider.create(request).await, "a token is created")
    }

    /// Returns how the provider refers to a token when it revokes: by id if it supports that.
    pub(crate) fn token_ref<'a>(&self, token: &'a LiveToken) -> TokenRef<'a> {
        if self.revokes_by_id() {
            (&token.id).into()
        } else {
            (&token.secret).into()
        }
    }

    /// Revokes a token with full consent.
    pub(crate) async fn try_revoke(&self, token: &LiveToken) -> Result<Revocation> {
        let options = full_consent();
        self.provider.revoke(self.token_ref(token), options).await
    }

    /// Revokes a token, which must succeed.
    pub(crate) async fn revoke(&self, token: &LiveToken) -> CaseResult<Revocation> {
        expect_ok(self.try_revoke(token).await, "a token is revoked")
    }

    /// Lists all tokens that match a query.
    pub(crate) async fn list(&self, query: Query, expected: &str) -> CaseResult<TokenList> {
        expect_ok(self.provider.list_all(query).await, expected)
    }

    /// Returns the ids of all tokens that match a query.
    pub(crate) async fn list_ids(&self, query: Query, expected: &str) -> CaseResult<Vec<TokenId>> {
        Ok(ids_of(&self.list(query, expected).await?.tokens))
    }

    /// Starts a listing.
    pub(crate) fn start_listing(&self, query: Query) -> CaseResult<Listing<'_>> {
        expect_ok(self.provider.list(query), "a listing starts")
    }

    /// Reads one token, alone or in a listing; `None` if the provider can do neither.
    pub(crate) async fn read(&self, id: &TokenId) -> CaseResult<Option<Token>> {
        if self.capabilities().get {
            let token = self.provider.get(id).await;
            return expect_ok(token, "an existing token is read").map(Some);
        }
        if self.capabilities().list.is_none() {
            return Ok(None);
        }
        let list = self.list(Query::new(), "the tokens are listed").await?;
        match list.tokens.into_iter().find(|token| token.id == *id) {
            Some(token) => Ok(Some(token)),
            None => fail(
                "an existing token is listed",
                format!("{id} is not in the listing"),
            ),
        }
    }

    /// Returns the request for a first page, in a stable order if the platform declares one.
    pub(crate) fn first_page(&self) -> PageRequest {
        let list = self.capabilities().list.as_ref();
        let stable = list.and_then(|list| list.orders.iter().find(|order| order.stable));
        let mut request = PageRequest::first();
        request.sort = stable.map(|order| {
            let direction = order.direction.unwrap_or(Direction::Ascending);
            SortBy::new(order.key, direction)
        });
        request
    }

    /// Reads one page.
    pub(crate) async fn page(&self, request: PageRequest, expected: &str) -> CaseResult<Page> {
        expect_ok(self.provider.list_page(request).await, expected)
    }

    /// Reads this page and all following ones as the platform returns them.
    pub(crate) async fn all_pages(&self, mut request: PageRequest) -> CaseResult<Vec<Page>> {
        let max_pages = self.token_count().await + 3;
        let mut pages = Vec::new();
        loop {
            let page = self.page(request.clone(), "a page is read").await?;
            let next = page.next.clone();
            pages.push(page);
            match next {
                None => return Ok(pages),
                Some(_) if pages.len() > max_pages => {
                    return fail(
                        "the pages come to an end",
                        format!("after {} pages there are still more", pages.len()),
                    );
                }
                Some(position) => request = request.position(position),
            }
        }
    }

    /// Returns the tokens of this page and all following ones.
    pub(crate) async fn tokens_on_pages(&self, request: PageRequest) -> CaseResult<Vec<Token>> {
        let pages = self.all_pages(request).await?;
        Ok(pages.into_iter().flat_map(|page| page.tokens).collect())
    }
}
