//! The kinds of platforms that the reference platform can be.

use std::time::Duration;

use tokenfleet_core::capability::{
    ArgumentSupport, CreateCapability, FilterCapability, ListCapability, OrderCapability, Paging,
    RenewCapability, RenewedSecret, RevokeCapability, TokenField, UpdateCapability,
};
use tokenfleet_core::{Capabilities, Direction, RevocationEffect, SortKey, TokenState};

const DAY: Duration = Duration::from_secs(86_400);

/// A kind of platform: its capabilities, and how long its tokens live.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MemoryProfile {
    /// The capabilities that the provider declares and the platform has.
    pub capabilities: Capabilities,
    /// The lifetime of a token created without an expiry; `None` if it never expires.
    pub default_lifetime: Option<Duration>,
    name: &'static str,
}

impl MemoryProfile {
    /// Creates a platform that deletes revoked tokens.
    ///
    /// It lists tokens by id in numbered pages, and can update and suspend them.
    #[must_use]
    pub fn deleting() -> Self {
        let list = ListCapability::new(Paging::Numbered)
            .with_max_page_size(1000)
            .with_default_page_size(30)
            .with_totals()
            .with_order(
                OrderCapability::new(SortKey::Id)
                    .with_exact_order()
                    .with_stable_keys()
                    .with_append_only(),
            )
            .with_order(OrderCapability::new(SortKey::Name))
            .with_order(OrderCapability::new(SortKey::Expiry))
            .with_filters(
                FilterCapability::for_names()
                    .with_states([TokenState::Active, TokenState::Suspended]),
            );
        let create = CreateCapability::new()
            .with_required_name()
            .with_max_name_length(255)
            .with_description()
            .with_expiry()
            .with_scopes()
            .with_suspended();
        let update = UpdateCapability::new()
            .with_name(Some(255))
            .with_description()
            .with_suspension();
        Self::new(
            "deleting",
            Capabilities::none()
                .with_list(list)
                .with_get()
                .with_create(create)
                .with_update(update)
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
                .with_reported_fields(
                    TokenField::ALL
                        .into_iter()
                        .filter(|f| *f != TokenField::LastUsed),
                ),
        )
    }

