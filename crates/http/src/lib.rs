//! The HTTP path that every tokenfleet adapter shares.
