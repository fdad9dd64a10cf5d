//! Options of the Cloudsmith simulator: its size, its credentials, and what the facts leave open.

use crate::{
    Clock,
    options::{options, switch},
};

options! {
    /// Options of the Cloudsmith simulator. Each can be given as `key=value` under its field's name.
    Options {
        /// How many API keys the user has at the start; the real one allows 0 or 1.
        tokens: usize = 0,
        /// Where their variety comes from; the same seed makes the same keys.
        seed: u64 = 0,
        /// The time the platform believes in.
        clock: Clock = Clock::moving(),
        /// A key that works beside those listed, instead of one made from the seed.
        api_key: Option<String> = None,
        /// Which key the credentials hold.
        credential: Credential = Credential::Separate,
        /// The user's email address.
        email: String = "me@example.com".to_owned(),
        /// The user's password.
        password: String = "pw".to_owned(),
        /// Another address of the same user; logging in with it takes a second factor.
        two_factor_email: String = "2fa@example.com".to_owned(),
        /// The code that is the second factor.
        totp: String = "123456".to_owned(),
        /// After how many failed logins the user is locked out.
        lockout_after: u32 = 5,
        /// For how many minutes.
        lockout_minutes: u32 = 15,
        /// Whether one can still log in by password.
        login: Login = Login::Enabled,
        /// How the second factor is asked for.
        two_factor_answer: TwoFactorAnswer = TwoFactorAnswer::Unprocessable,
        /// Requests an hour for the user; `none` is no limit and no headers about it.
        rate_limit: Option<u32> = Some(5400),
        /// Requests an hour for those without credentials.
        anonymous_rate_limit: u32 = 1800,
        /// The wait that answers suggest while there is budget.
        rate_interval: RateInterval = RateInterval::Zero,
        /// What keys look like.
        key_format: KeyFormat = KeyFormat::Hex,
        /// What listed keys look like.
        mask: Mask = Mask::Stars,
        /// What becomes of the slug when a key is refreshed.
        slug_on_refresh: SlugOnRefresh = SlugOnRefresh::Stays,
        /// What becomes of the creation time when a key is refreshed.
        created_on_refresh: CreatedOnRefresh = CreatedOnRefresh::Changes,
        /// How times are written.
        times: Times = Times::Milliseconds,
        /// Whether an empty list has page headers.
        empty_headers: EmptyHeaders = EmptyHeaders::Absent,
        /// What a page past the end is.
        past_end: PastEnd = PastEnd::NotFound,
        /// What the page links keep of the query.
        links: Links = Links::PageOnly,
        /// What creating a key does when there is one.
        second_key: SecondKey = SecondKey::Refused,
        /// What is said when the slug is unknown.
        unknown_slug: UnknownSlug = UnknownSlug::Spec,
        /// What becomes of a caller whose key is wrong.
        bad_key: BadKey = BadKey::InvalidToken,
        /// What a list of keys is for nobody.
        anonymous_list: AnonymousList = AnonymousList::Refused,
        /// What a path without its last slash does.
        missing_slash: MissingSlash = MissingSlash::Redirect,
    }
}

switch! {
    /// Which key the credentials hold.
    Credential {
        /// One that the list does not show, as an OIDC token is not shown.
        Separate = "separate",
        /// The first one listed: refreshing it ends the caller's own access.
        Own = "own",
    }
}

switch! {
    /// Whether one can still log in by password. Announced to end on 2026-11-20.
    Login {
        /// One can.
        Enabled = "enabled",
        /// It is gone: 404.
        NotFound = "404",
        /// It is gone: 410.
        Gone = "410",
    }
}

switch! {
    /// How the second factor is asked for. Clients expect 422, the published schema says 201.
    TwoFactorAnswer {
        /// 422.
        Unprocessable = "422",
        /// 201 with `token: null`.
        Created = "201",
    }
}

switch! {
    /// The wait that answers suggest while there is budget. Unknown; the command line client obeys it.
    RateInterval {
        /// None: 0.0.
        Zero = "zero",
        /// What spreads the rest of the budget over the rest of the hour.
        Spread = "spread",
    }
}

switch! {
    /// What keys look like. Unknown.
    KeyFormat {
        /// 32 hexadecimal digits.
        Hex = "hex",
        /// The same after `ck_`.
        Prefixed = "prefixed",
    }
}

switch! {
    /// What listed keys look like. Unknown.
    Mask {
        /// Nothing but stars.
        Stars = "stars",
        /// Stars and the last four characters.
        LastFour = "last_four",
        /// The first four characters and dots.
        FirstFour = "first_four",
        /// An empty text.
        Empty = "empty",
    }
}

switch! {
    /// What becomes of the slug when a key is refreshed. Likely stays.
    SlugOnRefresh {
        /// It stays.
        Stays = "stays",
        /// It changes.
        Changes = "changes",
    }
}

switch! {
    /// What becomes of the creation time when a key is refreshed. Unknown.
    CreatedOnRefresh {
        /// It is the time of the refresh.
        Changes = "changes",
        /// It stays.
        Stays = "stays",
    }
}

switch! {
    /// How times are written. Documented with milliseconds; clients take more.
    Times {
        /// `2017-01-29T17:52:35.123Z`.
        Milliseconds = "milliseconds",
        /// `2017-01-29T17:52:35.123456Z`.
        Microseconds = "microseconds",
        /// `2017-01-29T17:52:35.123+00:00`.
        Offset = "offset",
    }
}

switch! {
    /// Whether an empty list has page headers. Documented as "never paginated".
    EmptyHeaders {
        /// It has none.
        Absent = "absent",
        /// It has them, with zeros.
        Present = "present",
    }
}

switch! {
    /// What a page past the end is. A third party saw 404.
    PastEnd {
        /// 404.
        NotFound = "404",
        /// 200 without results.
        Empty = "empty",
    }
}

switch! {
    /// What the page links keep of the query. The documentation's sample drops the page size.
    Links {
        /// Only the page number.
        PageOnly = "page_only",
        /// The page size as well.
        Full = "full",
    }
}

switch! {
    /// What creating a key does when there is one.
    SecondKey {
        /// 400.
        Refused = "refused",
        /// It makes another: unknown whether this ever happens.
        Allowed = "allowed",
    }
}

switch! {
    /// What is said when the slug is unknown. The status is 404 either way.
    UnknownSlug {
        /// The published description.
        Spec = "spec",
        /// The framework's `Not found.`
        Framework = "framework",
    }
}

switch! {
    /// What becomes of a caller whose key is wrong. Seen was 401, and that an unknown scheme is nobody.
    BadKey {
        /// 401 `Invalid token.`
        InvalidToken = "invalid_token",
        /// 401 and the longer sentence seen by a third party.
        Sentence = "sentence",
        /// It is nobody, as one without a key is.
        Anonymous = "anonymous",
    }
}

switch! {
    /// What a list of keys is for nobody. Seen was 401.
    AnonymousList {
        /// 401.
        Refused = "refused",
        /// 200 without results.
        Empty = "empty",
    }
}

switch! {
    /// What a path without its last slash does. Unknown.
    MissingSlash {
        /// 301 to the right path for GET, 404 for the rest.
        Redirect = "redirect",
        /// 404.
        NotFound = "404",
        /// Nothing.
        Accept = "accept",
    }
}
