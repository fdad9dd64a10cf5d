//! The parts of the model that only adapters need.
//!
//! Implement [`Adapter`] to add a platform; `docs/ADDING-A-PROVIDER.md` is a step-by-step guide.

pub use crate::model::Interner;
pub use crate::provider::{Adapter, Page, PagePosition, PageRequest};
