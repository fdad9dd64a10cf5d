//! The model of tokenfleet: tokens, providers, capabilities, queries and listings.
