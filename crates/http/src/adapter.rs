//! The code that adapters share above the HTTP layer.
//!
//! Nothing here sends a request by itself. It is what several platforms have in common: configured
//! construction, numbered pages and issued tokens.

mod from_settings;
mod issued;
mod numbered_page;

pub use from_settings::FromSettings;
pub use issued::issued;
pub use numbered_page::NumberedPage;
