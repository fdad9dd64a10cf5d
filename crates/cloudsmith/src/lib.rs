//! Cloudsmith user API keys as a tokenfleet provider.
