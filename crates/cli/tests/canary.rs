//! Planted secrets never appear in the output, at full verbosity, except for a new secret, and
//! nothing of any secret is in the state directory: the ledger with its log, the audit log, and the
//! marks of processes.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::Run;
use support::account::Account;
use support::temporary_file;
#[cfg(unix)]
use tokenfleet::Timestamp;
#[cfg(unix)]
use tokenfleet_ledger::{Ledger, SnapshotRecorder, Source, SqliteLedger};
use tokenfleet_tests::CanarySecrets;

/// A secret that the program does not know, and that the platform names in its errors.
const FOREIGN: &str = "SK-PrjW98OTY1h8QTY9hUA";

/// The faults that the requests of a command meet. The responses name secrets.
fn faults(named: &str) -> Vec<Option<Value>> {
    let message = format!("Key {named} of {FOREIGN} is refused");
    let body = json!({
        "type": named, "code": named, "message": message, "detail": message,
        "error": {"message": message, "class": named}, "Error": {"Message": message, "Code": named},
    });
    let response = |status: u16| {
        let headers = json!({"content-type": "application/json", "retry-after": "0"});
        Some(json!({"answer": {"status": status, "headers": headers, "body": body.to_string()}}))
    };
    vec![
        None,
        response(200),
        response(400),
        response(401),
        response(503),
        Some(json!({"redirect": format!("https://elsewhere.example.com/{FOREIGN}")})),
        Some(json!({"cut_body": 10})),
        Some(json!("close_after")),
    ]
}

/// The commands, and whether they print a new secret.
///
/// `ID` is the id of a token, `SECRET` is its secret, and `PLAN` is a plan that names both.
const COMMANDS: [(&str, bool); 27] = [
    ("inventory", false),
    ("list", false),
    ("list --output=table --page-size=1", false),
    ("show ID", false),
    ("show SECRET", false),
    ("capabilities", false),
    ("whoami", false),
    ("verify --secret-env=SECRET", false),
    ("locate --secret-env=SECRET --try-all", false),
    (
        "locate --secret-env=SECRET --revoke --yes --accept-replacement",
        true,
    ),
    ("update ID --name=renamed", false),
    ("create --name=made", true),
    ("create", true),
    (
        "create --exactly-once --name=once --look-again-after=0s",
        true,
    ),
    ("rotate ID --yes", true),
    ("renew --secret-env=SECRET", true),
    ("revoke ID --yes --accept-replacement", true),
    (
        "reconcile --marker=tf-0123456789abcdef --name=SECRET",
        false,
    ),
    (
        "reconcile --marker=tf-0123456789abcdef --revoke --yes",
        false,
    ),
    ("snapshot", false),
    ("diff", false),
    ("history SECRET", false),
    ("plan --own-token=ID", false),
    ("plan --own-token=SECRET --allow-incomplete", false),
    (
        "revoke --plan=PLAN --yes --accept-replacement --or-suspend",
        true,
    ),
    ("revoke SECRET --yes --accept-replacement", false),
    ("revoke --secret-env=SECRET --yes", false),
];

/// Returns the output without the new secret, and the new secret.
fn without_the_new_secret(run: &Run) -> (String, Option<String>) {
    let value: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    let shown = [
        &value["secret"],
        &value["replacement"]["secret"],
        &value["revocation"]["replacement"]["secret"],
    ];
    match shown.iter().find_map(|secret| secret.as_str()) {
        Some(secret) => {
            let rest = run.stdout.replacen(secret, "", 1);
            (rest, Some(secret.to_owned()))
        }
        None => (run.stdout.clone(), None),
    }
}

