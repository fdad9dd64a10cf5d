//! `doctor`: each check with its finding, and what to do.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;
use support::account::Account;
use support::home::Home;
use support::{Run, temporary_file, tokenfleet};

const CANARY: &str = "canary-5ecret-c0ffee";

/// Returns the finding of a check.
#[track_caller]
fn finding(run: &Run, check: &str) -> Value {
    let findings = run.json()["findings"].clone();
    let mut findings = findings.as_array().unwrap().clone().into_iter();
    findings
        .find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("no {check}: {run:#?}"))
}

/// Asserts the status of a check, and returns message and advice.
#[track_caller]
fn status(run: &Run, check: &str, expected: &str) -> String {
    let finding = finding(run, check);
    assert_eq!(finding["status"], expected, "{finding} {run:#?}");
    let advice = finding["advice"].as_str().unwrap_or_default();
    format!("{}; {advice}", finding["message"].as_str().unwrap())
}

/// Serves the same response to every request, and returns the base URL and the number of requests.
fn server(head: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.read(&mut [0; 4096]);
            counted.fetch_add(1, Ordering::Relaxed);
            let response = format!("{head}content-length: 2\r\nconnection: close\r\n\r\n{{}}");
            let _ = socket.write_all(response.as_bytes());
        }
    });
    (base, requests)
}

fn foreman(url: &str) -> String {
    format!(
        "[accounts.infra]\nprovider = 'foreman'\nbase_url = '{url}'\nlogin = 'admin'\n\
         user_id = 4\ntoken = {{ env = 'INFRA_TOKEN' }}\n"
    )
}

#[test]
fn everything_is_fine_with_the_simulated_platforms() {
    let home = Home::new();
    let run = home.run(&["doctor", "--simulate"]).ends_with(0);
    let findings = run.json()["findings"].clone();
    for finding in findings.as_array().unwrap() {
        let status = finding["status"].as_str().unwrap();
        assert!(["ok", "skipped"].contains(&status), "{finding}");
        assert!(finding["message"].is_string() && finding.get("advice").is_some());
    }
    for (account, expected) in [
        ("losant", "ok"),
        ("foreman", "ok"),
        ("cloudsmith", "ok"),
        ("mindbody", "skipped"),
    ] {
        let mut findings = findings.as_array().unwrap().iter();
        let of_account = |check: &str, finding: &&Value| {
            finding["account"] == account && finding["check"] == check
        };
        let accepted = findings.clone().find(|one| of_account("accepted", one));
        assert_eq!(accepted.unwrap()["status"], expected, "{account}");
        let reachable = findings.find(|one| of_account("reachable", one));
        assert_eq!(reachable.unwrap()["status"], "ok", "{account}");
    }
    let words = ["doctor", "--simulate", "--output=table"];
    let run = home.run(&words).ends_with(0);
    let expected = "ok       losant (losant): credential, settings, reachable, accepted, clock";
    assert!(run.stdout.contains(expected), "{run:?}");
    assert!(run.stdout.ends_with("No problems found.\n"), "{run:?}");
    // The program forgets what it did not need to remember.
    assert!(!home.path().join(".local/state/tokenfleet").exists());
}

#[test]
fn a_quiet_doctor_says_only_what_is_not_ok() {
    let home = Home::new();
    let fine = ["doctor", "--simulate", "--account=losant", "--quiet"];
    let words = [&fine[..], &["--output=table"]].concat();
    let run = home.run(&words).ends_with(0);
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
    let run = home.run(&fine).ends_with(0);
    assert_eq!(run.json()["findings"], serde_json::json!([]));
    let account = Account::new("losant");
    let words = ["doctor", "--config", &account.path, "--quiet"];
    for format in ["table", "json", "ndjson", "csv"] {
        let format = format!("--output={format}");
        let run = tokenfleet(&[&words[..], &[&*format]].concat()).ends_with(8);
        assert!(run.stdout.contains("MINE_TOKEN is not set"), "{run:?}");
        assert!(!run.stdout.contains("named by --config"), "{run:?}");
    }
}

#[test]
fn a_configuration_says_where_it_was_found() {
    let home = Home::new();
    let run = home.run(&["doctor"]).ends_with(8);
    let text = status(&run, "configuration", "failed");
    assert!(
        text.contains("no configuration found") && text.contains("init"),
        "{text}"
    );
    assert!(!text.contains("; ; "), "{text}");
    home.write("tokenfleet.toml", "[accounts.iot]\nprovder = 'losant'\n");
    let run = home.run(&["doctor"]).ends_with(8);
    let text = status(&run, "configuration", "failed");
    assert!(
        text.contains("tokenfleet.toml: line 2: unknown key `provder`"),
        "{text}"
    );
    home.write("tokenfleet.toml", "");
    let run = home.run(&["doctor"]).ends_with(8);
    let findings = run.json()["findings"].clone();
    let empty = findings.as_array().unwrap().last().unwrap().clone();
    assert!(
        empty["message"].as_str().unwrap().contains("no account"),
        "{empty}"
    );
    let account = Account::new("losant");
    let run = account.run(&["doctor"]).ends_with(0);
    let text = status(&run, "configuration", "ok");
    assert!(text.contains("named by --config"), "{text}");
    account.run(&["doctor", "--account=nobody"]).ends_with(2);
}

