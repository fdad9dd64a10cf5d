//! The platforms of the model: what exists there, and which of it is alive.

use tokenfleet_core::TokenId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_rotation::machine::{InPlace, Overlap, Strategy, Unlisted};

/// The time for which a secret lives on the platform that cannot list its own.
pub(crate) const LIFETIME: std::time::Duration = std::time::Duration::from_secs(86_400);

/// The kinds of platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Tokens side by side, with descriptions; they can be suspended and verified.
    Losant,
    /// Tokens side by side, with names that can be used once, and the time of their last use.
    Foreman,
    /// One token, rotated in place, that can be verified.
    Cloudsmith,
    /// The same on a platform that does not say whether a secret works.
    InPlaceUnverified,
    /// Secrets that cannot be listed and are revoked by themselves.
    Mindbody,
}

impl Kind {
    pub(crate) fn strategy(self) -> Strategy {
        use tokenfleet_core::capability::{
            CreateCapability, ListCapability, RevokeCapability, TokenField, UpdateCapability,
        };
        use tokenfleet_core::{Capabilities, RevocationEffect};
        use tokenfleet_rotation::machine::Preference;
        let by_id = RevokeCapability::by_id(RevocationEffect::Deleted);
        let named = CreateCapability::new().with_required_name();
        let listed = Capabilities::none().with_list(ListCapability::unpaged());
        let capabilities = match self {
            Self::Losant => listed
                .with_create(named.with_description())
                .with_update(UpdateCapability::new().with_suspension())
                .with_revoke(by_id)
                .with_verify(),
            Self::Foreman => listed
                .with_create(named.with_unique_names())
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Marked))
                .with_verify()
                .with_reported_fields([TokenField::LastUsed]),
            Self::Cloudsmith => listed.with_rotate().with_verify(),
            Self::InPlaceUnverified => listed.with_rotate(),
            Self::Mindbody => Capabilities::none()
                .with_create(CreateCapability::new().with_max_lifetime(LIFETIME))
                .with_revoke(RevokeCapability::by_secret(RevocationEffect::Deleted)),
        };
        let strategy = Strategy::for_capabilities(&capabilities, Preference::Overlap).unwrap();
        let is_expected = match self {
            Self::Losant | Self::Foreman => {
                matches!(strategy, Strategy::Overlap(Overlap { verify: true, .. }))
            }
            Self::Cloudsmith => matches!(strategy, Strategy::InPlace(InPlace { verify: true, .. })),
            Self::InPlaceUnverified => {
                matches!(strategy, Strategy::InPlace(InPlace { verify: false, .. }))
            }
            Self::Mindbody => matches!(strategy, Strategy::Unlisted(Unlisted { .. })),
        };
        assert!(is_expected, "{self:?}: {strategy:?}");
        strategy
    }
}

/// A token with a secret, which is a number.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: u32,
    pub(crate) secret: u32,
    pub(crate) marker: Option<Marker>,
    pub(crate) is_alive: bool,
    pub(crate) is_suspended: bool,
    pub(crate) is_foreign: bool,
}

impl Token {
    /// Returns `true` for the token that is rotated.
    pub(crate) fn is_old(&self) -> bool {
        self.id == 0
    }
}

/// The tokens of one account. The first one is the one to rotate, with the secret 0.
#[derive(Debug, Clone)]
pub(crate) struct Platform {
    pub(crate) kind: Kind,
    pub(crate) tokens: Vec<Token>,
    next_secret: u32,
}

/// The secret of a token that has nothing to do with the rotation.
const FOREIGN: u32 = 1;

impl Platform {
    pub(crate) fn new(kind: Kind) -> Self {
        let token = |secret, is_foreign| Token {
            id: secret,
            secret,
            marker: None,
            is_alive: true,
            is_suspended: false,
            is_foreign,
        };
        let tokens = match kind {
            Kind::Losant | Kind::Foreman => vec![token(0, false), token(FOREIGN, true)],
            Kind::Cloudsmith | Kind::InPlaceUnverified | Kind::Mindbody => vec![token(0, false)],
        };
        Self {
            kind,
            tokens,
            next_secret: FOREIGN + 1,
        }
    }

    pub(crate) fn id(number: u32) -> TokenId {
        TokenId::new(number.to_string())
    }

    /// Creates a token, or refuses a name that was used before.
    pub(crate) fn create(&mut self, marker: Option<Marker>) -> Option<(TokenId, u32)> {
        if self.kind == Kind::Foreman && self.tokens.iter().any(|token| token.marker == marker) {
            return None;
        }
        let secret = self.next_secret;
        self.next_secret += 1;
        self.tokens.push(Token {
            id: secret,
            secret,
            marker,
            is_alive: true,
            is_suspended: false,
            is_foreign: false,
        });
        Some((Self::id(secret), secret))
    }

    pub(crate) fn rotate(&mut self) -> (TokenId, u32) {
        let secret = self.next_secret;
        self.next_secret += 1;
        self.tokens[0].secret = secret;
        (Self::id(self.tokens[0].id), secret)
    }

    pub(crate) fn token(&mut self, id: &TokenId) -> &mut Token {
        let mut tokens = self.tokens.iter_mut();
        tokens.find(|token| Self::id(token.id) == *id).unwrap()
    }

    pub(crate) fn revoke_secret(&mut self, secret: u32) {
        for token in self
            .tokens
            .iter_mut()
            .filter(|token| token.secret == secret)
        {
            token.is_alive = false;
        }
    }

    /// Returns `true` if a secret authenticates.
    pub(crate) fn accepts(&self, secret: u32) -> bool {
        let mut tokens = self.tokens.iter();
        tokens.any(|token| token.secret == secret && token.is_alive && !token.is_suspended)
    }

    pub(crate) fn living(&self) -> impl Iterator<Item = &Token> {
        (self.tokens.iter()).filter(|token| token.is_alive && !token.is_foreign)
    }
}
