//! The suite that every tokenfleet provider must pass.
