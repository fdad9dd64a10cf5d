//! The service accounts of the Cloudsmith simulator.

#![allow(clippy::unwrap_used)]

mod support;

use jiff::{SignedDuration, Timestamp};
use support::{TestResponse, http_recording, send};
use tokenfleet_simulators::{
    Clock, NewToken, Simulator, State,
    cloudsmith::{Cloudsmith, Options},
};

const SERVICES: &str = "/orgs/acme/services/";

fn simulator_with(assignments: &[&str]) -> Cloudsmith {
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let mut options = Options {
        clock: Clock::frozen(now),
        ..Options::default()
    };
    options.set("collection=services").unwrap();
    for assignment in assignments {
        options.set(assignment).unwrap();
    }
    Cloudsmith::new(options)
}

fn call_as(
    cloudsmith: &Cloudsmith,
    key: &str,
    method: &str,
    target: &str,
    body: &str,
) -> TestResponse {
    send(cloudsmith, method, target, &[("x-api-key", key)], body)
}

fn call(cloudsmith: &Cloudsmith, method: &str, target: &str, body: &str) -> TestResponse {
    let key = cloudsmith.credentials()["api_key"].clone();
    call_as(cloudsmith, &key, method, target, body)
}

fn names(list: &TestResponse) -> Vec<&str> {
    let services = list.json.as_array().unwrap();
    services
        .iter()
        .map(|service| service["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_service_is_created_read_masked_refreshed_and_deleted() {
    let cloudsmith = simulator_with(&[]);
    let created = call(&cloudsmith, "POST", SERVICES, r#"{"name":"My CI"}"#);
    assert_eq!(
        (created.status, &created.json["role"]),
        (200, &"Member".into())
    );
    assert_eq!(created.json["slug"], "my-ci");
    assert!(created.json["key_expires_at"].is_null());
    let key = created.json["key"].as_str().unwrap();
    assert!(cloudsmith.accepts(key));

    let read = call(&cloudsmith, "GET", "/v1/orgs/acme/services/my-ci/", "");
    let masked = read.json["key"].as_str().unwrap();
    assert_ne!(masked, key);
    assert_eq!(masked[masked.len() - 4..], key[key.len() - 4..]);
    let list = call(&cloudsmith, "GET", SERVICES, "");
    assert_eq!(list.json[0], read.json);
    assert_eq!(list.header("x-pagination-count"), "1");

    let refreshed = call(
        &cloudsmith,
        "POST",
        "/orgs/acme/services/my-ci/refresh/",
        "{}",
    );
    assert_eq!(
        (refreshed.status, &refreshed.json["slug"]),
        (200, &"my-ci".into())
    );
    let new_key = refreshed.json["key"].as_str().unwrap();
    assert!(cloudsmith.accepts(new_key) && !cloudsmith.accepts(key));
    // A service's refresh is a POST, and a user's key is refreshed by PUT.
    let put = call(&cloudsmith, "PUT", "/orgs/acme/services/my-ci/refresh/", "");
    assert_eq!((put.status, put.header("allow")), (405, "POST, OPTIONS"));

    let deleted = call(&cloudsmith, "DELETE", "/orgs/acme/services/my-ci/", "{}");
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert!(!cloudsmith.accepts(new_key));
    assert_eq!(cloudsmith.token_count(), 0);
    for method in ["GET", "DELETE", "PATCH"] {
        let gone = call(&cloudsmith, method, "/orgs/acme/services/my-ci/", "");
        assert_eq!(
            (gone.status, &gone.json["detail"]),
            (404, &"Not found.".into())
        );
    }
}

#[test]
fn a_patch_changes_only_what_it_names() {
    let cloudsmith = simulator_with(&[]);
    let body =
        r#"{"name":"ci","role":"Manager","description":"Deploys","teams":[{"slug":"owners"}]}"#;
    call(&cloudsmith, "POST", SERVICES, body);
    let renamed = call(
        &cloudsmith,
        "PATCH",
        "/orgs/acme/services/ci/",
        r#"{"name":"cd"}"#,
    );
    assert_eq!(
        (renamed.status, &renamed.json["role"]),
        (200, &"Manager".into())
    );
    assert_eq!(renamed.json["description"], "Deploys");
    assert_eq!(renamed.json["teams"][0]["slug"], "owners");
    // The vendor's client sends the default role with every change.
    let body = r#"{"name":"cd","role":"Member"}"#;
    let demoted = call(&cloudsmith, "PATCH", "/orgs/acme/services/ci/", body);
    assert_eq!(demoted.json["role"], "Member");
    for (body, field) in [
        (r#"{"name":""}"#, "name"),
        (r#"{"name":null}"#, "name"),
        (r#"{"description":""}"#, "description"),
        (r#"{"role":"Owner"}"#, "role"),
        (r#"{"teams":[{}]}"#, "teams"),
    ] {
        let refused = call(&cloudsmith, "PATCH", "/orgs/acme/services/ci/", body);
        assert_eq!(refused.status, 422, "{body}");
        assert!(refused.json["fields"][field].is_array(), "{body}");
    }
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(121));
    assert_eq!(call(&cloudsmith, "POST", SERVICES, &long).status, 422);
    assert_eq!(call(&cloudsmith, "POST", SERVICES, "{}").status, 422);
}

#[test]
fn slugs_are_unique_and_at_most_30_characters() {
    let cloudsmith = simulator_with(&[]);
    let name = format!(r#"{{"name":"{}"}}"#, "Name ".repeat(10));
    let mut slugs: Vec<String> = (0..3)
        .map(|_| {
            let created = call(&cloudsmith, "POST", SERVICES, &name);
            created.json["slug"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(slugs.iter().all(|slug| slug.len() <= 30), "{slugs:?}");
    slugs.dedup();
    assert_eq!(slugs.len(), 3);
    let strange = call(&cloudsmith, "POST", SERVICES, r#"{"name":"日本"}"#);
    assert_eq!(strange.json["slug"], "service");
}

#[test]
fn lists_have_pages_orders_and_searches() {
    let cloudsmith = simulator_with(&[]);
    for (name, hour) in [("b", 1), ("c", 3), ("a", 2)] {
        let created = format!("2026-01-01T0{hour}:00:00Z").parse().unwrap();
        cloudsmith.insert(NewToken::named(name).created(created));
    }
    let list = |query: &str| call(&cloudsmith, "GET", &format!("{SERVICES}?{query}"), "");
    assert_eq!(names(&list("")), ["b", "a", "c"]);
    assert_eq!(names(&list("sort=-created_at")), ["c", "a", "b"]);
    assert_eq!(names(&list("sort=name")), ["a", "b", "c"]);
    let second = list("page=2&page_size=2");
    assert_eq!(names(&second), ["c"]);
    assert_eq!(second.header("x-pagination-pagetotal"), "2");
    assert_eq!(list("page=3&page_size=2").status, 404);
    assert_eq!(names(&list("query=name%3AA+AND+role%3AMember")), ["a"]);
    assert!(names(&list("query=role%3AManager")).is_empty());
}

#[test]
fn only_managers_reach_the_services() {
    for (role, status) in [("manager", 200), ("member", 403), ("hidden_member", 404)] {
        let cloudsmith = simulator_with(&[&format!("organization_role={role}")]);
        assert_eq!(call(&cloudsmith, "GET", SERVICES, "").status, status);
    }
    let cloudsmith = simulator_with(&[]);
    assert_eq!(
        call(&cloudsmith, "GET", "/orgs/other/services/", "").status,
        404
    );
    assert_eq!(
        call_as(&cloudsmith, "wrong", "GET", SERVICES, "").status,
        401
    );
    assert_eq!(send(&cloudsmith, "GET", SERVICES, &[], "").status, 401);
    for (role, status) in [("Member", 403), ("Manager", 200)] {
        let body = format!(r#"{{"name":"ci","role":"{role}"}}"#);
        let created = call(&cloudsmith, "POST", SERVICES, &body);
        let key = created.json["key"].as_str().unwrap();
        assert_eq!(
            call_as(&cloudsmith, key, "GET", SERVICES, "").status,
            status
        );
        let myself = call_as(&cloudsmith, key, "GET", "/user/self/", "");
        assert_eq!(myself.json["authenticated"], true);
        assert_eq!(myself.json["slug"], created.json["slug"]);
    }
}

#[test]
fn changes_can_be_seen_late() {
    let cloudsmith = simulator_with(&["service_lag=5"]);
    let created = call(&cloudsmith, "POST", SERVICES, r#"{"name":"ci"}"#);
    let key = created.json["key"].as_str().unwrap();
    let read = || call(&cloudsmith, "GET", "/orgs/acme/services/ci/", "").status;
    assert_eq!(read(), 404);
    cloudsmith.clock().advance(SignedDuration::from_secs(5));
    assert_eq!(read(), 200);
    assert_eq!(
        call(&cloudsmith, "DELETE", "/orgs/acme/services/ci/", "").status,
        204
    );
    assert_eq!((read(), cloudsmith.accepts(key)), (200, true));
    cloudsmith.clock().advance(SignedDuration::from_secs(5));
    assert_eq!((read(), cloudsmith.accepts(key)), (404, false));
}

#[test]
fn keys_expire_under_a_policy() {
    let cloudsmith = simulator_with(&["key_policy_days=1"]);
    let created = call(&cloudsmith, "POST", SERVICES, r#"{"name":"ci"}"#);
    assert_eq!(created.json["key_expires_at"], "2026-06-02T12:00:00.000Z");
    let key = created.json["key"].as_str().unwrap();
    cloudsmith.clock().advance(SignedDuration::from_hours(24));
    assert!(!cloudsmith.accepts(key));
    assert_eq!(cloudsmith.tokens()[0].state, State::Expired);
    assert_eq!(call_as(&cloudsmith, key, "GET", SERVICES, "").status, 403);
    let refreshed = call(&cloudsmith, "POST", "/orgs/acme/services/ci/refresh/", "");
    assert_eq!(refreshed.json["key_expires_at"], "2026-06-03T12:00:00.000Z");
}

#[test]
fn what_is_unknown_is_a_switch() {
    let cloudsmith = simulator_with(&[
        "created_status=201",
        "unknown_service=400",
        "duplicate_name=refused",
        "slug_on_rename=follows",
        "name_query=whole",
    ]);
    let create = |name: &str| {
        let body = format!(r#"{{"name":"{name}"}}"#);
        call(&cloudsmith, "POST", SERVICES, &body).status
    };
    assert_eq!(
        (create("ci"), create("ci"), create("ci-2")),
        (201, 422, 201)
    );
    let found = call(
        &cloudsmith,
        "GET",
        "/orgs/acme/services/?query=name%3Aci",
        "",
    );
    assert_eq!(names(&found), ["ci"]);
    let renamed = call(
        &cloudsmith,
        "PATCH",
        "/orgs/acme/services/ci/",
        r#"{"name":"cd"}"#,
    );
    assert_eq!(renamed.json["slug"], "cd");
    let deleted = call(&cloudsmith, "DELETE", "/orgs/acme/services/ci/", "");
    assert_eq!(
        (deleted.status, &deleted.json["detail"]),
        (400, &"The service cannot be deleted.".into())
    );
}

#[test]
fn seeded_services_are_listed_oldest_first_and_can_be_erased() {
    let cloudsmith = simulator_with(&["tokens=40"]);
    assert_eq!(cloudsmith.token_count(), 40);
    let list = call(&cloudsmith, "GET", SERVICES, "");
    assert_eq!(list.json.as_array().unwrap().len(), 30);
    let oldest = cloudsmith.tokens().remove(0);
    assert_eq!(list.json[0]["slug"], oldest.id);
    assert!(cloudsmith.accepts(&oldest.secret));
    assert!(cloudsmith.remove(&oldest.id) && !cloudsmith.remove(&oldest.id));
    assert!(!cloudsmith.accepts(&oldest.secret));
    assert_eq!(cloudsmith.ids().len(), 39);
}

#[test]
fn every_recorded_request_of_the_official_client_is_understood() {
    let cloudsmith = simulator_with(&["api_key=KEY0"]);
    cloudsmith.insert(NewToken::named("ci-8m7h"));
    let recording = include_str!("recorded/cloudsmith-api-2.0.42-services.http");
    let statuses: Vec<u16> = http_recording(recording)
        .iter()
        .map(|request| request.send(&cloudsmith).status)
        .collect();
    assert_eq!(
        statuses,
        [
            200, 404, 200, 200, 200, 404, 200, 200, 200, 200, 422, 422, 200, 200, 200, 200, 200,
            200, 204, 200, 200
        ]
    );
}
