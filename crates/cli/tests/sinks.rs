//! Sinks and policies of the configuration: what `doctor` tells of them, and what is refused.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use support::account::Account;
use support::home::Home;
use support::{Run, temporary_file, tokenfleet_with_env};
use tokenfleet::transport::{BaseUrl, ReqwestTransport};
use tokenfleet::{Credential, Secret, TokenId};
use tokenfleet_rotation::sink::{
    EnvFileSink, FileSink, KubernetesConfig, KubernetesSink, SecretSink, Stamp,
};
use tokenfleet_simulators::kubernetes::Kubernetes;
use tokenfleet_simulators::{Server, Simulator};

const CANARY: &str = "canary-5ecret-c0ffee";

/// Writes a secret as a rotation does.
async fn deliver(sink: impl SecretSink) {
    let version = sink.read().await.unwrap().version;
    let stamp = Stamp::new("op-1", 3, TokenId::new("65f0"));
    sink.write(&Secret::new(CANARY), &version, &stamp)
        .await
        .unwrap();
}

/// Returns the findings of a check, each as its status with message and advice.
#[track_caller]
fn findings(run: &Run, check: &str) -> Vec<String> {
    let findings = run.json()["findings"].clone();
    let findings = findings.as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = findings.filter(|finding| finding["check"] == check);
    let line = |finding: &Value| {
        let parts = ["status", "message", "advice"].map(|key| text(&finding[key]));
        parts.join(" | ")
    };
    findings.map(line).collect()
}

/// Runs `doctor` with tables beside those of an account.
fn doctor(account: &Account, tables: &str, variables: &[(&str, &str)]) -> Run {
    let text = std::fs::read_to_string(&account.path).unwrap();
    let path = temporary_file(&format!("{text}\n{tables}"));
    let own = account.variables.iter();
    let own = own.map(|(name, value)| (&**name, &**value));
    let variables: Vec<_> = own.chain(variables.iter().copied()).collect();
    let words = ["doctor", "--output=json", "--config", &path];
    tokenfleet_with_env(&variables, &words)
}

