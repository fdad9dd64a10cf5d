//! The capabilities that providers declare, one type per operation.
//!
//! Applications read them from [`TokenProvider::capabilities`](crate::TokenProvider::capabilities);
//! adapters build them.

pub use crate::model::TokenField;
pub use crate::provider::{
    ArgumentDescription, ArgumentKind, ArgumentSupport, ArgumentValue, Capabilities,
    CreateCapability, FilterCapability, ListCapability, OperationCall, OrderCapability, Paging,
    RenewCapability, RenewedSecret, RevokeCapability, UpdateCapability,
};