#[test]
fn a_credential_that_is_missing_or_refused_is_told_apart() {
    let account = Account::new("losant");
    let words = ["doctor", "--output=json", "--config", &account.path];
    let run = support::tokenfleet(&words).ends_with(8);
    let text = status(&run, "credential", "failed");
    assert!(text.contains("MINE_TOKEN is not set"), "{text}");
    // Whether the platform answers is known nevertheless.
    status(&run, "reachable", "ok");
    status(&run, "accepted", "skipped");
    let variables = [("MINE_TOKEN", CANARY)];
    let run = support::tokenfleet_with_env(&variables, &words);
    let run = run.ends_with(8).hiding(&[CANARY]);
    status(&run, "credential", "ok");
    status(&run, "reachable", "ok");
    status(&run, "accepted", "failed");
}

#[test]
fn an_address_without_a_server_is_not_reachable() {
    let home = Home::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for provider in [
        foreman(&url),
        // Nothing can be asked there, but the connection is tried.
        format!(
            "[accounts.studio]\nprovider = 'mindbody'\nbase_url = '{url}'\nsite_id = -99\n\
             username = 'x'\napi_key = {{ env = 'INFRA_TOKEN' }}\n\
             password = {{ env = 'INFRA_TOKEN' }}\n"
        ),
    ] {
        let path = home.write("named.toml", &(provider + "attempts = 1\n"));
        let words = ["doctor", "--config", path.to_str().unwrap()];
        let run = home.run_with(&[("INFRA_TOKEN", CANARY)], &words);
        let run = run.ends_with(8).hiding(&[CANARY]);
        let text = status(&run, "reachable", "failed");
        assert!(text.contains("refused"), "{text}");
    }
}

#[test]
fn a_refused_password_is_sent_once() {
    let home = Home::new();
    let (url, requests) = server("HTTP/1.1 401 Unauthorized\r\n");
    let path = home.write("named.toml", &foreman(&url));
    let words = ["doctor", "--config", path.to_str().unwrap()];
    let run = home.run_with(&[("INFRA_TOKEN", CANARY)], &words);
    let run = run.ends_with(8).hiding(&[CANARY]);
    status(&run, "accepted", "failed");
    assert_eq!(requests.load(Ordering::Relaxed), 1);
}

#[test]
fn a_clock_that_differs_and_an_exhausted_limit_are_warnings() {
    let home = Home::new();
    let (url, _) = server(
        "HTTP/1.1 403 Forbidden\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
         x-ratelimit-limit: 600\r\nx-ratelimit-remaining: 0\r\n",
    );
    let path = home.write("named.toml", &(foreman(&url) + "attempts = 1\n"));
    let words = ["doctor", "--config", path.to_str().unwrap()];
    let run = home.run_with(&[("INFRA_TOKEN", CANARY)], &words);
    let run = run.hiding(&[CANARY]);
    let text = status(&run, "clock", "warning");
    assert!(
        text.contains("s ahead of that of the platform") && text.contains("NTP"),
        "{text}"
    );
    let text = status(&run, "limits", "warning");
    assert!(text.contains("0 of 600 requests left"), "{text}");
}

#[test]
fn many_silent_platforms_are_waited_for_together_and_not_for_ever() {
    let home = Home::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let account = |number: usize| {
        let text = foreman(&url).replace("infra", &format!("a{number}"));
        text + "attempts = 1\nattempt_timeout = '2s'\ntotal_timeout = '2s'\n"
    };
    let text: String = (0..12).map(account).collect();
    let path = home.write("named.toml", &text);
    let started = Instant::now();
    let words = ["doctor", "--config", path.to_str().unwrap()];
    let run = home.run_with(&[("INFRA_TOKEN", CANARY)], &words);
    let run = run.ends_with(8);
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    status(&run, "reachable", "failed");
    drop(silent);
}

