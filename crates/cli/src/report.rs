//! The report of an inventory for people who do not use the program: as a page, and as Markdown.

mod changes;
mod concern;
mod escaped;
mod html;
mod markdown;
mod row;
mod summary;
mod timeline;

pub(crate) use self::changes::Changes;
pub(crate) use self::html::write as write_html;
pub(crate) use self::markdown::write as write_markdown;
pub(crate) use self::summary::{Criteria, Summary};
