//! Which kind of platform the memory plays.

use std::time::Duration;

use tokenfleet_core::capability::{
    ArgumentSupport, CreateCapability, FilterCapability, ListCapability, OrderCapability, Paging,
    RenewCapability, RevokeCapability, TokenField, UpdateCapability,
};
use tokenfleet_core::{Capabilities, RevocationEffect, SortKey, TokenState};

const DAY: Duration = Duration::from_secs(86_400);

/// A kind of platform: what it can do, and how its tokens live and die.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MemoryProfile {
    /// What its provider declares. The platform behaves accordingly.
    pub capabilities: Capabilities,
    /// How long a token lives when nothing is said; `None`: for ever.
    pub usual_life: Option<Duration>,
    name: &'static str,
}

impl MemoryProfile {
    /// Many tokens by id in numbered pages; revoking destroys them; they can be suspended.
    #[must_use]
    pub fn destroying() -> Self {
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
        Self::of(
            "destroying",
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

    /// Many tokens by id in numbered pages; revoking marks them and frees no name; nothing can be changed.
    #[must_use]
    pub fn marking() -> Self {
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
        Self::of(
            "marking",
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

    /// One key without a name at most; it can only be replaced.
    #[must_use]
    pub fn single_key() -> Self {
        let list = ListCapability::new(Paging::Numbered)
            .with_max_page_size(500)
            .with_default_page_size(30);
        Self::of(
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

    /// Tokens without ids that cannot be listed, live for a day and can be renewed a few times.
    #[must_use]
    pub fn by_secret() -> Self {
        let mut profile = Self::of(
            "by-secret",
            Capabilities::none()
                .with_create(CreateCapability::new())
                .with_renew(RenewCapability::new(DAY).with_max_renewals(7))
                .with_revoke(RevokeCapability::by_secret(RevocationEffect::Deleted))
                .with_reported_fields([TokenField::Expiry]),
        );
        profile.usual_life = Some(DAY);
        profile
    }

    /// Tokens that can be listed, each page naming the next, and read; nothing else.
    #[must_use]
    pub fn read_only() -> Self {
        Self::of(
            "read-only",
            Capabilities::none()
                .with_list(ListCapability::new(Paging::Sequential).with_default_page_size(30))
                .with_get()
                .with_reported_fields([TokenField::Name, TokenField::Expiry]),
        )
    }

    /// A platform that can do everything, and lists a snapshot.
    #[must_use]
    pub fn everything() -> Self {
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
        Self::of(
            "everything",
            Capabilities::none()
                .with_list(list)
                .with_get()
                .with_create(create)
                .with_update(update)
                .with_rotate()
                .with_renew(RenewCapability::new(DAY))
                .with_revoke(revoke)
                .with_verify()
                .with_reported_fields(TokenField::ALL),
        )
    }

    /// All of these.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::destroying(),
            Self::marking(),
            Self::single_key(),
            Self::by_secret(),
            Self::read_only(),
            Self::everything(),
        ]
    }

    /// A platform that does exactly this, and whose tokens live for ever unless their expiry is chosen.
    #[must_use]
    pub fn of(name: &'static str, capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            usual_life: None,
            name,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}
