//! What providers declare about themselves, operation by operation.
//!
//! Applications read these facts from [`TokenProvider::capabilities`](crate::TokenProvider::capabilities);
//! adapters build them.

pub use crate::model::TokenField;
pub use crate::provider::{
    ArgumentSupport, Capabilities, CreateCapability, FilterCapability, ListCapability,
    OperationCall, OrderCapability, Paging, RenewCapability, RevokeCapability, UpdateCapability,
};
