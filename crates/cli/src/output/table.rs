//! Tables for people.

mod arrangement;
mod content;
mod grid;
mod layout;
mod record;
mod rows;
#[cfg(test)]
mod tests;
mod text_width;
mod tokens;

pub(super) use self::grid::{GridColumns, grid};
pub(super) use self::record::token;
pub(super) use self::text_width::{lines, width};
pub(super) use self::tokens::TokenTable;
