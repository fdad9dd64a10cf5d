//! Refusals and successes that say nothing about a token, from things in front of the platforms.

use std::sync::Arc;

use http::{Request, Response};
use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_core::{Error, ErrorKind, Liveness, RevokeOptions, Secret, TokenId, TokenProvider};
use tokenfleet_foreman::{Foreman, ForemanConfig};
use tokenfleet_http::{BaseUrl, Body, Transport};
use tokenfleet_losant::{Losant, LosantConfig};
use tokenfleet_mindbody::{Mindbody, MindbodyConfig};
use tokenfleet_tests::{FnTransport, fixed_credential, immediate_retries, response};

const SUSPECT: &str = "suspect0123456789abcdef";

/// The answers of gateways, proxies and API managers, with 401 or 403.
const GATEWAYS: [&str; 14] = [
    "<html><body>Unauthorized</body></html>",
    r#"{"message":"Unauthorized"}"#,
    r#"{"message":"Forbidden"}"#,
    r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Invalid token."}"#,
    r#"{"type":"Problem","title":"Unauthorized","message":null}"#,
    r#"{"error":"invalid_token","error_description":"The access token expired"}"#,
    r#"{"error":{"code":401,"message":"Request had invalid credentials"}}"#,
    r#"{"detail":"Authentication credentials were not provided."}"#,
    r#"{"Message":"Authorization has been denied for this request."}"#,
    r#"{"type":"Error","message":"Unauthorized","code":401}"#,
    r#"{"statusCode":403,"message":"Access denied due to invalid subscription key."}"#,
    r#"{"message":"Unable to authenticate user jane"}"#,
    r#"{"detail":"Invalid token header. No credentials provided."}"#,
    r#"[{"type":"Unauthorized","message":"no","detail":"Invalid token."}]"#,
];

fn providers(transport: Arc<dyn Transport>) -> Vec<Arc<dyn TokenProvider>> {
    let acting = || fixed_credential("acting0123456789abcdef");
    let base_url = BaseUrl::parse("https://foreman.example.com").unwrap();
    let foreman = ForemanConfig::new(base_url, "admin", acting(), 4).with_token_login("jane");
    vec![
        Arc::new(
            Losant::new("a", LosantConfig::new(acting()), Arc::clone(&transport))
                .with_retry(immediate_retries()),
        ),
        Arc::new(
            Foreman::new("a", foreman, Arc::clone(&transport)).with_retry(immediate_retries()),
        ),
        Arc::new(
            Cloudsmith::new("a", CloudsmithConfig::new(acting()), transport)
                .with_retry(immediate_retries()),
        ),
    ]
}

/// A success in the shape that all three platforms understand.
const ACCEPTED: &str =
    r#"{"items":[],"totalCount":0,"results":[],"subtotal":0,"total":0,"authenticated":true}"#;

fn is_suspect(request: &Request<bytes::Bytes>) -> bool {
    let sent = format!("{:?}", Sent(request));
    sent.contains(SUSPECT) || sent.contains("amFuZTpzdXNwZWN0")
}

/// The headers in clear, which `HeaderValue` hides if they are sensitive.
struct Sent<'a>(&'a Request<bytes::Bytes>);

