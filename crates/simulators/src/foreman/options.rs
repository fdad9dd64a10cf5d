//! The options of the simulator.

use super::{instant::Zone, release::Release};
use crate::{
    Clock, OptionValue,
    options::{options, switch},
};

options! {
    /// The options of a simulated Foreman.
    Options {
        /// The number of tokens that the account has at the start.
        tokens: usize = 0,
        /// The seed from which the initial tokens and all secrets are derived.
        seed: u64 = 0,
        /// The platform's clock.
        clock: Clock = Clock::moving(),
        /// The release, which determines the platform's features.
        version: Release = Release::default(),
        /// `true` if responses have the header with the release.
        version_header: bool = true,
        /// The account's user id.
        user_id: i32 = 4,
        /// The account's login.
        login: String = "admin".to_owned(),
        /// The account's password.
        password: String = "changeme".to_owned(),
        /// The account's time zone, in which responses show times; `none` is UTC.
        zone: Option<ZoneName> = None,
        /// The page size of requests that do not specify one.
        entries_per_page: u64 = 20,
        /// The version of the search engine.
        search_engine: SearchEngine = SearchEngine::default(),
        /// The position of an updated row, visible in listings without an order.
        row_order: RowOrder = RowOrder::default(),
        /// The number of failed logins within five minutes that locks a source out; 0 disables the
        /// lockout.
        failed_login_limit: u32 = 30,
        /// The time in minutes after which an idle session expires.
        idle_timeout: u32 = 60,
        /// The treatment of a requested expiry, to test whether clients check the response.
        asked_expiry: ExpiryHandling = ExpiryHandling::default(),
        /// The form of the id in the message about an unknown user.
        unknown_user: UnknownUser = UnknownUser::default(),
    }
}

switch! {
    /// The version of the search engine, scoped_search.
    SearchEngine {
        /// Version 4.1.13 or later.
        Current = "current",
        /// A version before 4.1.13, in which a leading `and`, `or` or `^` is an error.
        Before4_1_13 = "before-4.1.13",
    }
}

switch! {
    /// The position of an updated row. Both were recorded from the real platform.
    RowOrder {
        /// An updated row moves to the end.
        Moving = "moving",
        /// An updated row keeps its position.
        Staying = "staying",
    }
}

switch! {
    /// The form of the id in the message about an unknown user.
    ///
    /// The real form is not known for releases on Rails before 6.1, nor within the context of an
    /// organization or a location.
    UnknownUser {
        /// The id is in quotation marks.
        Quoted = "quoted",
        /// The id has no quotation marks.
        Unquoted = "unquoted",
        /// The id is in quotation marks and, within a context, followed by the query's condition.
        WithCondition = "with-condition",
    }
}

switch! {
    /// The treatment of a valid requested expiry.
    ///
    /// As far as is known, Foreman keeps it. Releases before 3.9 silently drop one that they cannot
    /// parse, so a client should compare the response with its request.
    ExpiryHandling {
        /// The token expires as requested.
        Kept = "kept",
        /// The token never expires.
        Dropped = "dropped",
        /// The token expires an hour later than requested.
        Shifted = "shifted",
    }
}

/// A time zone selected by its name, such as `Europe/Prague`.
#[derive(Clone, Debug)]
pub struct ZoneName(pub(super) Zone);

impl ZoneName {
    /// Returns the zone with this name, or `None` if it is unknown.
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
    fn options_are_parsed_from_text_and_an_unknown_key_lists_the_known_ones() {
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
