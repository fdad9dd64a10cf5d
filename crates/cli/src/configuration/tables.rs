//! The names of the tables that belong to the program.

/// The table of the annotations of tokens.
pub(crate) const ANNOTATIONS: &str = "annotations";

/// The table of the audit log.
pub(crate) const AUDIT: &str = "audit";

/// The table of the ledger.
pub(crate) const LEDGER: &str = "ledger";

/// The group of the tables of policies.
pub(crate) const POLICIES: &str = "policies";

/// The group of the tables of schedules.
pub(crate) const SCHEDULES: &str = "schedules";

/// The group of the tables of sinks.
pub(crate) const SINKS: &str = "sinks";
