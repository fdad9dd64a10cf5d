//! The places that a new secret goes to: files, environment files, pipes, and never a terminal
//! unasked.

#![cfg(feature = "simulate")]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use support::account::Account;
use support::{Run, program};
use tokenfleet_tests::Terminal;

/// A directory of one test, which is removed afterwards.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("places-{}-{number}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn requests(account: &Account) -> u64 {
    account.control("GET", "/log", "")["total"]
        .as_u64()
        .unwrap()
}

/// Asserts that a secret works, where the platform tells.
fn assert_alive(account: &Account, secret: &str) {
    let run = account.run_with_secret(secret, &["verify", "--secret-env=SECRET"]);
    assert!(matches!(run.code, 0 | 5), "{run:?}");
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn active(account: &Account) -> usize {
    let tokens = account.run(&["list", "--prefix=ci", "--state=active"]);
    tokens.ends_with(0).json()["tokens"]
        .as_array()
        .unwrap()
        .len()
}

/// Starts a creation and does something once the file for the secret is prepared.
fn interrupted(account: &Account, place: &str, words: &[&str], act: impl Fn(&Path)) -> Run {
    let directory = Path::new(place.split_once(':').unwrap().1)
        .parent()
        .unwrap();
    let child = program(&[])
        .args([
            "create",
            "--name=ci",
            "--to",
            place,
            "--config",
            &account.path,
        ])
        .args(words)
        .envs(account.variables.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while requests(account) == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    act(directory);
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_secret_goes_to_a_new_file_of_its_owner_and_nowhere_else() {
    let directory = Directory::new();
    for (provider, words) in [
        ("losant", &["create", "--name=ci"][..]),
        ("losant", &["create", "--name=cj", "--exactly-once"]),
        ("foreman", &["create", "--name=ci"]),
        ("mindbody", &["create"]),
    ] {
        let account = Account::new(provider);
        for format in ["json", "ndjson", "csv", "table"] {
            if format != "json" && provider != "mindbody" {
                continue;
            }
            let path = directory.path("token");
            let to = format!("file:{path}");
            let words = [words, &["--to", &to, "--output", format]].concat();
            let run = account.run(&words).ends_with(0);
            let secret = fs::read_to_string(&path).unwrap();
            assert_eq!(mode(&path), 0o600);
            assert!(run.stdout.contains(&to), "{run:?}");
            let run = run.hiding(&[&secret]);
            if format == "json" {
                let object = run.json();
                assert_eq!(object["secret_to"], to);
                assert!(object.get("secret").is_none(), "{object}");
            }
            assert_alive(&account, &secret);
            fs::remove_file(path).unwrap();
        }
    }
    assert!(directory.names().is_empty(), "{:?}", directory.names());
}

#[test]
fn the_replacement_of_a_revoked_secret_goes_to_a_file() {
    let directory = Directory::new();
    let account = Account::new("cloudsmith");
    let rotated = account.run(&["rotate", "--yes"]).ends_with(0).json();
    let id = rotated["id"].as_str().unwrap();
    for format in ["json", "csv", "table"] {
        let path = directory.path(format);
        let to = format!("file:{path}");
        let words = [
            "revoke",
            id,
            "--yes",
            "--accept-replacement",
            "--output",
            format,
        ];
        let run = account
            .run(&[&words[..], &["--to", &to]].concat())
            .ends_with(0);
        let secret = fs::read_to_string(&path).unwrap();
        assert!(run.stdout.contains(&to), "{run:?}");
        let run = run.hiding(&[&secret]);
        if format == "json" {
            assert_eq!(run.json()["replacement"]["secret_to"], to);
        }
        assert_alive(&account, &secret);
    }
    let before = requests(&account);
    let to = format!("file:{}", directory.path("json"));
    let words = ["revoke", id, "--yes", "--accept-replacement", "--to", &to];
    let run = account.run(&words).ends_with(2);
    assert!(run.error_line().contains("it exists already"), "{run:?}");
    let to = format!("file:{}", directory.path("new"));
    let words = [
        "revoke",
        id,
        "x",
        "--yes",
        "--accept-replacement",
        "--to",
        &to,
    ];
    let run = account.run(&words).ends_with(2);
    assert!(run.error_line().contains("only one new secret"), "{run:?}");
    assert_eq!(requests(&account), before);

    let losant = Account::new("losant");
    let words = ["revoke", "575ec7417ae143cd83dc4a95", "--yes", "--to", &to];
    let run = losant.run(&words).ends_with(2);
    assert!(run.error_line().contains("issues no new secret"), "{run:?}");
    assert_eq!(requests(&losant), 0);
}

#[test]
fn a_place_that_cannot_take_the_secret_is_refused_before_anything_is_sent() {
    let directory = Directory::new();
    let existing = directory.path("existing");
    fs::write(&existing, "mine").unwrap();
    std::os::unix::fs::symlink("/nowhere", directory.path("link")).unwrap();
    fs::write(directory.path("several"), "A=1\nB=\"x\ny\"\n").unwrap();
    fs::write(directory.path("bytes"), [0xff]).unwrap();
    let place = |kind: &str, name: &str| format!("{kind}:{}", directory.path(name));
    for (place, problem) in [
        (place("file", "existing"), "it exists already"),
        (place("file", "link"), "it exists already"),
        (place("file", "missing/token"), "create its directory first"),
        (place("file", "existing/token"), "cannot write"),
        (place("file", "token/"), "the path of a folder"),
        (place("env-file", "missing/#TOKEN"), "the path of a folder"),
        ("file:/proc/token".to_owned(), "cannot write /proc/token"),
        (
            place("env-file", "missing/.env#TOKEN"),
            "create its directory first",
        ),
        (
            place("env-file", "several#TOKEN"),
            "the value in line 2 continues",
        ),
        (place("env-file", "bytes#TOKEN"), "not valid UTF-8"),
        ("env-file:/dev/null#TOKEN".to_owned(), "not a regular file"),
        (
            "env-file:/dev/stdout#TOKEN".to_owned(),
            "stream of a process",
        ),
        ("file:/dev/fd/9".to_owned(), "stream of a process"),
        (place("env-file", "#TOKEN"), "not a regular file"),
        (place("env-file", ".env#A-B"), "expected a variable name"),
        ("file:~/token".to_owned(), "shells do not expand ~"),
        ("existing".to_owned(), "expected file:PATH"),
    ] {
        let account = Account::new("losant");
        let words = ["create", "--name=ci", "--to", &place];
        let run = account.run(&words).ends_with(2);
        assert!(run.stderr.contains(problem), "{place}: {run:?}");
        assert_eq!(requests(&account), 0, "{place}");
    }
    assert_eq!(fs::read_to_string(existing).unwrap(), "mine");
    assert_eq!(directory.names().len(), 4, "{:?}", directory.names());
}

#[test]
fn a_variable_is_set_in_an_environment_file_and_the_other_lines_stay() {
    let directory = Directory::new();
    let account = Account::new("losant");
    let path = directory.path(".env");
    let to = format!("env-file:{path}#TOKEN");
    let create = || {
        let run = account
            .run(&["create", "--name=ci", "--to", &to])
            .ends_with(0);
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|line| line.contains("TOKEN=")).unwrap();
        let secret = line.split_once('=').unwrap().1.to_owned();
        assert_alive(&account, &secret);
        assert_eq!(run.hiding(&[&secret]).json()["secret_to"], to);
        text.replace(&secret, "SECRET")
    };
    assert_eq!(create(), "TOKEN=SECRET\n");
    assert_eq!(mode(&path), 0o600);
    fs::write(&path, "# mine\nA='1'\nexport TOKEN=old\nB=2").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(create(), "# mine\nA='1'\nexport TOKEN=SECRET\nB=2");
    assert_eq!(mode(&path), 0o600);
    fs::write(&path, "\u{feff}TOKEN=old\nB=2\n").unwrap();
    assert_eq!(create(), "TOKEN=SECRET\nB=2\n");
    let link = directory.path("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let to = format!("env-file:{link}#OTHER");
    account
        .run(&["create", "--name=ci", "--to", &to])
        .ends_with(0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&path).unwrap().contains("\nOTHER="));
    assert_eq!(directory.names().len(), 2, "{:?}", directory.names());
}

#[test]
fn a_secret_that_does_not_get_to_its_place_is_kept_or_its_token_is_revoked() {
    let directory = Directory::new();
    let path = directory.path("token");
    let place = format!("file:{path}");
    let occupy = |directory: &Path| fs::write(directory.join("token"), "another").unwrap();

    let account = Account::with_options("losant", &["--latency=600"]);
    let run = interrupted(&account, &place, &[], occupy).ends_with(7);
    assert!(run.stderr.contains("(File exists)"), "{run:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    let names = directory.names();
    let partial = names
        .iter()
        .find(|name| name.ends_with(".partial"))
        .unwrap();
    assert!(run.stderr.contains(partial.as_str()), "{run:?}");
    let partial = directory.path(partial);
    assert_eq!(mode(&partial), 0o600);
    let secret = fs::read_to_string(partial).unwrap();
    assert_alive(&account, &secret);
    run.hiding(&[&secret]);

    let account = Account::with_options("losant", &["--latency=600"]);
    fs::remove_file(&path).unwrap();
    let run = interrupted(&account, &place, &["--exactly-once"], occupy).ends_with(1);
    assert!(run.stderr.contains("the token was revoked"), "{run:?}");
    assert_eq!(active(&account), 0);
    assert_eq!(directory.names().len(), 2, "{:?}", directory.names());
}

#[test]
fn a_directory_that_vanishes_loses_the_secret_and_says_so() {
    let directory = Directory::new();
    let gone = directory.path("gone");
    let place = format!("file:{gone}/token");
    let vanish = |directory: &Path| fs::remove_dir_all(directory).unwrap();
    for (words, code, advice) in [
        (&[][..], 7, "its secret is lost: revoke it"),
        (&["--exactly-once"], 1, "the token was revoked"),
    ] {
        fs::create_dir(&gone).unwrap();
        let account = Account::with_options("losant", &["--latency=600"]);
        let run = interrupted(&account, &place, words, vanish).ends_with(code);
        assert!(run.stderr.contains(advice), "{run:?}");
        assert_eq!(run.stdout, "");
        assert_eq!(active(&account), usize::from(code == 7));
    }
}

#[test]
fn only_the_secret_is_printed_where_that_is_asked_for() {
    let account = Account::new("losant");
    for words in [&["--secret-only"][..], &["--secret-only", "--to=stdout"]] {
        let run = account
            .run(&[&["create", "--name=ci"], words].concat())
            .ends_with(0);
        let secret = run.stdout.strip_suffix('\n').unwrap();
        assert_alive(&account, secret);
    }
    let before = requests(&account);
    for other in [&["--output=json"][..], &["--to=file:x"]] {
        let words = [&["create", "--name=ci", "--secret-only"], other].concat();
        let run = account.run(&words).ends_with(2);
        assert!(run.stderr.contains("--secret-only and --"), "{run:?}");
    }
    assert_eq!(requests(&account), before);
    let mindbody = Account::new("mindbody");
    let issued = mindbody.run(&["create", "--to=stdout"]).ends_with(0).json();
    let secret = issued["secret"].as_str().unwrap();
    let before = requests(&mindbody);
    let directory = Directory::new();
    let to = format!("file:{}", directory.path("token"));
    for words in [&["--secret-only"][..], &["--to", &to]] {
        let words = [&["renew", "--secret-env=SECRET"], words].concat();
        let run = mindbody.run_with_secret(secret, &words);
        // Where a renewal keeps the secret, there is none to write.
        assert!(
            run.stdout.is_empty() || !run.stdout.contains(secret),
            "{run:?}"
        );
        assert!(run.stderr.contains("secret"), "{run:?}");
        assert!(run.code != 2 || requests(&mindbody) == before, "{run:?}");
    }
    assert!(directory.names().is_empty(), "{:?}", directory.names());
}

#[test]
fn a_terminal_shows_a_new_secret_only_if_asked_to() {
    let program = env!("CARGO_BIN_EXE_tokenfleet");
    let directory = Directory::new();
    for (provider, words) in [
        ("losant", &["create", "--name=ci"][..]),
        (
            "losant",
            &["create", "--name=ci", "--to=stdout", "--secret-only"],
        ),
        ("mindbody", &["create"]),
        ("cloudsmith", &["rotate", "--yes"]),
        (
            "cloudsmith",
            &["revoke", "aB3dE5gH7jK9", "--yes", "--accept-replacement"],
        ),
    ] {
        let account = Account::new(provider);
        let environment = || {
            account
                .variables
                .iter()
                .map(|(name, value)| (&**name, &**value))
        };
        let run = |more: &[&str]| {
            let words = [words, more, &["--config", &account.path]].concat();
            Terminal::new(1_000).run(program, words, environment())
        };
        let refused = run(&[]);
        assert_eq!(refused.code, Some(2), "{}", refused.text());
        assert!(
            refused.text().contains("without --show-secret"),
            "{}",
            refused.text()
        );
        assert_eq!(requests(&account), 0);
        if words[0] == "revoke" {
            continue;
        }
        let shown = run(&["--show-secret"]);
        assert_eq!(shown.code, Some(0), "{}", shown.text());
        let secret = shown
            .lines
            .iter()
            .rev()
            .find(|line| !line.starts_with("warning"));
        assert_alive(&account, secret.unwrap());
        if words.contains(&"--secret-only") {
            continue;
        }
        let path = directory.path(provider);
        let stored = run(&["--to", &format!("file:{path}")]);
        assert_eq!(stored.code, Some(0), "{}", stored.text());
        let secret = fs::read_to_string(&path).unwrap();
        assert!(!stored.raw.contains(&secret), "{}", stored.text());
        assert_alive(&account, &secret);
        fs::remove_file(path).unwrap();
    }
}

/// Returns an account with these lines at the end of its table.
fn with_settings(provider: &str, lines: &str) -> Account {
    let account = Account::new(provider);
    let text = fs::read_to_string(&account.path).unwrap();
    fs::write(&account.path, text + lines).unwrap();
    account
}

#[test]
fn a_token_that_never_expires_is_warned_about() {
    let account = Account::new("losant");
    for words in [&[][..], &["--never-expires"]] {
        let run = account
            .run(&[&["create", "--name=ci", "--scope=all.User"], words].concat())
            .ends_with(0);
        let line = run.error_line();
        assert!(line.starts_with("warning: mine (losant): token "), "{line}");
        assert!(
            line.contains(" never expires; pass --expires-in, or set"),
            "{line}"
        );
    }
    let run = account
        .run(&[
            "create",
            "--name=ci",
            "--expires-in=30d",
            "--scope=all.User",
        ])
        .ends_with(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn scopes_that_nobody_requested_are_warned_about_where_scopes_can_be_requested() {
    let create = ["create", "--name=ci", "--expires-in=30d"];
    let losant = Account::new("losant");
    let run = losant.run(&create).ends_with(0);
    let line = run.error_line();
    assert!(line.starts_with("warning: mine (losant): token "), "{line}");
    let advice = "that were not requested: all.User; pass --scope, or set default_scopes";
    assert!(line.contains(advice), "{line}");
    let run = losant.run(&[&create[..], &["--scope=all.User"]].concat());
    assert_eq!(run.ends_with(0).stderr, "");

    let run = Account::new("foreman").run(&create).ends_with(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn the_defaults_of_an_account_hold_unless_another_lifetime_or_scope_is_requested() {
    let lines = "default_expires_in = '30d'\ndefault_scopes = ['all.User.read']\n";
    let account = with_settings("losant", lines);
    let create = |words: &[&str]| -> Value {
        let run = account.run(&[&["create", "--name=ci"], words].concat());
        run.ends_with(0).json()
    };
    let token = create(&[]);
    assert_eq!(token["expiry"]["kind"], "at");
    assert_eq!(token["scopes"], serde_json::json!(["all.User.read"]));
    assert_eq!(create(&["--never-expires"])["expiry"]["kind"], "never");
    let token = create(&["--expires-at=2099-01-01", "--scope=all.User"]);
    assert_eq!(token["expiry"]["at"], "2099-01-01T00:00:00Z");
    assert_eq!(token["scopes"], serde_json::json!(["all.User"]));

    for (provider, line) in [
        ("mindbody", "default_expires_in = '30d'\n"),
        ("foreman", "default_scopes = ['x']\n"),
    ] {
        let account = with_settings(provider, line);
        let run = account.run(&["create", "--name=ci"]).ends_with(2);
        assert!(
            run.error_line().contains("the platform takes no "),
            "{run:?}"
        );
        assert_eq!(requests(&account), 0);
    }
}