#[track_caller]
fn assert_findings(found: &[String], expected: &[&str]) {
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_whose_secret_a_sink_holds_and_shows_none() {
    let account = Account::new("losant");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| shown(&folder.path().join(name));
    deliver(FileSink::new(file("own"))).await;
    deliver(EnvFileSink::new(file("env"), "CI").unwrap()).await;
    for name in ["foreign", "adopted"] {
        std::fs::write(file(name), CANARY).unwrap();
        support::home::set_mode(file(name).as_ref(), 0o600);
    }
    let cluster = Kubernetes::new();
    let token = cluster.credentials()["token"].clone();
    let server = Server::start(cluster.clone(), "127.0.0.1:0").await.unwrap();
    let address = BaseUrl::parse(&server.url()).unwrap();
    let credential = Credential::from_secret(Secret::new(&*token));
    let config = KubernetesConfig::new(address, credential, "ci", "losant-ci", "token").unwrap();
    let transport = Arc::new(ReqwestTransport::new().unwrap());
    deliver(KubernetesSink::new(config, transport)).await;

    let at = |name: &str, file: &str| format!("[sinks.{name}]\nkind = 'file'\npath = '{file}'\n");
    let tables = [
        at("own", &file("own")),
        format!(
            "[sinks.env]\nkind = 'env-file'\npath = '{}'\nvariable = 'CI'\n",
            file("env")
        ),
        at("foreign", &file("foreign")),
        at("adopted", &file("adopted")) + "adopt = true\n",
        at("empty", &file("empty")),
        at("nowhere", &file("missing/x")),
        format!(
            "[sinks.ci]\nkind = 'kubernetes'\naddress = '{}'\nnamespace = 'ci'\n\
             name = 'losant-ci'\nkey = 'token'\ntoken = {{ env = 'CLUSTER' }}\n",
            server.url()
        ),
        format!(
            "[sinks.each]\nkind = 'kubernetes'\naddress = '{}'\nnamespace = 'ci'\n\
             name = 'losant-{{name}}'\nkey = 'token'\ntoken = {{ env = 'CLUSTER' }}\n",
            server.url()
        ),
        "[sinks.blind]\nkind = 'command'\nrun = ['true']\n".to_owned(),
        "[sinks.failing]\nkind = 'command'\nrun = ['true']\ncheck = ['false']\n".to_owned(),
        "[sinks.gone]\nkind = 'command'\nrun = ['no-such-program', '{name}']\n".to_owned(),
        "[sinks.dead]\nkind = 'command'\nrun = ['true']\ncheck = ['/nowhere/x']\n".to_owned(),
    ]
    .concat();
    let run = doctor(&account, &tables, &[("CLUSTER", &token)]);
    let run = run.ends_with(8).hiding(&[CANARY, &token]);
    let own = "holds the secret of token 65f0, written by operation op-1";
    assert_findings(
        &findings(&run, "sinks"),
        &[
            &format!("ok | own: {own}"),
            &format!("ok | env: {own}"),
            "warning | foreign: holds a secret that no rotation wrote | set adopt = true",
            "ok | adopted: holds a secret that no rotation wrote, and may replace it",
            "ok | empty: holds no secret of a rotation yet",
            "failed | nowhere: file:",
            &format!("ok | ci: {own}"),
            "ok | each/name={name}: can be read, and whether it may be written is not checked; each \
             token has a place of its own",
            "skipped | blind: a command without a check: its program is there",
            "failed | failing: ",
            "failed | gone/name={name}: command:no-such-program#",
            "failed | dead: command:true#",
        ],
    );
    // A token that the cluster refuses.
    let run = doctor(&account, &tables, &[("CLUSTER", "wrong-5ecret-beef")]);
    let run = run.ends_with(8).hiding(&["wrong-5ecret-beef"]);
    let found = findings(&run, "sinks");
    assert!(found[6].starts_with("failed | ci: "), "{found:#?}");
    assert!(!found[6].contains("get failed"), "{found:#?}");
    assert!(
        found[7].starts_with("failed | each/name={name}: "),
        "{found:#?}"
    );
}

#[test]
fn doctor_accepts_a_policy_that_can_keep_its_promise_and_says_why_another_cannot() {
    let account = Account::new("losant");
    let policy = |text: &str| {
        format!("[policies.ci]\naccount = 'mine'\nsinks = 'file:{{name}}.token'\n{text}")
    };
    let promise = "where = 'name ^= ci-'\nrotate_before_expiry = '14d'\nnew_expiry = '120d'\n";
    let run = doctor(&account, &policy(promise), &[]).ends_with(0);
    assert_findings(
        &findings(&run, "rotation"),
        &[
            "ok | policies.ci is accepted: two tokens side by side",
            "warning | policies.ci covers no token of mine",
        ],
    );
    for (text, expected) in [
        (
            "rotate_before_expiry = '14d'\nnew_expiry = '120d'\n",
            "would rotate every token",
        ),
        (
            "where = 'name ^= ci-'\nrotate_before_expiry = '14d'\n",
            "`new_expiry` is missing",
        ),
        (
            "where = 'name ^= ci-'\nnew_expiry = '120d'\n",
            "the policy would never be due",
        ),
        (
            &format!("{promise}overlap = '30d'\n"),
            "would expire before its `overlap`",
        ),
        (&format!("{promise}sinkz = 'x'\n"), "unknown key `sinkz`"),
    ] {
        let run = doctor(&account, &policy(text), &[]).ends_with(8);
        let found = findings(&run, "rotation");
        assert!(
            found[0].starts_with("failed | ") && found[0].contains(expected),
            "{found:?}"
        );
    }
}

#[test]
fn a_policy_with_a_filter_is_refused_where_nothing_can_be_compared_with_it() {
    let account = Account::new("mindbody");
    let policy = "[policies.ci]\naccount = 'mine'\nsinks = 'file:token'\nmax_age = '12h'\n";
    doctor(&account, policy, &[]).ends_with(0);
    let run = doctor(&account, &format!("{policy}where = 'name ^= ci-'\n"), &[]).ends_with(8);
    let found = findings(&run, "rotation");
    assert!(
        found[0].starts_with("failed | ") && found[0].contains("cannot be listed"),
        "{found:?}"
    );
}

#[test]
fn a_policy_on_the_token_of_its_own_account_is_refused() {
    let account = Account::new("losant");
    let tables = "[policies.all]\naccount = 'mine'\nwhere = 'state = active'\n\
                  rotate_before_expiry = '14d'\nnew_expiry = '120d'\nsinks = 'file:{id}.token'\n";
    let words = [
        "create",
        "--name=own",
        "--expires-in=30d",
        "--scope=all.User",
        "--secret-only",
    ];
    let created = account.run(&words).ends_with(0);
    let secret = created.stdout.trim();
    let run = doctor(&account, tables, &[("MINE_TOKEN", secret)]).hiding(&[secret]);
    let found = findings(&run, "rotation");
    assert_eq!(found.len(), 1, "{found:?}");
    let tells = found[0].contains("the token that the account authenticates with");
    assert!(tells && run.code == 8, "{found:?}");
}

#[test]
fn a_due_token_that_may_be_that_of_its_own_account_is_warned_of() {
    let account = Account::new("foreman");
    let tables = "[policies.all]\naccount = 'mine'\nwhere = 'state = active'\n\
                  rotate_before_expiry = '31d'\nnew_expiry = '120d'\nsinks = 'file:{name}.token'\n";
    let words = ["create", "--expires-in=30d", "--secret-only", "--name"];
    let own = account.run(&[&words[..], &["own"]].concat()).ends_with(0);
    account.run(&[&words[..], &["other"]].concat()).ends_with(0);
    let secret = own.stdout.trim();
    let warned = |run: &Run| {
        let mut found = findings(run, "rotation");
        found.retain(|finding| finding.starts_with("warning | "));
        found
    };
    // Another credential acts, so nothing was used.
    let run = doctor(&account, tables, &[]);
    assert_eq!(warned(&run), Vec::<String>::new());
    let run = doctor(&account, tables, &[("MINE_TOKEN", secret)]).hiding(&[secret]);
    let found = warned(&run);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("used just now"), "{found:?}");
    assert!(found[0].contains("authenticates with"), "{found:?}");
}

