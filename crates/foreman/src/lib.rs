//! Foreman personal access tokens as a tokenfleet provider.
