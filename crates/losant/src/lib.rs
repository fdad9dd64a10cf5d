//! Losant API tokens as a tokenfleet provider.
