//! The service accounts of a Cloudsmith organization: what their unknown facts must not break.

use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_cloudsmith::{CloudsmithArguments, Role};
use tokenfleet_conformance::Fixture;
use tokenfleet_core::adapter::{PagePosition, PageRequest};
use tokenfleet_core::workflow::{RevokeManyOptions, Timer};
use tokenfleet_core::{
    CreateToken, ErrorKind, ExactlyOnce, Fate, Liveness, Query, RevocationOutcome, RevocationPlan,
    RevokeOptions, TokenProvider, TokenProviderExt, UpdateToken,
};
use tokenfleet_simulators::{Action, Canned, Churn, Fault};
use tokenfleet_tests::{SimulatedFixture, cloudsmith};

fn services(options: &[&str]) -> SimulatedFixture {
    cloudsmith(&[&["collection=services"], options].concat(), false)
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_believed_once_the_service_account_is_gone() {
    let fixture = services(&["service_lag=60"]);
    let provider = fixture.provider();
    let issued = provider.create(CreateToken::new("ci")).await.unwrap();
    let id = &issued.token.id;
    // It is not shown yet, and whoever knows that it exists has not read it.
    for options in [
        RevokeOptions::default(),
        RevokeOptions::default().with_existed(),
    ] {
        let error = provider.revoke(id.into(), options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(fixture.accepts(&issued.secret).await, "its key works");
    }
    fixture.advance(Duration::from_secs(61)).await;
    let options = RevokeOptions::default();
    let error = provider.revoke(id.into(), options).await.unwrap_err();
    assert_eq!(error.fate(), Fate::MaybeApplied, "{error}");
    assert!(fixture.accepts(&issued.secret).await, "its key still works");
    fixture.advance(Duration::from_secs(61)).await;
    assert!(provider.get(id).await.unwrap_err().is_not_found());
    assert!(!fixture.accepts(&issued.secret).await);
}

#[tokio::test]
async fn what_was_read_and_then_vanished_is_gone() {
    for answer in ["unknown_service=404", "unknown_service=400"] {
        let fixture = services(&["tokens=1", answer]);
        let provider = fixture.provider();
        let id = fixture.tokens().await.remove(0).id;
        // Somebody else deletes it once it has been read.
        let removal = Action::Churn(Churn::Remove(id.to_string()));
        let removal = Fault::new(removal).method("GET");
        fixture.simulator().faults().add(removal);
        let revocation = provider
            .revoke((&id).into(), RevokeOptions::default())
            .await;
        let revocation = revocation.unwrap();
        assert_eq!(
            revocation.outcome,
            RevocationOutcome::AlreadyGone,
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_plan_takes_no_new_service_account_for_gone() {
    let fixture = services(&["service_lag=60", "tokens=1"]);
    let provider = fixture.provider();
    let issued = provider.create(CreateToken::new("ci")).await.unwrap();
    let old = provider.list_all(Query::new()).await.unwrap().tokens;
    let plan = RevocationPlan::from_tokens(provider.account(), [&issued.token, &old[0]]);
    assert!(fixture.remove(&old[0].id).await);
    let mut verdicts = provider
        .revoke_many(plan, RevokeManyOptions::default())
        .unwrap();
    while let Some((id, verdict)) = verdicts.next().await {
        let word = verdict.as_str();
        let expected = if id == issued.token.id {
            "not_found_here"
        } else {
            "already_gone"
        };
        assert_eq!(word, expected, "{id} {verdict:?}");
    }
    assert!(fixture.accepts(&issued.secret).await, "its key works");
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_response_is_lost_is_looked_for_until_it_would_be_shown() {
    /// A timer that moves the platform's clock, too.
    #[derive(Debug)]
    struct Clock(SimulatedFixture);
    #[async_trait]
    impl Timer for Clock {
        async fn wait(&self, duration: Duration) {
            self.0.advance(duration).await;
        }
    }
    let clock = Clock(services(&["service_lag=45"]));
    let provider = clock.0.provider();
    let lost = Fault::new(Action::CloseAfter).method("POST");
    clock.0.simulator().faults().add(lost);
    let once = ExactlyOnce::new(&*provider, &clock).with_max_attempts(1);
    // The deletion itself may be shown late, so that its outcome does not matter here.
    let _ = once.create(CreateToken::new("ci")).await;
    let log = clock.0.simulator().log();
    let deletions = log
        .entries()
        .into_iter()
        .filter(|sent| sent.method == "DELETE");
    assert_eq!(deletions.count(), 1, "the orphan is deleted");
}

#[tokio::test]
async fn a_404_of_a_gateway_ends_no_listing() {
    for fixture in [services(&["tokens=3"]), cloudsmith(&[], false)] {
        let not_found = Canned::json(404, r#"{"message":"Not Found"}"#);
        let gateway = Fault::new(Action::Answer(not_found));
        fixture.simulator().faults().add(gateway);
        let second = PageRequest::first()
            .size(2)
            .position(PagePosition::Number(1));
        fixture.provider().list_page(second).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_key_is_not_dead_because_cloudsmith_does_not_say_whose_it_is() {
    for (recognised, bad_key, liveness) in [
        ("recognized", "invalid_token", ["alive", "dead"]),
        ("recognized", "sentence", ["alive", "dead"]),
        ("recognized", "anonymous", ["alive", "unknown"]),
        ("anonymous", "invalid_token", ["unknown", "dead"]),
        ("anonymous", "anonymous", ["unknown", "unknown"]),
        ("forbidden", "invalid_token", ["unknown", "dead"]),
    ] {
        let options = [
            format!("service_self={recognised}"),
            format!("bad_key={bad_key}"),
        ];
        let fixture = services(&[options[0].as_str(), options[1].as_str()]);
        let provider = fixture.provider();
        let issued = provider.create(CreateToken::new("ci")).await.unwrap();
        let alive = provider.verify(&issued.secret).await.unwrap();
        assert!(fixture.remove(&issued.token.id).await);
        let dead = provider.verify(&issued.secret).await.unwrap();
        let words = [alive, dead].map(|liveness| match liveness {
            Liveness::Alive => "alive",
            Liveness::Dead => "dead",
            _ => "unknown",
        });
        assert_eq!(words, liveness, "{options:?}");
    }
}

#[tokio::test]
async fn the_role_and_the_teams_of_a_new_service_account_are_as_asked() {
    let fixture = services(&[]);
    let provider = fixture.provider();
    let request = CreateToken::new("ci")
        .with_role(Role::Manager)
        .with_teams(["owners", "developers"]);
    let issued = provider.create(request).await.unwrap();
    let sent = fixture.simulator().log().last().unwrap();
    let body = r#"{"name":"ci","role":"Manager","teams":[{"slug":"owners","role":"Member"},{"slug":"developers","role":"Member"}]}"#;
    assert_eq!(sent.body, body);
    let role = format!("{:?}", issued.token.attributes.get("role"));
    assert!(role.contains("Manager"), "{role}");
    let before = fixture.request_count();
    for request in [
        CreateToken::new("ci").with_argument("role", "manager"),
        CreateToken::new("ci").with_argument("teams", "owners"),
    ] {
        let error = provider.create(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    let user = cloudsmith(&[], false).provider();
    let error = user
        .create(CreateToken::unnamed().with_role(Role::Member))
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(fixture.request_count(), before);
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
    // The collection itself is not found.
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
}

#[tokio::test]
async fn a_member_manages_nothing() {
    use ErrorKind::{Configuration, NotFound, PermissionDenied};
    // The last two are of the collection, and of one service account.
    for (role, of_all, kind) in [
        (
            "organization_role=member",
            PermissionDenied,
            PermissionDenied,
        ),
        ("organization_role=hidden_member", Configuration, NotFound),
    ] {
        let fixture = services(&["tokens=1", role]);
        let provider = fixture.provider();
        let id = fixture.tokens().await.remove(0).id;
        let existed = RevokeOptions::default().with_existed();
        for error in [
            provider.list_page(PageRequest::first()).await.err(),
            provider.create(CreateToken::new("ci")).await.err(),
        ] {
            assert_eq!(error.unwrap().kind(), of_all, "{role}");
        }
        let errors = [
            provider.get(&id).await.err(),
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
