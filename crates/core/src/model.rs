//! The normalized record of a token, and the types of its fields.

mod attribute;
mod duration;
mod fact;
mod id;
mod identity;
mod interner;
mod principal;
mod scopes;
mod secret;
mod serialized;
mod system_time;
mod timestamp;
mod token;

pub use crate::error::is_invisible;
pub use attribute::{Attribute, Attributes};
pub use duration::parse_duration;
pub use fact::Fact;
pub use id::{TokenId, TokenRef};
pub use identity::Identity;
pub use interner::Interner;
pub use principal::Principal;
pub use scopes::Scopes;
pub use secret::Secret;
pub use system_time::OutOfRangeError;
pub use timestamp::{ParseTimestampError, Timestamp, TimestampText};
pub use token::{IssuedToken, RenewedToken, Token, TokenField, TokenState};
