//! Which kind of platform the memory plays.

use std::time::Duration;

use tokenfleet_core::{
    Argument, Capabilities, CreateCapability, Field, FilterCapability, ListCapability,
    OrderCapability, Paging, RenewCapability, RevocationEffect, RevokeCapability, SortKey,
    TokenState, UpdateCapability,
};

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
            .with_largest_page(1000)
            .with_usual_page(30)
            .with_totals()
            .with_order(
                OrderCapability::loose(SortKey::Id)
                    .exactly()
                    .stable()
                    .appending(),
            )
            .with_order(OrderCapability::loose(SortKey::Name))
            .with_order(OrderCapability::loose(SortKey::Expiry))
            .with_filters(
                FilterCapability::by_name().and_states([TokenState::Active, TokenState::Suspended]),
            );
        let create = CreateCapability::named()
            .with_longest_name(255)
            .with_description()
            .with_expiry()
            .with_scopes()
            .with_suspended();
        let update = UpdateCapability::none()
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
                .reporting(Field::ALL.into_iter().filter(|f| *f != Field::LastUsed)),
        )
    }

    /// Many tokens by id in numbered pages; revoking marks them and frees no name; nothing can be changed.
    #[must_use]
    pub fn marking() -> Self {
        let list = ListCapability::new(Paging::Numbered)
            .with_usual_page(20)
            .with_totals()
            .never_losing_tokens()
            .with_order(
                OrderCapability::loose(SortKey::Id)
                    .exactly()
                    .stable()
                    .appending(),
            )
            .with_order(OrderCapability::loose(SortKey::Name))
            .with_filters(FilterCapability::by_name().combined());
        Self::of(
            "marking",
            Capabilities::none()
                .with_list(list)
                .with_get()
                .with_create(CreateCapability::named().with_unique_names().with_expiry())
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Marked))
                .with_verify()
                .reporting([
                    Field::Name,
                    Field::CreatedAt,
                    Field::UpdatedAt,
                    Field::Expiry,
                    Field::LastUsed,
                    Field::Owner,
                ]),
        )
    }

    /// One key without a name at most; it can only be replaced.
    #[must_use]
    pub fn single_key() -> Self {
        let list = ListCapability::new(Paging::Numbered)
            .with_largest_page(500)
            .with_usual_page(30);
        Self::of(
            "single-key",
            Capabilities::none()
                .with_list(list)
                .with_create(CreateCapability::unnamed().at_most(1))
                .with_rotate()
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Replaced))
                .with_verify()
                .reporting([Field::CreatedAt]),
        )
    }

    /// Tokens without ids that cannot be listed, live for a day and can be renewed a few times.
    #[must_use]
    pub fn by_secret() -> Self {
        let mut profile = Self::of(
            "by-secret",
            Capabilities::none()
                .with_create(CreateCapability::unnamed())
                .with_renew(RenewCapability::by(DAY).at_most(7))
                .with_revoke(RevokeCapability::by_secret(RevocationEffect::Deleted))
                .reporting([Field::Expiry]),
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
                .with_list(ListCapability::new(Paging::Sequential).with_usual_page(30))
                .with_get()
                .reporting([Field::Name, Field::Expiry]),
        )
    }

    /// A platform that can do everything, and lists a snapshot.
    #[must_use]
    pub fn everything() -> Self {
        let exact = |key| OrderCapability::loose(key).exactly();
        let mut list = ListCapability::new(Paging::Snapshot)
            .with_usual_page(30)
            .with_totals()
            .with_filters(
                FilterCapability::by_name()
                    .and_states([
                        TokenState::Active,
                        TokenState::Suspended,
                        TokenState::Revoked,
                        TokenState::Expired,
                    ])
                    .combined(),
            )
            .with_order(exact(SortKey::Id).stable().appending());
        for key in SortKey::ALL.into_iter().filter(|key| *key != SortKey::Id) {
            list = list.with_order(exact(key));
        }
        let mut create = CreateCapability::named()
            .with_description()
            .with_expiry()
            .with_scopes()
            .with_suspended();
        create.name = Argument::Optional;
        let update = UpdateCapability::none()
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
                .with_renew(RenewCapability::by(DAY))
                .with_revoke(revoke)
                .with_verify()
                .reporting(Field::ALL),
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
