//! The control interface, used over HTTP as from a test in another language.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use tokenfleet_simulators::{
    CONTROL_PATH, Server, Simulator,
    losant::{Losant, Options},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn send(server: &Server, method: &str, target: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

async fn control(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(server, method, &format!("{CONTROL_PATH}{path}"), &body).await
}

async fn started() -> (Losant, Server) {
    let losant = Losant::new(Options::default());
    let server = Server::start(losant.clone(), "127.0.0.1:0").await.unwrap();
    (losant, server)
}

#[tokio::test]
async fn the_clock_can_be_read_frozen_set_and_advanced() {
    let (losant, server) = started().await;
    let change = json!({"frozen": true, "set": "2030-01-01T00:00:00Z", "advance": "25h"});
    let (status, clock) = control(&server, "PUT", "/clock", change).await;
    assert_eq!(status, 200);
    assert_eq!(
        clock,
        json!({"now": "2030-01-02T01:00:00Z", "frozen": true})
    );
    assert_eq!(losant.clock().now().to_string(), "2030-01-02T01:00:00Z");
}

#[tokio::test]
async fn faults_are_added_applied_logged_and_removed() {
    let (losant, server) = started().await;
    let fault = json!({"method": "GET", "path": "/me", "actions": [
        {"answer": {"status": 503, "headers": {"retry-after": "1"}}},
        {"delay": 1}
    ]});
    let (_, added) = control(&server, "POST", "/faults", fault).await;
    assert_eq!(added, json!({"number": 1}));
    assert_eq!(send(&server, "GET", "/me/tokens?x=1", "").await.0, 503);
    assert_eq!(send(&server, "GET", "/me/tokens", "").await.0, 401);

    let (_, log) = control(&server, "GET", "/log", Value::Null).await;
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "control requests are not logged");
    assert_eq!(entries[0]["target"], "/me/tokens?x=1");
    assert_eq!(
        (&entries[0]["processed"], &entries[0]["status"]),
        (&json!(false), &json!(503))
    );
    assert_eq!(
        (&entries[1]["processed"], &entries[1]["status"]),
        (&json!(true), &json!(401))
    );
    let (_, later) = control(&server, "GET", "/log?after=1", Value::Null).await;
    assert_eq!(later["entries"].as_array().unwrap().len(), 1);
    control(&server, "DELETE", "/log", Value::Null).await;
    assert!(losant.log().entries().is_empty());

    for actions in [
        json!(["close_before"]),
        json!(["close_after", {"trickle": {"bytes": 1, "millis": 2}}, {"churn": {"remove_oldest": 1}}]),
    ] {
        let fault = json!({"times": null, "actions": actions});
        let (status, added) = control(&server, "POST", "/faults", fault).await;
        assert_eq!(status, 200, "{added}");
        let number = &added["number"];
        let (_, waiting) = control(&server, "GET", "/faults", Value::Null).await;
        assert_eq!(waiting["faults"][0]["fault"]["actions"], actions);
        assert_eq!(
            control(&server, "DELETE", &format!("/faults/{number}"), Value::Null)
                .await
                .0,
            200
        );
    }
    let (status, error) =
        control(&server, "POST", "/faults", json!({"actions": ["explode"]})).await;
    assert_eq!(status, 400);
    assert!(
        error["error"]
            .as_str()
            .unwrap()
            .contains("unknown variant `explode`"),
        "{error}"
    );
}

#[tokio::test]
async fn tokens_are_inserted_checked_and_erased_past_the_platform() {
    let (losant, server) = started().await;
    let body = json!({"name": "x", "state": "suspended"});
    let (_, created) = control(&server, "POST", "/tokens", body).await;
    let (_, tried) = control(
        &server,
        "POST",
        "/accepts",
        json!({"secret": created["secret"]}),
    )
    .await;
    assert_eq!(tried, json!({"accepts": false}));
    let (_, tokens) = control(&server, "GET", "/tokens", Value::Null).await;
    assert_eq!(tokens["tokens"][0]["state"], "suspended");
    let path = format!("/tokens/{}", created["id"].as_str().unwrap());
    assert_eq!(control(&server, "DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(control(&server, "DELETE", &path, Value::Null).await.0, 404);
    assert_eq!(losant.token_count(), 0);
    let (_, summary) = control(&server, "GET", "", Value::Null).await;
    assert_eq!(summary["provider"], "losant");
    assert_eq!(
        summary["credentials"]["token"],
        losant.credentials()["token"]
    );
}
