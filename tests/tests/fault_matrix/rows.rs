//! The faults.

use std::time::Duration;

use tokenfleet_simulators::{Action, Canned, Churn, Hook, NewToken, RecordField};
use tokenfleet_tests::LEAKED_SECRETS;

/// A fault.
pub(crate) struct Row {
    pub(crate) name: String,
    /// The actions on the same request.
    pub(crate) actions: Vec<Action>,
    /// `true` if the fault itself creates or deletes tokens.
    pub(crate) changes_tokens: bool,
    /// `true` if something in front of the platform refuses the request, in words of its own.
    pub(crate) by_gateway: bool,
}

impl Row {
    /// Returns `true` if the fault is one of connections, which a server must have.
    pub(crate) fn needs_connections(&self) -> bool {
        self.actions
            .iter()
            .any(|action| matches!(action, Action::AnswerTwice))
    }

    /// Returns `true` if the platform itself refuses a good credential, and its status says so.
    pub(crate) fn is_refused_by_platform(&self) -> bool {
        let is_spoiled = |action: &Action| matches!(action, Action::SpoilCredentials);
        let says_otherwise = |action: &Action| matches!(action, Action::Status(_));
        self.actions.iter().any(is_spoiled) && !self.actions.iter().any(says_otherwise)
    }
}

/// A delay within the timeout of one request.
const SHORT: Duration = Duration::from_secs(20);
/// A delay beyond the timeout of one request.
const LONG: Duration = Duration::from_secs(40);

/// Returns a gateway's own response, which has no platform's shape and names a secret.
fn gateway_page(status: u16) -> Canned {
    Canned::status(status)
        .header("content-type", "text/html")
        .header("x-request-id", LEAKED_SECRETS[0])
        .body(format!(
            "<html><h1>Gateway</h1>{} {}</html>",
            LEAKED_SECRETS[0], LEAKED_SECRETS[1]
        ))
}

/// Returns a refusal in each form that gateways are known to use. Each names a secret.
fn gateway_refusals(status: u16) -> Vec<(&'static str, Canned)> {
    let [secret, jwt] = LEAKED_SECRETS;
    let json = |body: String| Canned::json(status, body);
    vec![
        ("HTML", gateway_page(status)),
        (
            "Kong",
            json(format!(
                r#"{{"message":"Unauthorized","request_id":"{secret}"}}"#
            )),
        ),
        (
            "AWS",
            json(format!(
                r#"{{"Message":"User is not authorized to access this resource with {jwt}"}}"#
            ))
            .header("x-amzn-errortype", "AccessDeniedException"),
        ),
        (
            "RFC 7807",
            json(format!(
                r#"{{"type":"about:blank","title":"Unauthorized","status":{status},"detail":"Invalid token {secret}."}}"#
            ))
            .header("content-type", "application/problem+json"),
        ),
        (
            "OAuth",
            json(format!(
                r#"{{"error":"invalid_token","error_description":"The access token {jwt} expired"}}"#
            ))
            .header("www-authenticate", "Bearer error=\"invalid_token\""),
        ),
    ]
}