#[test]
fn a_place_without_a_table_gets_its_server_from_the_environment() {
    let account = Account::new("losant");
    let tables = "[policies.ci]\naccount = 'mine'\nwhere = 'name ^= ci-'\nmax_age = '90d'\n\
                  new_expiry = '120d'\nsinks = 'kv2:secret/ci#token'\n";
    let run = doctor(&account, tables, &[]).ends_with(8);
    let found = findings(&run, "rotation");
    assert!(
        found[0].contains("policies.ci.sinks") && found[0].contains("BAO_ADDR"),
        "{found:?}"
    );
    // Nobody answers there.
    let variables = [("BAO_ADDR", "http://127.0.0.1:1"), ("BAO_TOKEN", CANARY)];
    let run = doctor(&account, tables, &variables)
        .ends_with(8)
        .hiding(&[CANARY]);
    let found = findings(&run, "sinks");
    let place = "failed | kv2:http://127.0.0.1:1/secret/ci#token";
    assert!(found[0].starts_with(place), "{found:?}");
}

#[test]
fn a_found_configuration_with_sinks_or_policies_must_be_trusted() {
    let home = Home::new();
    let account = "[accounts.a]\nprovider = 'losant'\ntoken = { env = 'TOKEN' }\n";
    for (table, reason) in [
        (
            "[sinks.a]\nkind = 'file'\npath = 'x'\n",
            "sinks.a decides where new secrets go",
        ),
        (
            "[policies.a]\naccount = 'a'\nsinks = 'file:x'\n",
            "policies.a decides which tokens are replaced",
        ),
    ] {
        home.write("tokenfleet.toml", &format!("{account}{table}"));
        let run = home.run(&["list"]).ends_with(2);
        assert!(run.stderr.contains(reason), "{run:?}");
    }
}

#[test]
fn a_trusted_configuration_is_no_longer_trusted_when_a_program_of_a_sink_has_changed() {
    let home = Home::new();
    home.write(
        "tokenfleet.toml",
        "[accounts.a]\nprovider = 'losant'\ntoken = { env = 'TOKEN' }\n\
         [sinks.a]\nkind = 'command'\nrun = ['./push', 'a']\n",
    );
    home.write("push", "#!/bin/sh\n");
    home.run(&["trust"]).ends_with(0);
    let run = home.run(&["accounts"]);
    assert!(!run.stderr.contains("not trusted"), "{run:?}");
    home.write("push", "#!/bin/sh\ncat > /tmp/stolen\n");
    let run = home.run(&["list"]).ends_with(2);
    assert!(
        run.stderr.contains("has changed since it was trusted"),
        "{run:?}"
    );
}