/// Runs each command at an account of its own, all with one state directory, and counts the new
/// secrets that they show.
fn new_secrets_shown(provider: &str) -> usize {
    let state = tempfile::tempdir().unwrap();
    let secrets = CanarySecrets::default();
    // Most of the time they wait before they retry.
    let shown = std::thread::scope(|scope| {
        let (state, secrets) = (state.path(), &secrets);
        let commands = COMMANDS.map(|(command, shows_secret)| {
            scope.spawn(move || shown_by(provider, command, shows_secret, state, secrets))
        });
        commands.map(|command| command.join().unwrap()).iter().sum()
    });
    #[cfg(unix)]
    let _log = keep_log(state.path());
    #[cfg(unix)]
    kill_one(provider, state.path(), &secrets);
    let files = files_in(state.path());
    let mut kept = vec!["ledger.db", "audit.jsonl"];
    if cfg!(unix) {
        kept.extend(["ledger.db-wal", "running"]);
    }
    for name in kept {
        let mut files = files.iter().filter(|(path, _)| path.contains(name));
        let is_seen = files.any(|(_, content)| name == "running" || content.contains(provider));
        assert!(is_seen, "{provider}: {name}: the tap is blind");
    }
    for (path, content) in &files {
        let found = secrets.found_in(content);
        assert!(found.is_empty(), "{provider}: {path}: {found:#?}");
    }
    shown
}

/// Opens the ledger, which keeps its log for as long.
#[cfg(unix)]
fn keep_log(state: &Path) -> Box<dyn SnapshotRecorder> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(async {
        let ledger = SqliteLedger::open(state.join("tokenfleet/ledger.db")).await;
        let source = Source::from(tokenfleet::Account::new("losant", "kept open"));
        let begun = ledger.unwrap().begin(&source, Timestamp::now()).await;
        begun.unwrap()
    })
}

/// Kills a change under way, which leaves its mark.
#[cfg(unix)]
fn kill_one(provider: &str, state: &Path, secrets: &CanarySecrets) {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    const WRITES: [&str; 2] = ["POST", "PUT"];

    let account = Account::new(provider);
    for method in WRITES {
        let fault = json!({"method": method, "actions": [{"delay_answer": 60_000}]}).to_string();
        account.control("POST", "/faults", &fault);
    }
    let words: &[&str] = match provider {
        "cloudsmith" => &["rotate", "--yes"],
        "mindbody" => &["create"],
        _ => &["create", "--name=ci"],
    };
    let mut child = support::program(&[words, &["-vvv", "--config", &account.path]].concat())
        .envs(account.variables.iter().map(|(name, value)| (name, value)))
        .env("XDG_STATE_HOME", state)
        // The null device would lose the secret, which is refused.
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let is_sent = || {
        let log = account.control("GET", "/log?after=0", "");
        let mut requests = log["entries"].as_array().unwrap().iter();
        requests.any(|request| WRITES.iter().any(|method| request["method"] == *method))
    };
    while !is_sent() {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing sent");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for (name, value) in &account.variables {
        secrets.plant(name, value);
    }
    let tokens = account.control("GET", "/tokens", "");
    for token in tokens["tokens"].as_array().unwrap() {
        secrets.plant("an existing token", token["secret"].as_str().unwrap());
    }
}

/// Returns the paths of all files of a folder, and what lies in them. A path is searched too.
fn files_in(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else {
            let name = path.display().to_string();
            let content = std::fs::read(&path).unwrap();
            files.push((name.clone(), name + &String::from_utf8_lossy(&content)));
        }
    }
    files
}

