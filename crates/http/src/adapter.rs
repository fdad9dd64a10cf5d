//! The code that adapters share above the HTTP layer.
//!
//! Nothing here sends a request by itself. It is what several platforms have in common: configured
//! construction, numbered pages, issued tokens, and the rule on expiry.

mod expiry_guard;
mod field_reasons;
mod from_settings;
mod issued;
mod numbered_page;

pub use expiry_guard::{expiry_matches, revoke_unwanted};
pub use field_reasons::field_reasons;
pub use from_settings::FromSettings;
pub use issued::issued;
pub use numbered_page::NumberedPage;