impl std::fmt::Debug for Sent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for value in self.0.headers().values() {
            write!(f, "{} ", value.to_str().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// An answer that accepts a credential: the owner of Foreman's tokens, or an empty page.
fn accepted(request: &Request<bytes::Bytes>) -> Response<Body> {
    match request.uri().path() {
        "/api/users" => response(200, r#"{"results":[{"id":4,"login":"jane"}]}"#),
        _ => response(200, ACCEPTED),
    }
}

async fn verify(
    refusal: impl Fn(&Request<bytes::Bytes>) -> Option<Response<Body>> + Send + Sync + 'static,
) -> Vec<Result<Liveness, Error>> {
    let transport = Arc::new(FnTransport(move |request: Request<_>| {
        Ok(refusal(&request).unwrap_or_else(|| accepted(&request)))
    }));
    let mut results = Vec::new();
    for provider in providers(transport) {
        results.push(provider.verify(&Secret::new(SUSPECT)).await);
    }
    results
}

#[tokio::test]
async fn a_refusal_that_is_not_the_platforms_own_decides_nothing() {
    for status in [401, 403] {
        for body in GATEWAYS {
            let results =
                verify(move |request| is_suspect(request).then(|| response(status, body))).await;
            for result in results {
                assert!(
                    matches!(result, Ok(Liveness::Unknown { .. })),
                    "{status} {body}: {result:?}"
                );
            }
        }
    }
}

/// The documented refusals of the three platforms.
const REFUSALS: [&str; 3] = [
    r#"{"type":"Unauthorized","message":"Authorization required"}"#,
    r#"{"error":{"message":"Unable to authenticate user jane"}}"#,
    r#"{"detail":"Invalid token."}"#,
];

#[tokio::test]
async fn a_refused_secret_is_dead_only_if_the_acting_credential_is_accepted() {
    for (index, body) in REFUSALS.into_iter().enumerate() {
        let dead = verify(move |request| is_suspect(request).then(|| response(401, body))).await;
        assert!(
            matches!(dead[index], Ok(Liveness::Dead)),
            "{:?}",
            dead[index]
        );
        let refuses_all = verify(move |_| Some(response(401, body))).await;
        assert!(
            matches!(refuses_all[index], Ok(Liveness::Unknown { .. })),
            "{:?}",
            refuses_all[index]
        );
    }
}

/// Foreman refuses an unknown login, and one of another user, like a dead secret.
#[tokio::test]
async fn a_configured_login_is_dead_only_if_it_owns_the_tokens() {
    for (users, is_dead) in [
        (r#"{"results":[{"id":4,"login":"jane"}]}"#, true),
        (r#"{"results":[{"id":5,"login":"jane"}]}"#, false),
        (r#"{"results":[{"id":4,"login":"jim"}]}"#, false),
        (r#"{"results":[]}"#, false),
    ] {
        let results = verify(move |request| match request.uri().path() {
            _ if is_suspect(request) => Some(response(401, REFUSALS[1])),
            "/api/users" => Some(response(200, users)),
            _ => None,
        })
        .await;
        let found = matches!(results[1], Ok(Liveness::Dead));
        assert_eq!(found, is_dead, "{users}: {:?}", results[1]);
        assert!(results[1].is_ok(), "{users}: {:?}", results[1]);
    }
}

/// The same refusals, with one field that is odd: it hides none of the others.
const ODD_REFUSALS: [&str; 3] = [
    r#"{"type":"Unauthorized","message":"half \ud83d"}"#,
    r#"{"error":{"message":"Unable to authenticate user jane","details":{"a":[1]},"class":7}}"#,
    r#"{"detail":"Invalid token.","code":7,"fields":NaN}"#,
];

#[tokio::test]
async fn a_refusal_is_recognised_although_one_of_its_fields_is_odd() {
    for (index, body) in ODD_REFUSALS.into_iter().enumerate() {
        let dead = verify(move |request| is_suspect(request).then(|| response(401, body))).await;
        assert!(
            matches!(dead[index], Ok(Liveness::Dead)),
            "{body}: {:?}",
            dead[index]
        );
    }
}

fn mindbody(transport: impl Transport) -> Mindbody {
    let config = MindbodyConfig::new(
        "-99",
        fixed_credential("key0123456789"),
        "Siteowner",
        fixed_credential("password"),
    );
    Mindbody::new("a", config, Arc::new(transport)).with_retry(immediate_retries())
}

/// Mindbody specifies no response to a revocation, so all that can be told is that it did not fail.
#[tokio::test]
async fn a_success_that_says_that_it_failed_revokes_and_renews_nothing() {
    let deep: &str = format!(r#"{{"Error":{}{}}}"#, "[".repeat(200), "]".repeat(200)).leak();
    for body in [
        r#"{"Error":{"Message":"Denied","Code":17}}"#,
        r#"{"Error":"Denied"}"#,
        r#"{"Error":{"Message":"Denied","Code":"DeniedAccess"},"Error":null}"#,
        r#"{"error":{"message":"Denied"}}"#,
        r#"{"Errors":[{"Message":"Denied"}]}"#,
        r#"{"Error":{"Message":"half \ud83d","Code":"DeniedAccess"}}"#,
        r#"{"Error":{"Message":["Denied"]},"x":NaN}"#,
        r#"{"Success":false}"#,
        r#"{"Success":"false"}"#,
        r#"{"Success":0}"#,
        r#"{"AccessToken":null,"Error":{"Message":"Denied","Code":"DeniedAccess"}}"#,
        r#"{"AccessToken":"","Error":{"Message":"Denied","Code":"DeniedAccess"}}"#,
        r#"{"AccessToken":null,"Success":false}"#,
        r#"{"type":"about:blank","title":"Unauthorized","status":401}"#,
        r#"[{"Error":{"Message":"Denied","Code":"DeniedAccess"}}]"#,
        "true",
        deep,
    ] {
        let mindbody = mindbody(FnTransport(move |_: Request<_>| Ok(response(200, body))));
        let suspect = Secret::new(SUSPECT);
        let revoked = mindbody.revoke((&suspect).into(), RevokeOptions::default());
        let error = revoked.await.expect_err(body);
        assert!(error.may_have_applied(), "{body}: {error}");
        let error = mindbody.renew(&suspect).await.expect_err(body);
        assert!(error.may_have_applied(), "{body}: {error}");
    }
    // A new secret is not lost, but it revokes nothing.
    let body = r#"{"AccessToken":"fresh0123456789abcdef","Error":{"Message":"Denied"}}"#;
    let fresh = mindbody(FnTransport(move |_: Request<_>| Ok(response(200, body))));
    let suspect = Secret::new(SUSPECT);
    let revoked = fresh.revoke((&suspect).into(), RevokeOptions::default());
    assert!(revoked.await.unwrap_err().may_have_applied());
    let renewed = fresh.renew(&suspect).await.unwrap();
    assert_eq!(renewed.secret.unwrap().expose(), "fresh0123456789abcdef");
    for (status, body, is_revoked) in [
        (200, r#"{"Success":true,"AccessToken":null}"#, true),
        (200, r#"{"Success":null}"#, true),
        (200, "", true),
        (204, "", true),
        (200, "{}", true),
        (
            200,
            r#"{"Message":"Revoked","Error":null,"Errors":[]}"#,
            true,
        ),
        (202, r#"{"Message":"queued"}"#, false),
        (206, "", false),
        (207, "{}", false),
    ] {
        let mindbody = mindbody(FnTransport(move |_: Request<_>| Ok(response(status, body))));
        let suspect = Secret::new(SUSPECT);
        let revoked = mindbody.revoke((&suspect).into(), RevokeOptions::default());
        assert_eq!(revoked.await.is_ok(), is_revoked, "{status} {body}");
    }
}

/// A success with the platform's own error in it is not a success.
#[tokio::test]
async fn a_success_that_holds_an_error_proves_nothing() {
    let error = r#"{"type":"NotFound","message":"API Token was not found",
        "error":{"message":"Resource personal_access_token not found by id '1'"},
        "detail":"Not found.","Error":{"Message":"Denied","Code":"DeniedAccess"},
        "success":true,"revoked":true,"id":1,"authenticated":false}"#;
    let transport = || Arc::new(FnTransport(move |_: Request<_>| Ok(response(200, error))));
    for provider in providers(transport()) {
        let verified = provider.verify(&Secret::new(SUSPECT)).await;
        assert!(!matches!(verified, Ok(Liveness::Dead | Liveness::Alive)));
        let options = RevokeOptions::default().with_existed();
        let revoked = provider.revoke((&TokenId::new("1")).into(), options).await;
        assert!(revoked.is_err(), "{revoked:?}");
    }
    let mindbody = MindbodyConfig::new(
        "-99",
        fixed_credential("key0123456789"),
        "Siteowner",
        fixed_credential("password"),
    );
    let mindbody = Mindbody::new("a", mindbody, transport()).with_retry(immediate_retries());
    let suspect = Secret::new(SUSPECT);
    let revoked = mindbody.revoke((&suspect).into(), RevokeOptions::default());
    let error = revoked.await.unwrap_err();
    assert!(error.may_have_applied(), "{error}");
    let error = mindbody.renew(&suspect).await.unwrap_err();
    assert!(error.may_have_applied(), "{error}");
}

/// Two refusals that differ in a reference number are the same refusal.
#[tokio::test]
async fn mindbody_refusals_are_compared_by_status_and_code() {
    let number = std::sync::atomic::AtomicU32::new(0);
    let transport = FnTransport(move |_: Request<_>| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let body = format!(
            r#"{{"Error":{{"Message":"Denied, reference {number}","Code":"DeniedAccess"}}}}"#
        );
        Ok(response(401, body.leak()))
    });
    let config = MindbodyConfig::new(
        "-99",
        fixed_credential("key0123456789"),
        "Siteowner",
        fixed_credential("password"),
    );
    let mindbody = Mindbody::new("a", config, Arc::new(transport)).with_retry(immediate_retries());
    let suspect = Secret::new(SUSPECT);
    let revoked = mindbody.revoke((&suspect).into(), RevokeOptions::default());
    assert_eq!(
        revoked.await.unwrap_err().kind(),
        ErrorKind::Unauthenticated
    );
}

/// Cloudsmith's refresh that repeats the old key, or masks the new one, revoked nothing.
#[tokio::test]
async fn a_repeated_or_masked_key_is_no_revocation() {
    for key in ["acting0123456789abcdef", "************3456", "**redacted**"] {
        let body = format!(r#"{{"slug_perm":"A8mbAfka2fGG","key":"{key}"}}"#);
        let body: &'static str = body.leak();
        let transport = Arc::new(FnTransport(move |_: Request<_>| Ok(response(200, body))));
        let config = CloudsmithConfig::new(fixed_credential("acting0123456789abcdef"))
            .with_lockout_accepted();
        let cloudsmith = Cloudsmith::new("a", config, transport);
        let options = RevokeOptions::accept_replacement();
        let id = TokenId::new("A8mbAfka2fGG");
        let error = cloudsmith.revoke((&id).into(), options).await.unwrap_err();
        assert!(error.may_have_applied(), "{key}: {error}");
    }
}

/// Cloudsmith's answer to "who am I" is about one field.
#[tokio::test]
async fn an_odd_field_of_the_user_hides_neither_the_user_nor_the_key() {
    let body = r#"{"authenticated":true,"email":{"a":1},"name":7,"slug":"jane","slug":"jim",
        "slug_perm":"q1w2"}"#;
    let transport = Arc::new(FnTransport(move |request: Request<_>| {
        let is_user = request.uri().path().contains("/user/self");
        Ok(response(
            200,
            if is_user { body } else { r#"{"results":[]}"# },
        ))
    }));
    let acting = fixed_credential("acting0123456789abcdef");
    let cloudsmith = Cloudsmith::new("a", CloudsmithConfig::new(acting), transport);
    let verified = cloudsmith.verify(&Secret::new(SUSPECT)).await;
    assert!(matches!(verified, Ok(Liveness::Alive)), "{verified:?}");
    let identity = cloudsmith.whoami().await.unwrap();
    assert_eq!(identity.principal.id(), "q1w2");
    assert_eq!(identity.email.known(), None);
    for body in ["{}", r#"{"authenticated":"perhaps"}"#] {
        let transport = Arc::new(FnTransport(move |_: Request<_>| Ok(response(200, body))));
        let acting = fixed_credential("acting0123456789abcdef");
        let cloudsmith = Cloudsmith::new("a", CloudsmithConfig::new(acting), transport);
        let verified = cloudsmith.verify(&Secret::new(SUSPECT)).await;
        assert!(verified.is_err(), "{body}: {verified:?}");
    }
}

/// A refusal that says what is wrong is an error, and so is a proxy's.
#[tokio::test]
async fn a_refusal_about_something_else_is_reported_as_it_is() {
    let unknown_user = r#"{"error":{"message":"Couldn't find User with 'id'=4"}}"#;
    for (status, body) in [(422, unknown_user), (407, "<html>Proxy</html>")] {
        let results =
            verify(move |request| is_suspect(request).then(|| response(status, body))).await;
        let error = results[1].as_ref().unwrap_err();
        assert_eq!(error.status(), Some(status), "{error}");
        assert!(error.advice().is_some(), "{error}");
    }
    // Foreman in another language.
    let localised = r#"{"error":{"message":"Benutzer kann nicht authentifiziert werden"}}"#;
    let results =
        verify(move |request| is_suspect(request).then(|| response(401, localised))).await;
    match &results[1] {
        Ok(Liveness::Unknown { reason }) => assert!(reason.contains("own words"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