/// Runs a command with each fault, and counts the new secrets that it shows. Adds every secret that
/// it met.
fn shown_by(
    provider: &str,
    command: &str,
    shows_secret: bool,
    state: &Path,
    secrets: &CanarySecrets,
) -> usize {
    let mut new_secrets = 0;
    let account = Account::new(provider);
    let found = account.control("GET", "/tokens", "");
    let token = &found["tokens"][0];
    let (id, secret) = (
        token["id"].as_str().unwrap(),
        token["secret"].as_str().unwrap(),
    );
    for fault in faults(secret) {
        account.control("DELETE", "/faults", "");
        if let Some(action) = &fault {
            // After a lost connection the program waits, after these responses it does not.
            let times = if action.get("answer").is_some() {
                20
            } else {
                1
            };
            let fault = json!({"times": times, "actions": [action]}).to_string();
            account.control("POST", "/faults", &fault);
        }
        // The plan has a secret where an id belongs.
        let plan = temporary_file(&format!(
            "tokenfleet revocations 2\naccount {provider} mine\nrevoke {id}\nrevoke {secret}\n"
        ));
        let word = |word: &str| {
            let word = word.replace("=ID", &format!("={id}"));
            let word = word.replace("--name=SECRET", &format!("--name={secret}"));
            let word = word.replace("=PLAN", &format!("={plan}"));
            match word.as_str() {
                "ID" => id.to_owned(),
                "SECRET" => secret.to_owned(),
                "--own-token=SECRET" => format!("--own-token={secret}"),
                _ => word,
            }
        };
        let words: Vec<_> = command.split(' ').map(word).collect();
        let words: Vec<_> = words.iter().map(String::as_str).chain(["-vvv"]).collect();
        let variables = [
            ("SECRET", secret),
            ("XDG_STATE_HOME", state.to_str().unwrap()),
        ];
        let run = account.run_with(&variables, &words);
        let (stdout, shown) = without_the_new_secret(&run);
        assert!(
            shown.is_none() || shows_secret,
            "{command} shows a secret: {run:?}"
        );
        new_secrets += usize::from(shown.is_some());

        let planted = CanarySecrets::default();
        let plant = |label: &str, secret: &str| {
            planted.plant(label, secret);
            secrets.plant(label, secret);
        };
        plant("a foreign token", FOREIGN);
        plant("the token", secret);
        if let Some(secret) = &shown {
            plant("the new token", secret);
        }
        for (name, value) in &account.variables {
            plant(name, value);
        }
        let tokens = account.control("GET", "/tokens", "");
        for token in tokens["tokens"].as_array().unwrap() {
            plant("an existing token", token["secret"].as_str().unwrap());
        }
        for (place, text) in [("stdout", &stdout), ("stderr", &run.stderr)] {
            let found = planted.found_in(text);
            assert!(
                found.is_empty(),
                "{provider}: {command}: {fault:?}: {place}: {found:#?}\n{run:#?}"
            );
        }
    }
    new_secrets
}

// Each platform shows as many new secrets as there are commands that issue one and succeed.

#[test]
fn losant_commands_show_no_secret_but_a_new_one() {
    assert!(new_secrets_shown("losant") >= 1);
}

#[test]
fn foreman_commands_show_no_secret_but_a_new_one() {
    assert!(new_secrets_shown("foreman") >= 1);
}

#[test]
fn cloudsmith_commands_show_no_secret_but_a_new_one() {
    assert!(new_secrets_shown("cloudsmith") >= 2);
}

#[test]
fn mindbody_commands_show_no_secret_but_a_new_one() {
    assert!(new_secrets_shown("mindbody") >= 1);
}

#[test]
fn each_verbosity_level_logs_more_and_only_to_standard_error() {
    let account = Account::new("losant");
    let run = |words: &[&str]| {
        let list = [&["list"], words].concat();
        account.run(&list).ends_with(0)
    };
    let plain = run(&[]);
    assert!(plain.stderr.is_empty(), "{plain:?}");
    let refused = json!({"actions": [{"answer": {"status": 503}}]}).to_string();
    let logged: Vec<_> = ["-v", "-vv", "-vvv"]
        .iter()
        .map(|verbosity| {
            account.control("POST", "/faults", &refused);
            let run = run(&[verbosity]);
            assert_eq!(run.stdout, plain.stdout);
            let levels = ["WARN", "DEBUG", "TRACE"];
            levels.map(|level| run.stderr.matches(level).count() > 0)
        })
        .collect();
    let expected = [[true, false, false], [true, true, false], [true; 3]];
    assert_eq!(logged, expected);
}
