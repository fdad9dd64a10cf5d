//! Whom an account acts as, where the platform says it, and nothing sent where it does not.

use std::sync::Arc;

use tokenfleet_conformance::Fixture;
use tokenfleet_core::{ErrorKind, Fact, Fate, TokenProvider};
use tokenfleet_foreman::{Foreman, ForemanConfig};
use tokenfleet_simulators::{Action, Canned, Fault};
use tokenfleet_tests::{
    base_url, build, fixed_credential, immediate_retries, losant, mindbody, transport,
};

/// Returns Foreman as this user, who manages their own tokens.
fn foreman_as(login: &str, password: &str, user_id: u32, options: &[&str]) -> Foreman {
    let simulator = build("foreman", options);
    let config = ForemanConfig::new(base_url(), login, fixed_credential(password), user_id);
    Foreman::new("infra", config, transport(&simulator)).with_retry(immediate_retries())
}

#[tokio::test]
async fn foreman_tells_every_user_who_they_are() {
    for (login, password, id) in [("admin", "changeme", 4), ("jane.doe", "jane.doe", 5)] {
        let identity = foreman_as(login, password, id, &[]).whoami().await.unwrap();
        assert_eq!(identity.principal.id(), id.to_string());
        assert_eq!(identity.principal.name(), Some(login));
        assert_eq!(identity.principal.kind(), Some("user"));
        assert_eq!(identity.email, Fact::Known(format!("{login}@example.com")));
    }
}

#[tokio::test]
async fn an_older_foreman_tells_those_who_may_view_users() {
    let older = ["current_user=404"];
    let admin = foreman_as("admin", "changeme", 4, &older);
    let identity = admin.whoami().await.unwrap();
    assert_eq!(identity.principal.id(), "4");
    assert_eq!(identity.principal.name(), Some("admin"));
    let jane = foreman_as("jane.doe", "jane.doe", 5, &older);
    let error = jane.whoami().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

#[tokio::test]
async fn a_404_of_a_gateway_is_no_older_foreman() {
    for body in [
        r#"{"message":"Not Found"}"#,
        r#"{"timestamp":1,"status":404,"error":"Not Found","path":"/api/current_user"}"#,
        "<html>",
    ] {
        let simulator = build("foreman", &[]);
        let gateway = Fault::new(Action::Answer(Canned::json(404, body)));
        simulator.faults().add(gateway.path("/api/current_user"));
        let config = ForemanConfig::new(base_url(), "admin", fixed_credential("changeme"), 4);
        let foreman = Foreman::new("infra", config, transport(&simulator));
        let error = foreman.whoami().await.unwrap_err();
        assert_eq!(error.status(), Some(404), "{error}");
        assert_eq!(simulator.log().entries().len(), 1, "nobody else is asked");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_platform_that_cannot_tell() {
    for fixture in [losant(&[]), mindbody(&[], false)] {
        let provider: Arc<dyn TokenProvider> = fixture.provider();
        let error = provider.whoami().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.fate(), Fate::NotSent);
        assert_eq!(fixture.request_count(), 0);
    }
}
