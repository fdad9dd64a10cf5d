//! One odd value never hides the rest, and never loses a secret (decision 0016).

use std::sync::Arc;

use http::Request;
use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_conformance::Fixture;
use tokenfleet_core::{
    CreateToken, Fact, Filter, Query, Secret, TokenId, TokenProvider, TokenProviderExt, TokenState,
    UpdateToken,
};
use tokenfleet_losant::{Losant, LosantConfig};
use tokenfleet_simulators::{Action, Canned, Fault, RecordField};
use tokenfleet_tests::{
    FnTransport, SimulatedFixture, adapter, base_url, build, cloudsmith, fixed_credential, foreman,
    losant, mindbody, response, transport,
};

/// Values that no platform documents, for any field.
const ODD: [&str; 14] = [
    r#""deploy \ud83d""#,
    r#""\udc00""#,
    "42",
    "1e999",
    "NaN",
    "true",
    r#"{"a":"b"}"#,
    r#"["a"]"#,
    r#""0001-01-01""#,
    r#""9999-12-31T23:59:59Z""#,
    r#""10000-01-01T00:00:00Z""#,
    r#""2016-12-31T23:59:60Z""#,
    r#""\x41""#,
    "null",
];

fn falsify(fixture: &SimulatedFixture, field: RecordField, json: &str) {
    let json = json.to_owned();
    let fault = Fault::new(Action::Falsify { field, json });
    fixture.simulator().faults().add(fault.always());
}