#[cfg(unix)]
#[test]
fn permissions_are_findings() {
    use support::home::set_mode;

    let home = Home::new();
    let account = Account::new("losant");
    let text = std::fs::read_to_string(&account.path).unwrap();
    let text = text.replace("{ env = 'MINE_TOKEN' }", "{ file = 'token' }");
    let path = home.write("tokenfleet.toml", &text);
    let token = home.write("token", &account.variables[0].1);
    home.run(&["trust"]).ends_with(0);
    // Everybody may read the credential.
    let run = home.run(&["doctor"]).ends_with(0);
    let findings = run.json()["findings"].clone();
    let warning = |finding: &&Value| finding["status"] == "warning";
    let warning = findings.as_array().unwrap().iter().find(warning).unwrap();
    assert_eq!(warning["check"], "permissions");
    assert!(
        warning["message"].as_str().unwrap().contains("chmod 600"),
        "{warning}"
    );
    assert_eq!(run.stderr, "", "a finding is said once");
    set_mode(&token, 0o600);
    set_mode(&path, 0o666);
    let run = home.run(&["doctor"]).ends_with(8);
    let text = status(&run, "permissions", "failed");
    assert!(text.contains("chmod go-w tokenfleet.toml"), "{text}");
    // Whoever names the file vouches for it.
    let run = home
        .run(&["doctor", "--config=tokenfleet.toml"])
        .ends_with(0);
    status(&run, "permissions", "warning");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_a_failure() {
    let home = Home::new();
    let file = home.write("a-file", "").display().to_string();
    let variables = [("XDG_STATE_HOME", file.as_str())];
    let run = home.run_with(&variables, &["doctor", "--simulate"]);
    let text = status(&run.ends_with(8), "state_directory", "failed");
    assert!(
        text.contains("cannot write to") && text.contains("XDG_STATE_HOME"),
        "{text}"
    );
}

#[test]
fn wrong_settings_of_one_account_do_not_hide_the_others() {
    let account = Account::new("losant");
    let text = std::fs::read_to_string(&account.path).unwrap();
    let wrong = "[accounts.wrong]\nprovider = 'losant'\ntokn = { env = 'X_Y' }\n";
    std::fs::write(&account.path, format!("{wrong}{text}")).unwrap();
    let run = account.run(&["doctor"]).ends_with(8);
    let text = status(&run, "settings", "failed");
    assert!(text.contains("unknown key `tokn`"), "{text}");
    status(&run, "accepted", "ok");
    let run = account.run(&["doctor", "--output=csv"]).ends_with(8);
    assert!(
        run.stdout
            .starts_with("check,account,status,message,advice\n"),
        "{run:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_person_reads_a_line_for_each_problem() {
    let account = Account::new("losant");
    let words = ["doctor", "--config", &account.path];
    let program = env!("CARGO_BIN_EXE_tokenfleet");
    let run = tokenfleet_tests::Terminal::new(200).run(program, words, []);
    assert_eq!(run.code, Some(8), "{}", run.text());
    let failed: Vec<_> = run
        .lines
        .iter()
        .filter(|line| line.starts_with("failed"))
        .collect();
    assert_eq!(failed.len(), 1, "{}", run.text());
    assert!(
        failed[0].contains("mine (losant): credential: "),
        "{}",
        run.text()
    );
    assert!(run.text().contains("1 failed, "), "{}", run.text());
}

#[test]
fn a_mistake_that_would_stop_another_command_is_found() {
    for table in [
        "[checks.q]\nolder_than = '1y'",
        "[checks.q]\nolder_thn = '1d'",
        "[checks.q]\nnever_expires = true\nprovider = 'foremn'",
        "[waivers.q]\naccount = '*'\nreason = 'r'\nowner = 'o'\nuntil = '2999-01-01'",
        "[baseline]\nfile = 'missing.toml'",
        "[audit]\nrequire_reasons = true",
        "[annotations]\nfiel = 'x'",
    ] {
        let home = Home::new();
        let account = "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'NEVER_SET' }\n";
        home.write("named.toml", &format!("{account}{table}\n"));
        let words = ["--config", "named.toml", "doctor", "--output=json"];
        let run = home.run_with(&[], &words).ends_with(8);
        status(&run, "policies", "failed");
    }
}

#[test]
fn the_expiry_of_a_configured_certificate_is_said_before_it_hurts() {
    let (url, _) = server("HTTP/1.1 200 OK\r\n");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let certificate = |days: i64| {
        let mut parameters = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        let seconds = i64::try_from(now.as_secs()).unwrap() + days * 86_400 + 3_600;
        let seconds = Duration::from_secs(seconds.try_into().unwrap());
        parameters.not_after = date_time_ymd(1970, 1, 1) + seconds;
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        (temporary_file(&pem), temporary_file(&key.serialize_pem()))
    };
    for (days, status, text) in [
        (400, "ok", "expires in 400 days"),
        (12, "warning", "expires in 12 days"),
        (-3, "failed", "expired on 20"),
    ] {
        let (chain, key) = certificate(days);
        let settings = format!(
            "[transport]\nclient_certificate = '{chain}'\nclient_key = {{ file = '{key}' }}\n"
        );
        let path = temporary_file(&format!("{settings}{}", foreman(&url)));
        let run = tokenfleet(&["doctor", "--config", &path, "--output=json"]);
        let found = finding(&run, "certificates");
        assert_eq!(found["status"], status, "{found}");
        assert!(found["message"].as_str().unwrap().contains(text), "{found}");
        // An authority that has expired may be of no use to anybody.
        let settings = format!("[transport]\nauthorities = '{chain}'\n");
        let path = temporary_file(&format!("{settings}{}", foreman(&url)));
        let run = tokenfleet(&["doctor", "--config", &path, "--output=json"]);
        let found = finding(&run, "certificates");
        let expected = status.replace("failed", "warning");
        assert_eq!(found["status"], expected, "{found}");
    }
}