    /// Creates a platform that keeps revoked tokens, marked as revoked, and their names.
    ///
    /// It lists tokens by id in numbered pages and cannot update them.
    #[must_use]
    pub fn retaining() -> Self {
        let list = ListCapability::new(Paging::Numbered)
            .with_default_page_size(20)
            .with_totals()
            .without_vanishing_tokens()
            .with_order(
                OrderCapability::new(SortKey::Id)
                    .with_exact_order()
                    .with_stable_keys()
                    .with_append_only(),
            )
            .with_order(OrderCapability::new(SortKey::Name))
            .with_filters(FilterCapability::for_names().with_combinations());
        Self::new(
            "retaining",
            Capabilities::none()
                .with_list(list)
                .with_get()
                .with_create(
                    CreateCapability::new()
                        .with_required_name()
                        .with_unique_names()
                        .with_expiry(),
                )
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Marked))
                .with_verify()
                .with_reported_fields([
                    TokenField::Name,
                    TokenField::CreatedAt,
                    TokenField::UpdatedAt,
                    TokenField::Expiry,
                    TokenField::LastUsed,
                    TokenField::Owner,
                ]),
        )
    }

    /// Creates a platform with at most one token per account, which can only be replaced.
    #[must_use]
    pub fn single_key() -> Self {
        let list = ListCapability::new(Paging::Numbered)
            .with_max_page_size(500)
            .with_default_page_size(30);
        Self::new(
            "single-key",
            Capabilities::none()
                .with_list(list)
                .with_create(CreateCapability::new().with_max_tokens(1))
                .with_rotate()
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Replaced))
                .with_verify()
                .with_reported_fields([TokenField::CreatedAt]),
        )
    }

    /// Creates a platform that knows tokens only by their secrets.
    ///
    /// It cannot list. Tokens live for a day and can be renewed seven times.
    #[must_use]
    pub fn secret_only() -> Self {
        let mut profile = Self::new(
            "secret-only",
            Capabilities::none()
                .with_create(CreateCapability::new())
                .with_renew(RenewCapability::new(DAY).with_max_renewals(7))
                .with_revoke(RevokeCapability::by_secret(RevocationEffect::Deleted))
                .with_reported_fields([TokenField::Expiry]),
        );
        profile.default_lifetime = Some(DAY);
        profile
    }

    /// Creates a platform that can only list and read.
    ///
    /// Each page names the next one.
    #[must_use]
    pub fn read_only() -> Self {
        Self::new(
            "read-only",
            Capabilities::none()
                .with_list(ListCapability::new(Paging::Sequential).with_default_page_size(30))
                .with_get()
                .with_reported_fields([TokenField::Name, TokenField::Expiry]),
        )
    }

    /// Creates a platform that deletes revoked tokens and lists them by keyset cursors, the oldest
    /// first: each page begins after the last token of the page before it.
    ///
    /// It can update and suspend tokens, and reports no totals.
    #[must_use]
    pub fn keyset() -> Self {
        let by_id = OrderCapability::new(SortKey::Id)
            .with_exact_order()
            .with_stable_keys()
            .with_append_only()
            .with_direction(Direction::Ascending);
        let list = ListCapability::new(Paging::Keyset)
            .with_max_page_size(100)
            .with_default_page_size(30)
            .with_order(by_id)
            .with_filters(
                FilterCapability::for_names()
                    .with_states([TokenState::Active, TokenState::Suspended]),
            );
        let mut profile = Self::deleting();
        profile.name = "keyset";
        profile.capabilities.list = Some(list);
        profile
    }

    /// Creates a platform that can only list and read, by keyset cursors in an order of its own, the
    /// newest first.
    #[must_use]
    pub fn keyset_newest_first() -> Self {
        let list = ListCapability::new(Paging::Keyset).with_default_page_size(30);
        let mut profile = Self::read_only();
        profile.name = "keyset-newest-first";
        profile.capabilities.list = Some(list);
        profile
    }

    /// Creates a platform that has every capability.
    ///
    /// It lists the pages of a snapshot, and a renewal replaces the secret.
    #[must_use]
    pub fn full() -> Self {
        let exact = |key| OrderCapability::new(key).with_exact_order();
        let mut list = ListCapability::new(Paging::Snapshot)
            .with_default_page_size(30)
            .with_totals()
            .with_filters(
                FilterCapability::for_names()
                    .with_states([
                        TokenState::Active,
                        TokenState::Suspended,
                        TokenState::Revoked,
                        TokenState::Expired,
                    ])
                    .with_combinations(),
            )
            .with_order(exact(SortKey::Id).with_stable_keys().with_append_only());
        for key in SortKey::ALL.into_iter().filter(|key| *key != SortKey::Id) {
            list = list.with_order(exact(key));
        }
        let mut create = CreateCapability::new()
            .with_required_name()
            .with_description()
            .with_expiry()
            .with_scopes()
            .with_suspended();
        create.name = ArgumentSupport::Optional;
        let update = UpdateCapability::new()
            .with_name(None)
            .with_description()
            .with_suspension();
        let mut revoke = RevokeCapability::by_id(RevocationEffect::Deleted);
        revoke.by_secret = true;
        Self::new(
            "full",
            Capabilities::none()
                .with_list(list)
                .with_get()
                .with_create(create)
                .with_update(update)
                .with_rotate()
                .with_renew(RenewCapability::new(DAY).with_secret(RenewedSecret::Replaced))
                .with_revoke(revoke)
                .with_verify()
                .with_reported_fields(TokenField::ALL),
        )
    }

    /// Returns all of these profiles.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::deleting(),
            Self::retaining(),
            Self::single_key(),
            Self::secret_only(),
            Self::read_only(),
            Self::keyset(),
            Self::keyset_newest_first(),
            Self::full(),
        ]
    }

    /// Creates a platform with exactly these capabilities.
    ///
    /// Its tokens never expire unless an expiry is requested.
    #[must_use]
    pub fn new(name: &'static str, capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            default_lifetime: None,
            name,
        }
    }

    /// Returns the name of the profile.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}
