//! The switches of the simulator.

use super::{instant::Zone, release::Release, search::Engine};
use crate::{
    Clock, OptionValue,
    options::{options, switch},
};

options! {
    /// What the simulated Foreman is like.
    Options {
        /// How many tokens the account has at the start.
        tokens: usize = 0,
        /// What decides the seeded tokens and all secrets.
        seed: u64 = 0,
        /// The time the platform believes in.
        clock: Clock = Clock::moving(),
        /// The release, which decides what the platform can do.
        version: Release = Release::default(),
        /// Whether answers carry the header with the release.
        version_header: bool = true,
        /// The account's user id.
        user_id: i32 = 4,
        /// The account's login.
        login: String = "admin".to_owned(),
        /// The account's password.
        password: String = "changeme".to_owned(),
        /// The account's time zone, in which its answers show times; `none` is UTC.
        zone: Option<ZoneName> = None,
        /// Page size where none is asked for.
        entries_per_page: u64 = 20,
        /// The generation of the search engine.
        search_engine: SearchEngine = SearchEngine::default(),
        /// Where rows go that were updated, which shows where no order is asked for.
        row_order: RowOrder = RowOrder::default(),
        /// Failed logins within five minutes that lock a source out; 0 is never.
        failed_login_limit: u32 = 30,
        /// Minutes after which an unused session has expired.
        idle_timeout: u32 = 60,
        /// What becomes of an expiry that is asked for: for testing clients.
        asked_expiry: AskedExpiry = AskedExpiry::default(),
        /// How the id of an unknown user is shown.
        unknown_user: UnknownUser = UnknownUser::default(),
    }
}

switch! {
    /// The generation of the search engine.
    SearchEngine {
        /// scoped_search 4.1.13 and later.
        Current = "current",
        /// Before 4.1.13: a leading `and`, `or` or `^` is an error.
        Before4_1_13 = "before-4.1.13",
    }
}

switch! {
    /// Where an updated row comes to lie. Both were seen.
    RowOrder {
        /// At the end.
        Moving = "moving",
        /// Where it was.
        Staying = "staying",
    }
}

switch! {
    /// How the message about an unknown user shows the id. Not known for releases on Rails before 6.1,
    /// nor within the context of an organization or a location.
    UnknownUser {
        /// In quotation marks.
        Quoted = "quoted",
        /// Bare.
        Unquoted = "unquoted",
        /// In quotation marks, and within a context followed by the condition of the statement.
        WithCondition = "with-condition",
    }
}

switch! {
    /// What becomes of an expiry that is asked for and was read. Kept as far as is known; before 3.9 one
    /// that cannot be read is dropped in silence, and a client should notice whatever it sent.
    AskedExpiry {
        /// It is the expiry.
        Kept = "kept",
        /// The token never expires.
        Dropped = "dropped",
        /// It is an hour later.
        Shifted = "shifted",
    }
}

impl From<SearchEngine> for Engine {
    fn from(engine: SearchEngine) -> Self {
        match engine {
            SearchEngine::Current => Self::Current,
            SearchEngine::Before4_1_13 => Self::BeforeLeadingOperators,
        }
    }
}

/// A time zone by its name, such as `Europe/Prague`.
#[derive(Clone, Debug)]
pub struct ZoneName(pub(super) Zone);

impl ZoneName {
    /// The zone of that name, if there is one.
    pub fn new(name: &str) -> Option<Self> {
        Zone::named(name).map(Self)
    }
}

impl OptionValue for ZoneName {
    fn from_text(text: &str) -> Option<Self> {
        Self::new(text)
    }

    fn expected() -> String {
        "a time zone such as Europe/Prague".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_from_text_and_unknown_ones_name_the_known() {
        let options = Options::parse([
            "user_id=7",
            "version=3.1",
            "zone=Europe/Prague",
            "row_order=staying",
        ])
        .unwrap();
        assert_eq!(options.user_id, 7);
        assert_eq!(options.row_order, RowOrder::Staying);
        let error = Options::parse(["usr_id=7"]).unwrap_err().to_string();
        assert!(error.contains("user_id"), "{error}");
        assert!(Options::parse(["zone=Nowhere"]).is_err());
    }
}
