//! The options of the Foreman simulator: its size, its credentials and its switches.

use super::{instant::Zone, release::Release};
use crate::{OptionValue, options::options};

options! {
    /// Options of the Foreman simulator, which can also be set as `key=value` by field name.
    values {
        /// The release, which decides the platform's capabilities.
        version: Release = Release::default(),
        /// `true` if responses carry the header with the release.
        version_header: bool = true,
        /// The user id of the account.
        user_id: i32 = 4,
        /// The login of the account.
        login: String = "admin".to_owned(),
        /// The password of the account.
        password: String = "changeme".to_owned(),
        /// The time zone of the account, used for times in its responses; `none` is UTC.
        zone: Option<ZoneName> = None,
        /// The default page size.
        entries_per_page: u64 = 20,
        /// The number of failed logins within five minutes that lock a source out; 0 is never.
        failed_login_limit: u32 = 30,
        /// The idle time in minutes after which a session expires.
        idle_timeout: u32 = 60,
    }
    switches {
        /// The generation of the search engine.
        search_engine: SearchEngine {
            /// scoped_search 4.1.13 and later.
            Current = "current",
            /// Before 4.1.13: a leading `and`, `or` or `^` is an error.
            Before4_1_13 = "before-4.1.13",
        }
        /// The position of updated rows in a list without an order. Both were observed.
        row_order: RowOrder {
            /// At the end.
            Moving = "moving",
            /// Unchanged.
            Staying = "staying",
        }
        /// The expiry of a token created with one, for testing clients.
        ///
        /// Kept on all known releases. Before 3.9 an expiry that cannot be parsed is dropped
        /// silently, and a client should notice that whatever it sent.
        asked_expiry: ExpiryHandling {
            /// The requested expiry.
            Kept = "kept",
            /// The token never expires.
            Dropped = "dropped",
            /// An hour after the requested expiry.
            Shifted = "shifted",
        }
        /// The response to `/api/current_user`. Its first release is not known.
        current_user: CurrentUser {
            /// The user.
            Served = "served",
            /// 404, as for any unknown route.
            Absent = "404",
        }
        /// The form of the id in the message about an unknown user.
        ///
        /// Not known for releases on Rails before 6.1, nor within the context of an organization
        /// or a location.
        unknown_user: UnknownUser {
            /// In quotation marks.
            Quoted = "quoted",
            /// Without quotation marks.
            Unquoted = "unquoted",
            /// In quotation marks, and within a context followed by the condition of the statement.
            WithCondition = "with-condition",
        }
    }
}

/// A time zone given by name, such as `Europe/Prague`.
#[derive(Clone, Debug)]
pub struct ZoneName(pub(super) Zone);

impl ZoneName {
    /// Looks a time zone up by name.
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
    fn options_are_parsed_and_an_unknown_key_lists_the_known_ones() {
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
