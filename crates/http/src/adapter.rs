//! The code that adapters share above the HTTP layer.
//!
//! Nothing here sends a request by itself. It is what several platforms have in common:
//! numbered pages, issued tokens, the rules on dead secrets, and claims of JWTs.

mod field_reasons;
mod issued;
mod jwt;
mod liveness;
mod numbered_page;

pub use field_reasons::{error_text, field_reasons};
pub use issued::issued;
pub use jwt::Jwt;
pub use liveness::{dead_if_accepted, undecided};
pub use numbered_page::NumberedPage;
