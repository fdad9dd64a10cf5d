//! The service accounts of a Cloudsmith organization: what their unknown facts must not break.

use std::time::Duration;

use tokenfleet_conformance::Fixture;
use tokenfleet_core::adapter::{PagePosition, PageRequest};
use tokenfleet_core::{
    CreateToken, ErrorKind, Fate, RevocationOutcome, RevokeOptions, TokenProvider, UpdateToken,
};
use tokenfleet_simulators::{Action, Canned, Fault};
use tokenfleet_tests::{SimulatedFixture, cloudsmith};

fn services(options: &[&str]) -> SimulatedFixture {
    cloudsmith(&[&["collection=services"], options].concat(), false)
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_believed_once_the_service_account_is_gone() {
    let fixture = services(&["service_lag=60"]);
    let provider = fixture.provider();
    let issued = provider.create(CreateToken::new("ci")).await.unwrap();
    fixture.advance(Duration::from_secs(61)).await;
    let id = &issued.token.id;
    let options = || RevokeOptions::default().with_existed();
    let error = provider.revoke(id.into(), options()).await.unwrap_err();
    assert_eq!(error.fate(), Fate::MaybeApplied, "{error}");
    assert!(fixture.accepts(&issued.secret).await, "its key still works");
    fixture.advance(Duration::from_secs(61)).await;
    let revocation = provider.revoke(id.into(), options()).await.unwrap();
    assert_eq!(revocation.outcome, RevocationOutcome::AlreadyGone);
    assert!(!fixture.accepts(&issued.secret).await);
}

#[tokio::test]
async fn a_service_account_that_cannot_be_deleted_is_not_gone() {
    for status in [400, 404] {
        let fixture = services(&["tokens=1"]);
        let provider = fixture.provider();
        let id = fixture.tokens().await.remove(0).id;
        let body = r#"{"detail":"The service cannot be deleted."}"#;
        let refusal = Fault::new(Action::Answer(Canned::json(status, body))).method("DELETE");
        fixture.simulator().faults().add(refusal);
        let options = RevokeOptions::default().with_existed();
        let error = provider.revoke((&id).into(), options).await.unwrap_err();
        assert_eq!(error.fate(), Fate::Rejected, "{error}");
        assert_eq!(error.status(), Some(status));
    }
}

#[tokio::test]
async fn an_organization_that_vanishes_does_not_end_a_listing() {
    let fixture = services(&["tokens=3"]);
    let provider = fixture.provider();
    let gone = Canned::json(404, r#"{"detail":"Org namespace not found"}"#);
    let gone = Fault::new(Action::Answer(gone)).path("/orgs/acme/services/");
    fixture.simulator().faults().add(gone.always());
    let second = PageRequest::first()
        .size(2)
        .position(PagePosition::Number(1));
    let error = provider.list_page(second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_member_manages_nothing() {
    for (role, kind) in [
        ("organization_role=member", ErrorKind::PermissionDenied),
        ("organization_role=hidden_member", ErrorKind::NotFound),
    ] {
        let fixture = services(&["tokens=1", role]);
        let provider = fixture.provider();
        let id = fixture.tokens().await.remove(0).id;
        let existed = RevokeOptions::default().with_existed();
        let errors = [
            provider.list_page(PageRequest::first()).await.err(),
            provider.get(&id).await.err(),
            provider.create(CreateToken::new("ci")).await.err(),
            provider.rotate(&id).await.err(),
            provider.revoke((&id).into(), existed).await.err(),
        ];
        for error in errors {
            assert_eq!(error.unwrap().kind(), kind, "{role}");
        }
        assert_eq!(fixture.tokens().await.len(), 1);
    }
}

#[tokio::test]
async fn a_manager_stays_a_manager_when_it_is_renamed() {
    let fixture = services(&[]);
    let provider = fixture.provider();
    let issued = provider.create(CreateToken::new("ci")).await.unwrap();
    let role = |token: &tokenfleet_core::Token| format!("{:?}", token.attributes.get("role"));
    assert!(role(&issued.token).contains("Member"));
    let id = issued.token.id.clone();
    let renamed = provider.update(&id, UpdateToken::rename("cd")).await;
    assert_eq!(role(&renamed.unwrap()), role(&issued.token));
    let sent = fixture.simulator().log().last().unwrap();
    assert_eq!(sent.method, "PATCH");
    assert_eq!(sent.body, r#"{"name":"cd"}"#);
}