/// Returns all faults, with each action of the simulators at least once.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |name: &str, actions: Vec<Action>| {
        let changes_tokens = actions
            .iter()
            .any(|action| matches!(action, Action::Churn(_) | Action::Run(_)));
        rows.push(Row {
            name: name.to_owned(),
            by_gateway: name.starts_with("gateway: "),
            actions,
            changes_tokens,
        });
    };
    let applied_later = |action| vec![Action::ApplyLate(SHORT), action];

    row("closed before processing", vec![Action::CloseBefore]);
    row("closed after processing", vec![Action::CloseAfter]);
    row("body truncated", vec![Action::CutBody(10)]);
    row("request delayed 20 s", vec![Action::Delay(SHORT)]);
    row("request delayed 40 s", vec![Action::Delay(LONG)]);
    row("response delayed 20 s", vec![Action::DelayAnswer(SHORT)]);
    row("response delayed 40 s", vec![Action::DelayAnswer(LONG)]);
    row("applied after 40 s", vec![Action::ApplyLate(LONG)]);
    row("closed, applied later", applied_later(Action::CloseBefore));
    row(
        "504, applied later",
        applied_later(Action::Answer(gateway_page(504))),
    );
    for (name, bytes, millis) in [
        ("body trickled", 100, 1),
        ("body trickled slowly", 1, 10_000),
    ] {
        row(name, vec![Action::Trickle { bytes, millis }]);
    }

    for status in [
        200, 302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504,
    ] {
        let name = format!("{status} page");
        row(&name, vec![Action::Answer(gateway_page(status))]);
    }
    let json = |body: &str| vec![Action::Answer(Canned::json(200, body))];
    row("200 empty", vec![Action::Answer(Canned::status(200))]);
    row("200 `{}`", json("{}"));
    row("200 `[]`", json("[]"));
    row("200 invalid JSON", json("{\"id\":"));
    row(
        "200, odd error objects",
        json(r#"{"error":0,"errors":[{"code":7}],"success":"no"}"#),
    );
    row("202 empty", vec![Action::Answer(Canned::status(202))]);
    row("204", vec![Action::Answer(Canned::status(204))]);
    for status in [429, 503] {
        for (name, retry_after) in [
            ("3 s", "3"),
            ("date", "Thu, 01 Jan 2026 00:00:05 GMT"),
            ("huge", "99999999999999999999"),
            ("invalid", "soon"),
        ] {
            let response = gateway_page(status).header("retry-after", retry_after);
            let name = format!("{status}, retry-after: {name}");
            row(&name, vec![Action::Answer(response)]);
        }
    }
    let elsewhere = format!("https://elsewhere.example.com/{}", LEAKED_SECRETS[0]);
    row("307 to another origin", vec![Action::Redirect(elsewhere)]);

    for status in [401, 403, 502] {
        for (form, refusal) in gateway_refusals(status) {
            let name = format!("gateway: {status}, {form}");
            row(&name, vec![Action::Answer(refusal)]);
        }
    }
    let own_error = || vec![Action::SpoilCredentials, Action::Status(200)];
    row("the platform's own error, 200", own_error());
    row(
        "the platform's own error, 200, byte-order mark",
        [own_error(), vec![Action::ByteOrderMark]].concat(),
    );
    let member = |name: &str, json: &str| Action::Member(name.to_owned(), json.to_owned());
    row(
        "the platform's own answer beside an error",
        vec![member("error", r#"{"message":"no","code":"7"}"#)],
    );
    row(
        "credentials spoiled, another field in each refusal",
        vec![Action::SpoilCredentials, member("request_id", "\"1\"")],
    );
    row("status 202", vec![Action::Status(202)]);
    row("status 206", vec![Action::Status(206)]);
    row("each refusal in other words", vec![Action::VaryWords]);
    row(
        "credentials spoiled, each refusal in other words",
        vec![Action::SpoilCredentials, Action::VaryWords],
    );
    row("endless 103", vec![Action::InformationalFlood]);
    row("answered twice", vec![Action::AnswerTwice]);

    // A refusal after the request was applied is not tried, because no client could detect it.
    for status in [200, 302, 408, 500, 502, 503, 504] {
        let name = format!("applied, {status} page");
        row(&name, vec![Action::AnswerAfterwards(gateway_page(status))]);
    }
    let response = gateway_page(503).header("retry-after", "3");
    row(
        "applied, 503, retry-after: 3 s",
        vec![Action::AnswerAfterwards(response)],
    );
    row(
        "applied, 200 `{}`",
        vec![Action::AnswerAfterwards(Canned::json(200, "{}"))],
    );

    row(
        "wrong content type",
        vec![Action::ContentType("text/html".to_owned())],
    );
    row("byte-order mark", vec![Action::ByteOrderMark]);
    row("gzip unasked", vec![Action::Gzip]);
    row("gzip in two members", vec![Action::GzipMembers]);
    row(
        "gzip of a byte-order mark, wrong content type",
        vec![
            Action::ByteOrderMark,
            Action::Gzip,
            Action::ContentType("text/html".to_owned()),
        ],
    );
    let header = |name: &str, value: &str| Action::Header(name.to_owned(), value.to_owned());
    row(
        "rate budget spent until 2100",
        vec![
            header("x-ratelimit-remaining", "0"),
            header("x-ratelimit-reset", "4102444800"),
        ],
    );
    row(
        "proxy refuses its login",
        vec![Action::Answer(gateway_page(407))],
    );
    row("a million values", vec![Action::ManyValues(1 << 20)]);
    row("huge body", vec![Action::HugeBody(2 << 20)]);
    row("deeply nested body", vec![Action::DeepBody(200)]);
    row("items repeated", vec![Action::RepeatItems(1)]);
    row("items reordered", vec![Action::ReorderItems]);
    for (name, field, json) in [
        ("id of another token", RecordField::Id, "999999"),
        ("old name", RecordField::Name, r#""before""#),
        (
            "name with half a surrogate pair",
            RecordField::Name,
            r#""renamed \ud83d""#,
        ),
        ("name is a number", RecordField::Name, "42"),
        ("name is an object", RecordField::Name, r#"{"a":1}"#),
        ("other status", RecordField::Status, r#""tomorrow""#),
        ("status is a number", RecordField::Status, "1"),
        (
            "status is half a surrogate pair",
            RecordField::Status,
            r#""\ud83d""#,
        ),
        (
            "broader scopes",
            RecordField::Scopes,
            r#"["all.User","all.Organization"]"#,
        ),
        ("scopes are a text", RecordField::Scopes, r#""all.User""#),
        (
            "secret masked",
            RecordField::Secret,
            r#""************3456""#,
        ),
        ("secret redacted", RecordField::Secret, r#""**redacted**""#),
        ("secret is null", RecordField::Secret, "null"),
        (
            "created in the year 1",
            RecordField::Created,
            r#""0001-01-01""#,
        ),
        (
            "created at a leap second",
            RecordField::Created,
            r#""2016-12-31T23:59:60Z""#,
        ),
        ("created is an object", RecordField::Created, "{}"),
        (
            "expires in 9999",
            RecordField::Expiry,
            r#""9999-12-31T23:59:59Z""#,
        ),
        (
            "expires in 10000",
            RecordField::Expiry,
            r#""10000-01-01T00:00:00Z""#,
        ),
        ("expired", RecordField::Expiry, r#""2001-01-01T00:00:00Z""#),
    ] {
        let json = json.to_owned();
        row(name, vec![Action::Falsify { field, json }]);
    }
    row("secret of another token", vec![Action::RepeatSecret]);
    row("credential as the secret", vec![Action::EchoCredential]);
    row("total + 5", vec![Action::LieAboutTotals(5)]);
    row("total - 1", vec![Action::LieAboutTotals(-1)]);
    row("page number ignored", vec![Action::IgnorePage]);
    row("endless pages", vec![Action::EndlessPages]);
    let create = Churn::Create("meanwhile".to_owned());
    row("a token is created", vec![Action::Churn(create)]);
    row(
        "the oldest token is deleted",
        vec![Action::Churn(Churn::RemoveOldest(1))],
    );
    let hook = Hook::new(|simulator| {
        simulator.insert(NewToken::named("first"));
        simulator.insert(NewToken::named("second"));
    });
    row("two tokens are created", vec![Action::Run(hook)]);
    rows
}
