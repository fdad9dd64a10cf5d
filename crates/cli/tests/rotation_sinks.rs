//! Rotations into the programs of somebody else, and into a cluster.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::rotating::{Rotating, assert_rotates};
use tokenfleet_simulators::kubernetes::Kubernetes;
use tokenfleet_simulators::{Server, Simulator};

fn script(rotating: &Rotating, name: &str, text: &str) {
    let path = rotating.directory.path().join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_command_gets_the_secret_and_no_credential_of_the_program() {
    let tables = "
[sinks.deploy]
kind = 'command'
run = ['DIR/push', '{name}']
check = ['DIR/check', '{name}']
adopt = true
";
    let rotating = Rotating::with("losant", &["--tokens=0"], tables);
    let store = "cd \"$(dirname \"$0\")\"";
    script(
        &rotating,
        "push",
        &format!(
            "{store} && env >> environment && cat > \"$1.secret\" && \
             printf %s \"$TOKENFLEET_STAMP\" > \"$1.stamp\""
        ),
    );
    script(
        &rotating,
        "check",
        &format!("{store} && env >> environment && test ! -e \"$1.stamp\" || cat \"$1.stamp\""),
    );
    let variables = [
        ("BAO_ADDR", "http://127.0.0.1:1"),
        ("BAO_TOKEN", "bao-5ecret"),
        ("VAULT_TOKEN", "vault-5ecret"),
        ("KEPT", "kept"),
    ];
    let secret = rotating.directory.path().join("ci.secret");
    assert_rotates(&rotating, &variables, "deploy", || {
        fs::read_to_string(&secret).unwrap()
    });
    let environment = fs::read_to_string(rotating.directory.path().join("environment")).unwrap();
    assert!(environment.contains("KEPT=kept\n"), "{environment}");
    for (name, value) in rotating
        .environment()
        .into_iter()
        .chain(variables[1..3].to_vec())
    {
        assert!(!environment.contains(&format!("{name}=")), "{name}");
        assert!(!environment.contains(value), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_rotated_into_a_secret_of_kubernetes() {
    let cluster = Kubernetes::new();
    let token = cluster.credentials()["token"].clone();
    let server = Server::start(cluster.clone(), "127.0.0.1:0").await.unwrap();
    let tables = format!(
        "[sinks.cluster]\nkind = 'kubernetes'\naddress = '{}'\nnamespace = 'ci'\n\
         name = 'losant-{{name}}'\nkey = 'token'\ntoken = {{ env = 'CLUSTER' }}\n",
        server.url()
    );
    let tested = tokio::task::spawn_blocking(move || {
        let rotating = Rotating::with("losant", &["--tokens=0"], &tables);
        let held = || cluster.value("ci", "losant-ci", "token").unwrap();
        assert_rotates(&rotating, &[("CLUSTER", &token)], "cluster", held);
    });
    tested.await.unwrap();
    drop(server);
}