#[tokio::test]
async fn every_token_is_listed_whatever_one_of_them_holds() {
    use RecordField::{Created, Expiry, Name, Scopes, Status};
    for field in [Name, Status, Scopes, Created, Expiry] {
        for json in ODD {
            let options = ["tokens=3"];
            for fixture in [
                losant(&options),
                foreman(&options, None),
                cloudsmith(&["tokens=1"], false),
            ] {
                falsify(&fixture, field, json);
                let place = format!("{}: {field:?} {json}", fixture.simulator().provider());
                let list = fixture.provider().list_all(Query::new()).await;
                let list = list.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert!(list.completeness.is_complete(), "{place}");
                let expected = fixture.simulator().token_count();
                assert_eq!(list.tokens.len(), expected, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn no_secret_is_lost_whatever_else_the_response_holds() {
    use RecordField::{Created, Expiry, Id, Name, Scopes, Status};
    for field in [Id, Name, Status, Scopes, Created, Expiry] {
        for json in ODD {
            for fixture in [
                losant(&[]),
                foreman(&[], None),
                cloudsmith(&["tokens=0"], false),
                mindbody(&[], false),
            ] {
                falsify(&fixture, field, json);
                let provider = fixture.provider();
                let request = match fixture.simulator().provider() {
                    "losant" | "foreman" => CreateToken::new("ci"),
                    _ => CreateToken::unnamed(),
                };
                let place = format!("{}: {field:?} {json}", fixture.simulator().provider());
                let issued = provider.create(request).await;
                let issued = issued.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert!(fixture.accepts(&issued.secret).await, "{place}");
            }
        }
    }
}

/// Returns Losant with this answer to every request.
fn answering(body: &'static str) -> Losant {
    let transport = FnTransport(move |_: Request<_>| Ok(response(200, body)));
    let config = LosantConfig::new(fixed_credential("acting"));
    Losant::new("iot", config, Arc::new(transport))
}

#[tokio::test]
async fn a_name_that_cannot_be_read_is_shown_and_equals_none() {
    let losant = answering(
        r#"{"items":[{"id":"1","name":"ci \ud83d","status":"active"},
                     {"id":"2","name":"ci \\ud83d","status":"active"}],"totalCount":2}"#,
    );
    let named = Query::new().filter(Filter::name(r"ci \ud83d"));
    let found = losant.list_all(named).await.unwrap().tokens;
    let ids: Vec<_> = found.iter().map(|token| token.id.as_str()).collect();
    assert_eq!(ids, ["2"]);
    let prefix = Query::new().filter(Filter::name_prefix("ci "));
    let found = losant.list_all(prefix).await.unwrap().tokens;
    assert_eq!(found.len(), 2);
    let odd = found
        .iter()
        .find(|token| token.id == TokenId::new("1"))
        .unwrap();
    assert_eq!(odd.name, Fact::Known(r"ci \ud83d".to_owned()));
    assert!(odd.attributes.is_unreadable("name"));
    assert!(!odd.is_named(r"ci \ud83d"));
}

#[tokio::test]
async fn an_unreadable_expiry_is_neither_never_nor_lost() {
    for (expiry, kept) in [
        (r#""10000-01-01T00:00:00Z""#, true),
        ("4102444800000", true),
        ("{}", true),
        (r#""soon","expirationDate":"later""#, true),
    ] {
        let body = format!(
            r#"{{"id":"575ec7417ae143cd83dc4a95","name":"ci","status":"active","expirationDate":{expiry}}}"#
        );
        let losant = answering(Box::leak(body.into_boxed_str()));
        let token = TokenProvider::get(&losant, &TokenId::new("575ec7417ae143cd83dc4a95"))
            .await
            .unwrap();
        assert_eq!(token.expiry, Fact::NotReported, "{expiry}");
        assert_eq!(
            token.attributes.get("expirationDate").is_some(),
            kept,
            "{expiry}"
        );
        assert!(token.attributes.is_unreadable("expirationDate"), "{expiry}");
    }
}

#[tokio::test]
async fn a_token_past_its_expiry_is_not_active() {
    for fixture in [losant(&["tokens=1"]), foreman(&["tokens=1"], None)] {
        falsify(&fixture, RecordField::Expiry, r#""2001-01-01T00:00:00Z""#);
        let list = fixture.provider().list_all(Query::new()).await.unwrap();
        assert_eq!(list.tokens[0].state, TokenState::Expired);
    }
    let mindbody = mindbody(&[], false);
    falsify(&mindbody, RecordField::Expiry, r#""2001-01-01T00:00:00Z""#);
    let issued = mindbody.provider().create(CreateToken::unnamed()).await;
    assert_eq!(issued.unwrap().token.state, TokenState::Expired);
}

#[tokio::test]
async fn the_error_of_a_record_that_cannot_be_read_names_it() {
    let losant = answering(r#"{"items":[{"id":"1"},{"id":{},"name":"x"}],"totalCount":2}"#);
    let error = losant.list_all(Query::new()).await.unwrap_err().to_string();
    assert!(
        error.contains("record 2") && error.contains("id"),
        "{error}"
    );
}

#[tokio::test]
async fn a_masked_or_repeated_secret_is_not_a_new_secret() {
    for action in [
        Action::RepeatSecret,
        Action::Falsify {
            field: RecordField::Secret,
            json: r#""************3456""#.to_owned(),
        },
    ] {
        let simulator = build("cloudsmith", &["tokens=1"]);
        let token = simulator.tokens().remove(0);
        let config = CloudsmithConfig::new(fixed_credential(&token.secret))
            .with_base_url(base_url())
            .with_lockout_accepted();
        let provider = Cloudsmith::new("packages", config, transport(&simulator));
        simulator.faults().add(Fault::new(action).method("PUT"));
        let id = TokenId::new(&token.id);
        let error = provider.rotate(&id).await.unwrap_err();
        assert!(error.may_have_applied(), "{error}");
    }
    for fixture in [losant(&[]), foreman(&[], None)] {
        falsify(&fixture, RecordField::Secret, r#""**redacted**""#);
        let before = fixture.simulator().tokens().len();
        let error = fixture.provider().create(CreateToken::new("ci")).await;
        let error = error.unwrap_err();
        assert!(!error.may_have_applied(), "{error}");
        let living = fixture.simulator().tokens().into_iter().filter(|token| {
            token.name.as_deref() == Some("ci")
                && token.state == tokenfleet_simulators::State::Active
        });
        assert_eq!(living.count(), 0, "{before}: {error}");
    }
    let mindbody = mindbody(&[], false);
    let issued = mindbody
        .provider()
        .create(CreateToken::unnamed())
        .await
        .unwrap();
    // Whether a renewal changes the secret is unknown, and Mindbody cannot verify the old one.
    for masked in [r#""****""#, "null", "{}", "[]"] {
        mindbody.simulator().faults().clear();
        falsify(&mindbody, RecordField::Secret, masked);
        let error = mindbody.provider().renew(&issued.secret).await.unwrap_err();
        assert!(error.may_have_applied(), "{masked}: {error}");
    }
    mindbody.simulator().faults().clear();
    falsify(&mindbody, RecordField::Secret, r#""****""#);
    let masked = mindbody.provider().create(CreateToken::unnamed()).await;
    assert!(masked.unwrap_err().may_have_applied());
    assert!(mindbody.accepts(&Secret::new(issued.secret.expose())).await);
}

#[tokio::test]
async fn a_token_with_broader_scopes_than_requested_is_revoked() {
    let fixture = losant(&[]);
    falsify(
        &fixture,
        RecordField::Scopes,
        r#"["all.User.read","all.User"]"#,
    );
    let request = CreateToken::new("ci").with_scope("all.User.read");
    let error = fixture.provider().create(request).await.unwrap_err();
    assert!(error.to_string().contains("scopes"), "{error}");
    assert_eq!(fixture.simulator().token_count(), 0);
}

#[tokio::test]
async fn a_suspension_whose_state_cannot_be_read_is_no_success() {
    for json in ODD {
        let fixture = losant(&[]);
        let provider = fixture.provider();
        let created = provider.create(CreateToken::new("ci")).await.unwrap();
        falsify(&fixture, RecordField::Status, json);
        let id = &created.token.id;
        for change in [UpdateToken::suspend(), UpdateToken::resume()] {
            let error = provider.update(id, change).await.unwrap_err();
            assert!(error.may_have_applied(), "{json}: {error}");
        }
    }
}

#[tokio::test]
async fn the_acting_token_in_the_response_to_a_creation_is_no_new_secret() {
    let transport = Arc::new(FnTransport(|request: Request<_>| {
        let created = r#"{"id":"000000000000000000000009","name":"ci","status":"active",
            "token":"acting0123456789abcdef"}"#;
        Ok(match request.method().as_str() {
            "POST" => response(201, created),
            _ => response(200, r#"{"success":true}"#),
        })
    }));
    let config = LosantConfig::new(fixed_credential("acting0123456789abcdef"));
    let losant = Losant::new("a", config, transport);
    let error = losant.create(CreateToken::new("ci")).await.unwrap_err();
    assert!(error.to_string().contains("so it was revoked"), "{error}");
}

/// The errors of each platform, with a value in place of everything but the reason.
fn refusals(odd: &str) -> [(&'static str, String); 4] {
    let reason = "the reason";
    [
        (
            "losant",
            format!(r#"{{"type":{odd},"message":"{reason}"}}"#),
        ),
        (
            "foreman",
            format!(
                r#"{{"error":{{"message":"{reason}","details":{odd},"class":{odd},
                "full_messages":{odd},"errors":{odd}}},"message":{odd}}}"#
            ),
        ),
        (
            "cloudsmith",
            format!(r#"{{"detail":"{reason}","code":{odd},"fields":{odd}}}"#),
        ),
        (
            "mindbody",
            format!(r#"{{"Error":{{"Message":"{reason}","Code":{odd}}},"Message":{odd}}}"#),
        ),
    ]
}

#[tokio::test]
async fn one_odd_field_never_hides_the_reason_of_a_refusal() {
    for odd in ODD {
        for (platform, body) in refusals(odd) {
            for body in [body.clone(), format!("\u{feff}{body}")] {
                let refusal = Canned::json(422, body.clone());
                let simulator = build(platform, &[]);
                simulator.faults().add(Fault::new(Action::Answer(refusal)));
                let transport = transport(&simulator);
                let acting = fixed_credential("acting0123456789abcdef");
                let provider = adapter(&simulator, acting, transport);
                let request = match platform {
                    "losant" | "foreman" => CreateToken::new("ci"),
                    _ => CreateToken::unnamed(),
                };
                let error = provider.create(request).await.unwrap_err();
                let message = error.platform_message().unwrap_or_default();
                assert!(message.contains("the reason"), "{platform} {body}: {error}");
            }
        }
    }
}
