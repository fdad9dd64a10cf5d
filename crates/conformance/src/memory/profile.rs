//! The kinds of platforms that the reference platform can be.

use std::time::Duration;

use tokenfleet_core::capability::{
    ArgumentDescription, CreateCapability, FilterCapability, ListCapability, OrderCapability,
    Paging, RenewCapability, RenewedSecret, RevokeCapability, TokenField, UpdateCapability,
};
use tokenfleet_core::{Capabilities, Direction, Filter, RevocationEffect, SortKey, TokenState};

const DAY: Duration = Duration::from_secs(86_400);

/// A kind of platform: its capabilities, and how long its tokens live.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MemoryProfile {
    /// The capabilities that the provider declares and the platform has.
    pub capabilities: Capabilities,
    /// The lifetime of a token created without an expiry; `None` if it never expires.
    pub default_lifetime: Option<Duration>,
    /// `true` if the platform ignores a trailing `x` of a secret.
    pub(crate) reads_secrets_leniently: bool,
    /// The time by which a token expires later than requested, whatever is declared.
    pub(crate) expiry_delay: Duration,
    /// The scopes that the platform adds to the requested ones.
    pub added_scopes: Vec<String>,
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
                .with_whoami()
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

    /// Creates a platform that can only list and read, by keyset cursors in an order of its own,
    /// the newest first.
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
        let create = CreateCapability::new()
            .with_optional_name()
            .with_description()
            .with_expiry()
            .with_scopes()
            .with_suspended();
        let update = UpdateCapability::new()
            .with_name(None)
            .with_description()
            .with_suspension();
        let revoke = RevokeCapability::by_id_or_secret(RevocationEffect::Deleted);
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
                .with_whoami()
                .with_reported_fields(TokenField::ALL),
        )
    }

    /// Creates a platform that gives the ids of deleted tokens to new ones.
    ///
    /// A new token gets the number after the largest one that exists, as in a database that does
    /// not remember the numbers of deleted rows.
    #[must_use]
    pub fn reusing() -> Self {
        let mut profile = Self::deleting();
        profile.capabilities = profile.capabilities.with_reused_ids();
        profile.name = "reusing";
        profile
    }

    /// Creates a platform that revokes all tokens of the account together, by the id or the secret
    /// of one of them.
    #[must_use]
    pub fn cascading() -> Self {
        let mut profile = Self::full();
        let revoke = RevokeCapability::by_id_or_secret(RevocationEffect::Deleted)
            .with_cascade("the other tokens of the same user");
        profile.capabilities = profile.capabilities.with_revoke(revoke);
        profile.name = "cascading";
        profile
    }

    /// Creates a platform that revokes all tokens of a login together, and any other token alone.
    ///
    /// The attribute `client` of a token tells which it is: `login` or `api`.
    #[must_use]
    pub fn cascading_logins() -> Self {
        let mut profile = Self::full();
        let revoke = RevokeCapability::by_id_or_secret(RevocationEffect::Deleted)
            .with_cascade("the other tokens of the same login")
            .with_tokens_alone(Filter::attribute("client", "api"))
            .with_created_tokens_alone();
        profile.capabilities = profile.capabilities.with_revoke(revoke);
        profile.name = "cascading-logins";
        profile
    }

    /// Creates a platform that lists all tokens but the one that a login issued.
    ///
    /// A listing is a single page, and tokens cannot be read one at a time.
    #[must_use]
    pub fn hiding() -> Self {
        let list = ListCapability::new(Paging::Snapshot).with_unlisted_tokens("login tokens");
        Self::new(
            "hiding",
            Capabilities::none()
                .with_list(list)
                .with_create(CreateCapability::new().with_required_name())
                .with_revoke(RevokeCapability::by_id_or_secret(RevocationEffect::Deleted))
                .with_verify()
                .with_reported_fields([TokenField::Name, TokenField::CreatedAt]),
        )
    }

    /// Creates a platform that has every capability and shows a new token only after a minute.
    ///
    /// Until then the token works, but is neither read nor listed.
    #[must_use]
    pub fn delaying() -> Self {
        let mut profile = Self::full();
        profile.capabilities = profile.capabilities.with_read_delay(DAY / 1_440);
        profile.name = "delaying";
        profile
    }

    /// Creates a platform that takes lifetimes in seconds and adds a scope to the requested ones.
    ///
    /// Its names are optional, and it lists everything at once.
    #[must_use]
    pub fn lifetimes() -> Self {
        let create = CreateCapability::new()
            .with_optional_name()
            .with_lifetime(Duration::from_secs(5))
            .with_never_expiring()
            .with_widened_scopes();
        let mut profile = Self::new(
            "lifetimes",
            Capabilities::none()
                .with_list(ListCapability::unpaged())
                .with_get()
                .with_create(create)
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
                .with_reported_fields([
                    TokenField::Name,
                    TokenField::CreatedAt,
                    TokenField::Expiry,
                    TokenField::LastUsed,
                    TokenField::Scopes,
                ]),
        );
        profile.added_scopes = vec!["read:self".to_owned()];
        profile
    }

    /// Creates a platform whose tokens never expire, and which has arguments of its own:
    /// `readonly`, `cidr` and the required `role`.
    #[must_use]
    pub fn never_expiring() -> Self {
        let role = ArgumentDescription::choice("role", ["manager", "member"]);
        let create = CreateCapability::new()
            .with_never_expiring()
            .with_argument(ArgumentDescription::boolean("readonly"))
            .with_argument(ArgumentDescription::list("cidr"))
            .with_argument(role.required());
        Self::new(
            "never-expiring",
            Capabilities::none()
                .with_list(ListCapability::new(Paging::Snapshot).with_max_page_size(10))
                .with_create(create)
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
                .with_reported_fields([TokenField::CreatedAt, TokenField::Expiry]),
        )
    }

    /// Creates a platform whose pages hold at most two tokens, and where every token must expire.
    #[must_use]
    pub fn small_pages() -> Self {
        let mut profile = Self::deleting();
        profile.name = "small-pages";
        profile.default_lifetime = Some(90 * DAY);
        if let Some(list) = &mut profile.capabilities.list {
            list.max_page_size = Some(2);
            list.default_page_size = Some(2);
        }
        let create = CreateCapability::new()
            .with_required_name()
            .with_required_expiry();
        profile.capabilities.create = Some(create);
        profile
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
            Self::reusing(),
            Self::cascading(),
            Self::cascading_logins(),
            Self::hiding(),
            Self::delaying(),
            Self::lifetimes(),
            Self::never_expiring(),
            Self::small_pages(),
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
            reads_secrets_leniently: false,
            expiry_delay: Duration::ZERO,
            added_scopes: Vec::new(),
            name,
        }
    }

    /// Returns the name of the profile.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}
