//! The options of the Mindbody simulator: its size, its credentials and its switches.

use crate::options::options;

options! {
    /// Options of the Mindbody simulator, which can also be set as `key=value` by field name.
    values {
        /// The only API key.
        api_key: String = "a1b2c3d4e5f60718293a4b5c6d7e8f90".to_owned(),
        /// The id of the site; -99 is the public sandbox.
        site_id: String = "-99".to_owned(),
        /// The id of a second site, which rejects tokens of the first.
        other_site_id: String = "31415".to_owned(),
        /// The username of the user that tokens are issued to.
        username: String = "Siteowner".to_owned(),
        /// The password of the user.
        password: String = "apitest1234".to_owned(),
        /// The name of a source, which can log in with `_` and this name as its username.
        source_name: String = "ExampleSource".to_owned(),
        /// The password of the source.
        source_password: String = "source-password".to_owned(),
        /// The lifetime of a token in hours, which each renewal adds again.
        lifetime_hours: u32 = 24,
        /// The number of times that a token can be renewed.
        max_renewals: u32 = 7,
        /// The daily call limit. A third party says that the sandbox rejects more than 1,000.
        daily_limit: Option<u32> = None,
    }
    switches {
        /// The type of the user.
        user_type: UserType {
            /// An owner, whose id is 0.
            Owner = "Owner",
            /// A member of staff, with an id.
            Staff = "Staff",
            /// An administrator, whose id is 0.
            Admin = "Admin",
        }
        /// The format of tokens. Tokens are known to be letters and digits.
        token_format: TokenFormat {
            /// 32 hexadecimal digits.
            Hex = "hex",
            /// 64 hexadecimal digits.
            Long = "long",
        }
        /// The presence of the expiry in responses. Included since early 2024.
        expires: Expires {
            /// Included.
            Present = "present",
            /// Left out.
            Absent = "absent",
        }
        /// The format of the expiry. Only known to be UTC.
        expires_format: ExpiresFormat {
            /// `2016-03-13T12:52:32.123Z`.
            Milliseconds = "milliseconds",
            /// `2016-03-13T12:52:32Z`.
            Seconds = "seconds",
            /// `2016-03-13T12:52:32.1234567Z`.
            Ticks = "ticks",
            /// `2016-03-13T12:52:32+00:00`.
            Offset = "offset",
            /// `2016-03-13T12:52:32.123`, UTC without a designator.
            Bare = "bare",
        }
        /// The text of a token after a renewal. The vendor does not document this.
        renewed_token: RenewedToken {
            /// Unchanged.
            Stays = "stays",
            /// A new text, which the response always includes; the old one stops working.
            Changes = "changes",
        }
        /// The response to a renewal. The vendor does not document this; clients read
        /// `AccessToken` and `Expires`.
        renew_answer: RenewAnswer {
            /// `TokenType`, `AccessToken` and `Expires`.
            Full = "full",
            /// Only `Expires`.
            WithoutToken = "without_token",
            /// An empty object.
            Empty = "empty",
        }
        /// The response to a renewal beyond `max_renewals`. The vendor does not document this.
        renewals_exhausted: RenewalsExhausted {
            /// 403 `DeniedAccess`.
            Forbidden = "403",
            /// 400 `InvalidParameter`.
            BadRequest = "400",
            /// 200 with the expiry unchanged.
            Unchanged = "unchanged",
        }
        /// The response to a revocation. Only its status 200 is known.
        revoke_answer: RevokeAnswer {
            /// 200 with an object.
            Object = "object",
            /// 200 without a body.
            Empty = "empty",
            /// 204.
            NoContent = "204",
        }
        /// The status for revoking a token that is revoked, expired or not known. The vendor does
        /// not document this.
        second_revoke: SecondRevoke {
            /// 401.
            Unauthorized = "401",
            /// 403.
            Forbidden = "403",
        }
        /// The status for a wrong API key. The vendor does not document this.
        wrong_api_key: WrongApiKey {
            /// 401.
            Unauthorized = "401",
            /// 403.
            Forbidden = "403",
        }
        /// The status for a site that does not exist. The vendor does not document this.
        wrong_site: WrongSite {
            /// 400.
            BadRequest = "400",
            /// 401.
            Unauthorized = "401",
            /// 403.
            Forbidden = "403",
        }
        /// The status for a token that belongs to another site. The vendor does not document this.
        foreign_site: ForeignSite {
            /// 401.
            Unauthorized = "401",
            /// 403.
            Forbidden = "403",
        }
        /// The response to an empty username or password. The vendor does not document this.
        empty_username: EmptyUsername {
            /// 400 `MissingRequiredFields`.
            BadRequest = "400",
            /// 403 `DeniedAccess`.
            Forbidden = "403",
        }
        /// The response to issuing a second token within five seconds. We once saw it refused.
        issue_again: IssueAgain {
            /// Another token is issued.
            Allowed = "allowed",
            /// 403, as for a wrong password.
            Refused = "refused",
        }
        /// The effect of issuing a token on those issued before. Inferred to be none.
        older_tokens: OlderTokens {
            /// They stay valid.
            Live = "live",
            /// They are revoked.
            End = "end",
        }
    }
}
