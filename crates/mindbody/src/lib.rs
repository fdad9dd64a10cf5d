//! Mindbody staff user tokens as a tokenfleet provider.
