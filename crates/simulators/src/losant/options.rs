//! The options of the Losant simulator: its size, its credentials and its switches.

use crate::options::options;

options! {
    /// Options of the Losant simulator, which can also be set as `key=value` by field name.
    values {
        /// A bearer token that the platform accepts, in place of one derived from the seed.
        token: Option<String> = None,
        /// The email address that `POST /auth/user` accepts.
        email: String = "owner@example.com".to_owned(),
        /// The password that `POST /auth/user` accepts.
        password: String = "correct horse".to_owned(),
        /// The two-factor code that `POST /auth/user` requires; `none` requires no code.
        two_factor_code: Option<String> = None,
        /// The id of the only application.
        application_id: String = "575ec8687ae143cd83dc4a97".to_owned(),
        /// The id of the only instance.
        instance_id: String = "575ec7417ae143cd83dc4a96".to_owned(),
        /// The largest `perPage`.
        max_per_page: usize = 1000,
    }
    switches {
        /// The collection that holds the seeded tokens and that the ground truth covers.
        collection: Collection {
            /// `/me/tokens`.
            User = "user",
            /// `/applications/{id}/tokens`.
            Application = "application",
            /// `/instances/{id}/tokens`.
            Instance = "instance",
        }
        /// The version of the API, which decides the known scopes and whether tokens have roles.
        api: Api {
            /// 500 scopes, and roles.
            V1_31 = "1.31",
            /// 358 scopes, no roles.
            V1_20 = "1.20",
        }
        /// The response to an `Accept-Version` that the served version does not satisfy. The vendor
        /// does not document this.
        accept_version: AcceptVersion {
            /// The header is ignored.
            Ignore = "ignore",
            /// 400 `InvalidVersion`.
            Enforce = "enforce",
        }
        /// The response to a `perPage` above `max_per_page`. The vendor does not document this.
        above_max: AboveMax {
            /// The maximum is used, and echoed.
            Clamp = "clamp",
            /// 400 `Validation`.
            Refuse = "refuse",
        }
        /// The response to a `page` or `perPage` that is negative or not a number. The vendor does
        /// not document this.
        bad_page: BadPage {
            /// 400 `Validation`.
            Refuse = "refuse",
            /// The default is used.
            Default = "default",
        }
        /// The form in which names are stored. The vendor does not document this.
        stored_names: StoredNames {
            /// As they were sent.
            AsSent = "as_sent",
            /// Without the blanks at their ends.
            Trimmed = "trimmed",
            /// In lower case.
            Folded = "folded",
        }
        /// The order of names. The vendor does not document this.
        collation: Collation {
            /// Byte order.
            Bytes = "bytes",
            /// Case-insensitive, then by bytes.
            IgnoreCase = "ignore_case",
        }
        /// The order of tokens with equal sort keys. The vendor does not document this.
        ties: Ties {
            /// The smaller id first.
            Id = "id",
            /// The larger id first.
            ReverseId = "reverse_id",
        }
        /// The order of ids within one second of their creation. The vendor does not document how
        /// many servers make them.
        ids: Ids {
            /// As they were created: one server makes them.
            OneServer = "one_server",
            /// Any: several servers make them.
            SeveralServers = "several_servers",
        }
        /// The position of tokens without an expiration date in ascending order. The vendor does
        /// not document this.
        missing_expiry: MissingExpiry {
            /// Before all dates.
            First = "first",
            /// After all dates.
            Last = "last",
        }
        /// The case sensitivity of filters. The vendor does not document this.
        glob_case: GlobCase {
            /// `A*` does not match `abc`.
            Sensitive = "sensitive",
            /// `A*` matches `abc`.
            Insensitive = "insensitive",
        }
        /// The response to creating a token with an expiration date in the past. The vendor does
        /// not document this.
        past_expiry: PastExpiry {
            /// The token is created already expired.
            Accept = "accept",
            /// 400 `Validation`.
            Refuse = "refuse",
        }
        /// The `expirationDate` of a token that never expires. Inferred to be absent.
        no_expiry: NoExpiry {
            /// Absent.
            Absent = "absent",
            /// Null.
            Null = "null",
        }
        /// The `type` of a 401 response. The vendor does not document this.
        unauthorized_type: UnauthorizedType {
            /// `Unauthorized`.
            Unauthorized = "Unauthorized",
            /// `InvalidCredentials`.
            InvalidCredentials = "InvalidCredentials",
        }
        /// The status for a caller that lacks the required scope. The vendor does not document
        /// this.
        lacking_scope: LackingScope {
            /// 403.
            Forbidden = "403",
            /// 401.
            Unauthorized = "401",
        }
        /// The response to an id that is not 24 hexadecimal digits. Inferred to be 400.
        malformed_id: MalformedId {
            /// 400 `Validation`.
            Refuse = "400",
            /// 404 `NotFound`.
            NotFound = "404",
        }
        /// The treatment of a trailing slash in a path. The vendor does not document this.
        trailing_slash: TrailingSlash {
            /// It is ignored.
            Accept = "accept",
            /// The path does not exist.
            Refuse = "refuse",
        }
        /// The response to a path that does not exist. A third party saw 405.
        unmapped: Unmapped {
            /// 405 `MethodNotAllowed`.
            MethodNotAllowed = "405",
            /// 404 `NotFound`.
            NotFound = "404",
        }
    }
}

impl StoredNames {
    /// Returns a name as it is stored.
    pub(super) fn stored(self, name: String) -> String {
        match self {
            Self::AsSent => name,
            Self::Trimmed => name.trim().to_owned(),
            Self::Folded => name.to_lowercase(),
        }
    }
}
