//! The options of the Cloudsmith simulator: its size, its credentials and its switches.

use crate::options::options;

options! {
    /// Options of the Cloudsmith simulator, which can also be set as `key=value` by field name.
    ///
    /// The real platform allows a user at most one API key; `tokens` may exceed that.
    values {
        /// An accepted key that is not listed, in place of one derived from the seed.
        api_key: Option<String> = None,
        /// The email address of the user.
        email: String = "me@example.com".to_owned(),
        /// The password of the user.
        password: String = "pw".to_owned(),
        /// A second email address of the user, whose login requires a second factor.
        two_factor_email: String = "2fa@example.com".to_owned(),
        /// The code that is accepted as the second factor.
        totp: String = "123456".to_owned(),
        /// The number of failed logins that lock the user out.
        lockout_after: u32 = 5,
        /// The duration of a lockout in minutes.
        lockout_minutes: u32 = 15,
        /// The hourly request limit of the user; `none` removes the limit and its headers.
        rate_limit: Option<u32> = Some(5400),
        /// The hourly request limit of anonymous callers.
        anonymous_rate_limit: u32 = 1800,
        /// The slug of the only organisation, which has the service accounts.
        organization: String = "acme".to_owned(),
        /// The days after which the key of a service account expires; `none` is no API key policy.
        key_policy_days: Option<u32> = None,
        /// The seconds for which a new service account is not found and a deleted one still is,
        /// with its key.
        service_lag: u32 = 0,
    }
    switches {
        /// The key that the simulator's credentials hold.
        credential: Credential {
            /// A key that is not listed, as OIDC tokens are not.
            Separate = "separate",
            /// The first listed key; refreshing it ends the caller's own access.
            Own = "own",
        }
        /// The collection that holds the seeded tokens and that the ground truth covers.
        collection: Collection {
            /// `/user/tokens/`.
            User = "user",
            /// `/orgs/{org}/services/`, each with its key.
            Services = "services",
        }
        /// The role of the user in the organisation, and what a member gets there.
        organization_role: OrganizationRole {
            /// A manager.
            Manager = "manager",
            /// A member, who gets 403.
            Member = "member",
            /// A member, who gets 404.
            HiddenMember = "hidden_member",
        }
        /// The status for creating a service account. The specification says 200, and 201 of other
        /// creations.
        created_status: CreatedStatus {
            /// 200.
            Ok = "200",
            /// 201.
            Created = "201",
        }
        /// The response to deleting or refreshing a service account that does not exist. The vendor
        /// does not document this.
        unknown_service: UnknownService {
            /// 404.
            NotFound = "404",
            /// 400 with the message of the specification.
            BadRequest = "400",
        }
        /// The response to a name that another service account has. The vendor does not document
        /// this.
        duplicate_name: DuplicateName {
            /// The service account is created with another slug.
            Allowed = "allowed",
            /// 422.
            Refused = "refused",
        }
        /// The slug of a service account after its name was changed. The vendor does not document
        /// this.
        slug_on_rename: SlugOnRename {
            /// Unchanged.
            Stays = "stays",
            /// Made from the new name.
            Follows = "follows",
        }
        /// The response of `/user/self/` to the key of a service account. The vendor does not
        /// document this.
        service_self: ServiceSelf {
            /// The service account, recognised.
            Recognized = "recognized",
            /// 200, as to anybody who is not recognised.
            Anonymous = "anonymous",
            /// 403.
            Forbidden = "forbidden",
        }
        /// The match of names in a search for service accounts. The vendor does not document this.
        name_query: NameQuery {
            /// A part of the name, ignoring case.
            Part = "part",
            /// The whole name, ignoring case.
            Whole = "whole",
        }
        /// The availability of password login. Its end is announced for 2026-11-20.
        login: Login {
            /// It is available.
            Enabled = "enabled",
            /// It is gone: 404.
            NotFound = "404",
            /// It is gone: 410.
            Gone = "410",
        }
        /// The response that requests the second factor. Clients expect 422, the schema says 201.
        two_factor_answer: TwoFactorAnswer {
            /// 422.
            Unprocessable = "422",
            /// 201 with `token: null`.
            Created = "201",
        }
        /// The wait that responses suggest within the limit. The vendor does not document this; its
        /// CLI obeys it.
        rate_interval: RateInterval {
            /// 0.0.
            Zero = "zero",
            /// The rest of the hour divided by the requests left.
            Spread = "spread",
        }
        /// The format of keys. The vendor does not document this.
        key_format: KeyFormat {
            /// 32 hexadecimal digits.
            Hex = "hex",
            /// `ck_` and 32 hexadecimal digits.
            Prefixed = "prefixed",
        }
        /// The masked form of listed keys. The vendor does not document this.
        mask: Mask {
            /// Only stars.
            Stars = "stars",
            /// Stars and the last four characters.
            LastFour = "last_four",
            /// The first four characters and three dots.
            FirstFour = "first_four",
            /// An empty string.
            Empty = "empty",
        }
        /// The slug of a key after a refresh. Probably unchanged.
        slug_on_refresh: SlugOnRefresh {
            /// Unchanged.
            Stays = "stays",
            /// A new slug.
            Changes = "changes",
        }
        /// The creation time of a key after a refresh. The vendor does not document this.
        created_on_refresh: CreatedOnRefresh {
            /// The time of the refresh.
            Changes = "changes",
            /// Unchanged.
            Stays = "stays",
        }
        /// The format of times. Documented with milliseconds; clients accept more.
        times: Times {
            /// `2017-01-29T17:52:35.123Z`.
            Milliseconds = "milliseconds",
            /// `2017-01-29T17:52:35.123456Z`.
            Microseconds = "microseconds",
            /// `2017-01-29T17:52:35.123+00:00`.
            Offset = "offset",
        }
        /// The pagination headers of an empty list. Documented as "never paginated".
        empty_headers: EmptyHeaders {
            /// None.
            Absent = "absent",
            /// All of them, with a count of 0.
            Present = "present",
        }
        /// The response to a page past the end. A third party saw 404.
        past_end: PastEnd {
            /// 404.
            NotFound = "404",
            /// 200 without results.
            Empty = "empty",
        }
        /// The query parameters in pagination links. The documented sample drops the page size.
        links: Links {
            /// Only the page number.
            PageOnly = "page_only",
            /// The page number and the page size.
            Full = "full",
        }
        /// The response to creating a key when one exists.
        second_key: SecondKey {
            /// 400.
            Refused = "refused",
            /// Another key is created; not known to happen on the real platform.
            Allowed = "allowed",
        }
        /// The message for an unknown slug. The status is 404 either way.
        unknown_slug: UnknownSlug {
            /// The description in the published specification.
            Spec = "spec",
            /// The framework's `Not found.`
            Framework = "framework",
        }
        /// The response to a wrong key. A third party saw 401, and unknown schemes counting as
        /// anonymous.
        bad_key: BadKey {
            /// 401 `Invalid token.`
            InvalidToken = "invalid_token",
            /// 401 with the longer message that a third party saw.
            Sentence = "sentence",
            /// The caller counts as anonymous.
            Anonymous = "anonymous",
        }
        /// The response to an anonymous list request. A third party saw 401.
        anonymous_list: AnonymousList {
            /// 401.
            Refused = "refused",
            /// 200 without results.
            Empty = "empty",
        }
        /// The response to a path without its trailing slash. The vendor does not document this.
        missing_slash: MissingSlash {
            /// 301 to the path with the slash for GET, 404 for other methods.
            Redirect = "redirect",
            /// 404.
            NotFound = "404",
            /// The path is served.
            Accept = "accept",
        }
    }
}
