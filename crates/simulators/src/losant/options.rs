//! Options of the Losant simulator: its size, its credentials, and what the facts leave open.

use crate::{
    Clock,
    options::{options, switch},
};

options! {
    /// Options of the Losant simulator. Each can be given as `key=value` under its field's name.
    Options {
        /// How many tokens exist at the start.
        tokens: usize = 0,
        /// Where their variety comes from; the same seed makes the same tokens.
        seed: u64 = 0,
        /// The time the platform believes in.
        clock: Clock = Clock::moving(),
        /// A bearer token that works, instead of one made from the seed.
        token: Option<String> = None,
        /// Who `POST /auth/user` lets in.
        email: String = "owner@example.com".to_owned(),
        /// The password that it asks for.
        password: String = "correct horse".to_owned(),
        /// The two-factor code that it asks for; `none` when two-factor authentication is off.
        two_factor_code: Option<String> = None,
        /// The only application there is.
        application_id: String = "575ec8687ae143cd83dc4a97".to_owned(),
        /// The only instance there is.
        instance_id: String = "575ec7417ae143cd83dc4a96".to_owned(),
        /// Which collection the seeded tokens are in, and the ground truth is about.
        collection: Collection = Collection::User,
        /// Which version of the API is served.
        api: Api = Api::V1_31,
        /// What an `Accept-Version` beyond the served version does.
        accept_version: AcceptVersion = AcceptVersion::Ignore,
        /// The largest `perPage`.
        max_per_page: usize = 1000,
        /// What a larger one does.
        above_max: AboveMax = AboveMax::Clamp,
        /// What a page or page size that is no such number does.
        bad_page: BadPage = BadPage::Refuse,
        /// How names are put in order.
        collation: Collation = Collation::Bytes,
        /// Who comes first among equals.
        ties: Ties = Ties::Id,
        /// Where tokens without an expiration date come when sorted by it, ascending.
        missing_expiry: MissingExpiry = MissingExpiry::First,
        /// Whether filters look at the case of letters.
        glob_case: GlobCase = GlobCase::Sensitive,
        /// What an expiration date in the past does at creation.
        past_expiry: PastExpiry = PastExpiry::Accept,
        /// How a token that never expires shows it.
        no_expiry: NoExpiry = NoExpiry::Absent,
        /// The `type` of a 401.
        unauthorized_type: UnauthorizedType = UnauthorizedType::Unauthorized,
        /// The status for a caller whose scope does not reach.
        lacking_scope: LackingScope = LackingScope::Forbidden,
        /// What an id does that is not 24 hexadecimal digits.
        malformed_id: MalformedId = MalformedId::Refuse,
        /// What a slash at the end of a path does.
        trailing_slash: TrailingSlash = TrailingSlash::Accept,
        /// How a path that does not exist is answered.
        unmapped: Unmapped = Unmapped::MethodNotAllowed,
    }
}

switch! {
    /// One of Losant's three collections of tokens.
    Collection {
        /// `/me/tokens`.
        User = "user",
        /// `/applications/{id}/tokens`.
        Application = "application",
        /// `/instances/{id}/tokens`.
        Instance = "instance",
    }
}

switch! {
    /// A version of the API: which scopes exist, and whether tokens have roles.
    Api {
        /// 1.31: 500 scopes, roles.
        V1_31 = "1.31",
        /// 1.20: 358 scopes, no roles.
        V1_20 = "1.20",
    }
}

switch! {
    /// What an `Accept-Version` beyond the served version does. Unknown.
    AcceptVersion {
        /// Nothing.
        Ignore = "ignore",
        /// 400 `InvalidVersion`.
        Enforce = "enforce",
    }
}

switch! {
    /// What a `perPage` above the maximum does. Unknown.
    AboveMax {
        /// The maximum is used, and echoed.
        Clamp = "clamp",
        /// 400 `Validation`.
        Refuse = "refuse",
    }
}

switch! {
    /// What a page or page size that is negative or no number does. Unknown.
    BadPage {
        /// 400 `Validation`.
        Refuse = "refuse",
        /// The default is used.
        Default = "default",
    }
}

switch! {
    /// How names are put in order. Unknown.
    Collation {
        /// By their bytes.
        Bytes = "bytes",
        /// By their letters without case, then by their bytes.
        IgnoreCase = "ignore_case",
    }
}

switch! {
    /// Who comes first among equals. Unknown.
    Ties {
        /// The smaller id.
        Id = "id",
        /// The larger id.
        ReverseId = "reverse_id",
    }
}

switch! {
    /// Where tokens without an expiration date come, ascending. Unknown.
    MissingExpiry {
        /// Before all dates.
        First = "first",
        /// After all dates.
        Last = "last",
    }
}

switch! {
    /// Whether filters look at the case of letters. Unknown.
    GlobCase {
        /// `A*` does not find `abc`.
        Sensitive = "sensitive",
        /// `A*` finds `abc`.
        Insensitive = "insensitive",
    }
}

switch! {
    /// What an expiration date in the past does at creation. Unknown.
    PastExpiry {
        /// The token is born expired.
        Accept = "accept",
        /// 400 `Validation`.
        Refuse = "refuse",
    }
}

switch! {
    /// How a token that never expires shows it. Inferred to be absent.
    NoExpiry {
        /// There is no `expirationDate`.
        Absent = "absent",
        /// `expirationDate` is null.
        Null = "null",
    }
}

switch! {
    /// The `type` of a 401. Unknown.
    UnauthorizedType {
        /// `Unauthorized`.
        Unauthorized = "Unauthorized",
        /// `InvalidCredentials`.
        InvalidCredentials = "InvalidCredentials",
    }
}

switch! {
    /// The status for a caller whose scope does not reach. Unknown.
    LackingScope {
        /// 403.
        Forbidden = "403",
        /// 401.
        Unauthorized = "401",
    }
}

switch! {
    /// What an id does that is not 24 hexadecimal digits. Inferred to be refused.
    MalformedId {
        /// 400 `Validation`.
        Refuse = "400",
        /// 404 `NotFound`.
        NotFound = "404",
    }
}

switch! {
    /// What a slash at the end of a path does. Unknown.
    TrailingSlash {
        /// Nothing.
        Accept = "accept",
        /// It is another path, which does not exist.
        Refuse = "refuse",
    }
}

switch! {
    /// How a path that does not exist is answered. A third party saw 405.
    Unmapped {
        /// 405 `MethodNotAllowed`.
        MethodNotAllowed = "405",
        /// 404 `NotFound`.
        NotFound = "404",
    }
}
