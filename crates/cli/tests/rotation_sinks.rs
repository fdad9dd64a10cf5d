//! Rotations into the programs of somebody else, and into a cluster.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use support::rotating::{POLICY, Rotating, assert_rotates};
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

#[test]
fn what_is_no_file_is_refused_before_a_rotation_is_opened_and_doctor_says_so() {
    const NO_FILE: [&str; 2] = ["is a stream of a process", "is not a regular file"];

    let tables = format!(
        "{POLICY}
[sinks.stream]
kind = 'file'
path = '/dev/stdout'
adopt = true

[policies.stream]
account = 'mine'
where = 'name = other'
max_age = '30d'
new_expiry = '90d'
sinks = ['stream']
"
    );
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    let path = |name: &str| rotating.file(name).to_str().unwrap().to_owned();
    fs::create_dir(rotating.file("folder")).unwrap();
    let made = Command::new("mkfifo").arg(rotating.file("pipe")).status();
    assert!(made.unwrap().success());
    let _socket = UnixListener::bind(rotating.file("socket")).unwrap();
    symlink("/dev/fd/1", rotating.file("link")).unwrap();
    let id = rotating.insert("manual");
    let mut places = vec![
        "file:/dev/stdout".to_owned(),
        "file:/dev/stderr".to_owned(),
        "file:/dev/fd/7".to_owned(),
        "file:/proc/self/fd/1".to_owned(),
        "file:/dev/null".to_owned(),
        "env-file:/dev/stdout#TOKEN".to_owned(),
        format!("env-file:{}#TOKEN", path("link")),
    ];
    let names = ["folder", "pipe", "socket", "link"];
    places.extend(names.map(|name| format!("file:{}", path(name))));
    for place in places {
        for more in [&[][..], &["--adopt"]] {
            let words = ["rotate", &id, "--to", &place, "--expires-in=90d", "--yes"];
            let run = rotating.run(&[&words, more].concat());
            assert!(run.code != 0, "{place}: {run:?}");
            let is_said = NO_FILE.iter().any(|reason| run.stderr.contains(reason));
            assert!(is_said, "{place}: {run:?}");
        }
    }
    for words in [
        &["rotate", "--policy=stream", "--dry-run", "--output=json"][..],
        &["doctor"],
    ] {
        let run = rotating.run(words).ends_with(8);
        assert!(run.stdout.contains(NO_FILE[0]), "{words:?}: {run:?}");
    }
    assert_eq!(rotating.operations(), Vec::<serde_json::Value>::new());
    assert_eq!(rotating.changes_after(0), Vec::<String>::new());
}
