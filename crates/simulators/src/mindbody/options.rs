//! Options of the Mindbody simulator: its size, its credentials, and what the facts leave open.

use crate::{
    Clock,
    options::{options, switch},
};

options! {
    /// Options of the Mindbody simulator. Each can be given as `key=value` under its field's name.
    Options {
        /// How many tokens exist at the start.
        tokens: usize = 0,
        /// Where their variety comes from; the same seed makes the same tokens.
        seed: u64 = 0,
        /// The time the platform believes in.
        clock: Clock = Clock::moving(),
        /// The only API key there is.
        api_key: String = "a1b2c3d4e5f60718293a4b5c6d7e8f90".to_owned(),
        /// The site; -99 is the public sandbox.
        site_id: String = "-99".to_owned(),
        /// A second site, where tokens of the first are refused.
        other_site_id: String = "31415".to_owned(),
        /// Who can have a token issued.
        username: String = "Siteowner".to_owned(),
        /// The password for it.
        password: String = "apitest1234".to_owned(),
        /// A source: `_` and this is a username as well.
        source_name: String = "ExampleSource".to_owned(),
        /// The source's password.
        source_password: String = "source-password".to_owned(),
        /// What kind of user that is.
        user_type: UserType = UserType::Owner,
        /// How many hours a token lives, and how many a renewal adds.
        lifetime_hours: u32 = 24,
        /// How often a token can be renewed.
        max_renewals: u32 = 7,
        /// Calls a day; a third party says that the sandbox refuses more than 1,000.
        daily_limit: Option<u32> = None,
        /// What tokens look like.
        token_format: TokenFormat = TokenFormat::Hex,
        /// Whether answers name the expiry.
        expires: Expires = Expires::Present,
        /// How the expiry is written.
        expires_format: ExpiresFormat = ExpiresFormat::Milliseconds,
        /// What becomes of the token's text when it is renewed.
        renewed_token: RenewedToken = RenewedToken::Stays,
        /// What a renewal answers.
        renew_answer: RenewAnswer = RenewAnswer::Full,
        /// What one renewal too many does.
        renewals_exhausted: RenewalsExhausted = RenewalsExhausted::Forbidden,
        /// What a revocation answers.
        revoke_answer: RevokeAnswer = RevokeAnswer::Object,
        /// The status for revoking a token that is gone, expired or was never there.
        second_revoke: SecondRevoke = SecondRevoke::Unauthorized,
        /// The status for an API key that is wrong.
        wrong_api_key: WrongApiKey = WrongApiKey::Unauthorized,
        /// The status for a site that does not exist.
        wrong_site: WrongSite = WrongSite::BadRequest,
        /// The status for a token at another site than its own.
        foreign_site: ForeignSite = ForeignSite::Unauthorized,
        /// What an empty username does.
        empty_username: EmptyUsername = EmptyUsername::BadRequest,
        /// What issuing a second token within five seconds does.
        issue_again: IssueAgain = IssueAgain::Allowed,
        /// What issuing a token does to those issued before.
        older_tokens: OlderTokens = OlderTokens::Live,
    }
}

switch! {
    /// What kind of user logs in.
    UserType {
        /// An owner, whose id is 0.
        Owner = "Owner",
        /// Staff, with an id.
        Staff = "Staff",
        /// An administrator, whose id is 0.
        Admin = "Admin",
    }
}

switch! {
    /// What tokens look like. Known to be letters and digits.
    TokenFormat {
        /// 32 hexadecimal digits.
        Hex = "hex",
        /// 64 of them.
        Long = "long",
    }
}

switch! {
    /// Whether answers name the expiry. They do since early 2024.
    Expires {
        /// They do.
        Present = "present",
        /// They do not.
        Absent = "absent",
    }
}

switch! {
    /// How the expiry is written. Unknown but for being UTC.
    ExpiresFormat {
        /// `2016-03-13T12:52:32.123Z`.
        Milliseconds = "milliseconds",
        /// `2016-03-13T12:52:32Z`.
        Seconds = "seconds",
        /// `2016-03-13T12:52:32.1234567Z`.
        Ticks = "ticks",
        /// `2016-03-13T12:52:32+00:00`.
        Offset = "offset",
        /// `2016-03-13T12:52:32.123`, UTC without saying so.
        Bare = "bare",
    }
}

switch! {
    /// What becomes of the token's text when it is renewed. Unknown.
    RenewedToken {
        /// It stays.
        Stays = "stays",
        /// It changes, and the old one is dead. The answer then always has the new one.
        Changes = "changes",
    }
}

switch! {
    /// What a renewal answers. Unknown; clients read `AccessToken` and `Expires`.
    RenewAnswer {
        /// `TokenType`, `AccessToken` and `Expires`.
        Full = "full",
        /// `Expires` alone.
        WithoutToken = "without_token",
        /// An empty object.
        Empty = "empty",
    }
}

switch! {
    /// What one renewal too many does. Unknown.
    RenewalsExhausted {
        /// 403 `DeniedAccess`.
        Forbidden = "403",
        /// 400 `InvalidParameter`.
        BadRequest = "400",
        /// 200, and the expiry stays.
        Unchanged = "unchanged",
    }
}

switch! {
    /// What a revocation answers. Unknown beyond the status 200.
    RevokeAnswer {
        /// 200 with an object.
        Object = "object",
        /// 200 without a body.
        Empty = "empty",
        /// 204.
        NoContent = "204",
    }
}

switch! {
    /// The status for revoking a token that is gone, expired or was never there. Unknown.
    SecondRevoke {
        /// 401.
        Unauthorized = "401",
        /// 403.
        Forbidden = "403",
    }
}

switch! {
    /// The status for an API key that is wrong. Unknown.
    WrongApiKey {
        /// 401.
        Unauthorized = "401",
        /// 403.
        Forbidden = "403",
    }
}

switch! {
    /// The status for a site that does not exist. Unknown.
    WrongSite {
        /// 400.
        BadRequest = "400",
        /// 401.
        Unauthorized = "401",
        /// 403.
        Forbidden = "403",
    }
}

switch! {
    /// The status for a token at another site than its own. Unknown.
    ForeignSite {
        /// 401.
        Unauthorized = "401",
        /// 403.
        Forbidden = "403",
    }
}

switch! {
    /// What an empty username does. Unknown.
    EmptyUsername {
        /// 400 `MissingRequiredFields`.
        BadRequest = "400",
        /// 403 `DeniedAccess`.
        Forbidden = "403",
    }
}

switch! {
    /// What issuing a second token within five seconds does. It was refused once.
    IssueAgain {
        /// It makes another token.
        Allowed = "allowed",
        /// 403, as if the password were wrong.
        Refused = "refused",
    }
}

switch! {
    /// What issuing a token does to those issued before. Inferred to be nothing.
    OlderTokens {
        /// They live on.
        Live = "live",
        /// They end.
        End = "end",
    }
}
