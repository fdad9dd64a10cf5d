//! Every command as a built program, with every exit code: in order, without a reader, without a
//! home, in a directory that nobody can write to, and on terminals of every width.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::rotating::{POLICY, Rotating};
use support::{Run, Simulate, temporary_file, tokenfleet};
use tokenfleet_tests::Terminal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tokenfleet");

const CHECK: &str = "[checks.nobody]\nwhere = 'name = nobody'\n";

/// Names that others chose, to break a table.
const NAMES: [&str; 5] = [
    "ci-日本語の長い名前のトークン、デプロイ用",
    "ci-שלום עולם",
    "ci-e\u{301}\u{302} Zażółć gęślą jaźń",
    "ci-👩\u{200d}👩\u{200d}👧 family 🔑",
    "ci-\u{202e}reversed\u{202c} and longer than a narrow table has room for",
];

/// Commands in an order in which each ends with its code. `ID` is the id of a token, `SPARE` that
/// of another one, `DIR` a folder, and `DEAD` a file with a dead secret.
const RUNS: [(&str, i32); 46] = [
    ("operations --exit-code", 7),
    ("diff", 4),
    ("inventory", 0),
    ("list", 0),
    ("list --account=nobody", 2),
    ("explain", 0),
    ("report --markdown=-", 0),
    ("check", 0),
    ("expiring --within=10d", 0),
    ("show ID", 0),
    ("show 000000000000000000000000", 4),
    ("snapshot", 0),
    ("create --name=made --expires-in=9d --to=file:DIR/made", 0),
    ("create --name=made --expires-in=9d --to=file:DIR/made", 2),
    ("create --name=made --scope=no.Such --to=file:DIR/other", 1),
    ("expiring --within=10d", 8),
    ("exec --env=NEW --name=ran -- true", 0),
    ("reconcile --marker=tf-0123456789abcdef", 4),
    ("update ID --description=described", 0),
    ("rotate ID --yes", 5),
    ("rotate --policy=ci --dry-run", 0),
    ("renew --secret-env=MINE_TOKEN", 5),
    ("plan --name=made", 0),
    ("verify --secret-env=MINE_TOKEN", 0),
    ("verify --secret-file=DEAD", 8),
    ("locate --secret-file=DEAD --try-all", 4),
    ("revoke SPARE --yes", 0),
    ("revoke SPARE --yes", 4),
    ("whoami", 5),
    ("capabilities", 0),
    ("completions bash", 0),
    ("schema", 0),
    ("man", 0),
    ("accounts", 0),
    ("init --provider=losant --output=json", 2),
    ("doctor", 0),
    ("trust --list", 0),
    ("annotate ID --owner=me", 0),
    ("audit", 0),
    ("worker --once", 0),
    ("snapshot", 0),
    ("diff", 0),
    ("history ID", 0),
    ("ledger show", 0),
    ("operations", 0),
    ("operations list --done", 0),
];

/// The commands that change nothing, so that they can be run again.
const READING: [&str; 18] = [
    "inventory",
    "list",
    "explain",
    "report --markdown=-",
    "check",
    "expiring",
    "show ID",
    "rotate --policy=ci --dry-run",
    "plan",
    "capabilities",
    "schema",
    "accounts",
    "audit",
    "diff",
    "history ID",
    "ledger show",
    "ledger snapshots",
    "operations list --done",
];

/// An account with the tokens and files that the words name.
struct Account {
    rotating: Rotating,
    id: String,
    spare: String,
    dead: String,
}

impl Account {
    fn new() -> Self {
        let rotating = Rotating::covered_by(&format!("{POLICY}{CHECK}"), "losant", 1);
        Self {
            id: rotating.insert("kept"),
            spare: rotating.insert("spare"),
            dead: temporary_file("a-dead-secret-of-nobody"),
            rotating,
        }
    }

    fn words(&self, words: &str) -> Vec<String> {
        let folder = self.rotating.directory.path().display().to_string();
        let word = |word: &str| match word {
            "ID" => self.id.clone(),
            "SPARE" => self.spare.clone(),
            _ => word.replace("DIR", &folder).replace("DEAD", &self.dead),
        };
        words.split(' ').map(word).collect()
    }

    fn run(&self, words: &str) -> Run {
        let words = self.words(words);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        if words[0] == "trust" {
            return tokenfleet(&words);
        }
        // What follows -- belongs to another program.
        let end = words.iter().position(|word| *word == "--");
        match end {
            Some(end) => {
                let path = ["--config", &self.rotating.path];
                let words = [&words[..end], &path, &words[end..]].concat();
                support::tokenfleet_with_env(&self.rotating.environment(), &words)
            }
            None => self.rotating.run(&words),
        }
    }

    /// Returns the program with these words, to be started otherwise.
    fn program(&self, words: &str) -> Command {
        let words = self.words(words);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        self.rotating.program(&words)
    }
}

/// Returns the commands that the help of the program lists.
fn commands() -> BTreeSet<String> {
    let help = tokenfleet(&["--help"]).ends_with(0).stdout;
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let entries = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let names = entries.filter(|entry| !entry.starts_with(' '));
    let names = names.filter_map(|entry| entry.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_runs_and_every_exit_code_is_seen() {
    let account = Account::new();
    let (mut ran, mut seen) = (BTreeSet::from(["simulate".to_owned()]), BTreeSet::new());
    for (words, code) in RUNS {
        let run = account.run(words);
        assert_eq!(run.code, code, "{words}: {run:#?}");
        assert!(!run.stderr.contains("panicked"), "{words}: {run:#?}");
        ran.insert(words.split(' ').next().unwrap().to_owned());
        seen.insert(code);
    }
    let refused = [("MINE_TOKEN", "canary-5ecret-c0ffee")];
    account.rotating.run_with(&refused, &["list"]).ends_with(3);
    tokenfleet(&["expiring", "--simulate", "--account=mindbody"]).ends_with(6);
    seen.extend([3, 6]);
    assert_eq!(Simulate::start(&["losant"], 1).close(), 0);
    assert_eq!(ran, commands());
    assert_eq!(seen, (0..=8).collect());
}

#[test]
fn a_reader_that_leaves_changes_no_exit_code() {
    use std::net::Shutdown;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let account = account_with_a_past();
    for words in READING {
        let expected = account.run(words).code;
        for format in ["table", "json", "ndjson", "csv"] {
            let words = format!("{words} --output={format}");
            let (written, reader) = UnixStream::pair().unwrap();
            reader.shutdown(Shutdown::Both).unwrap();
            let mut program = account.program(&words);
            let output = program.stdout(OwnedFd::from(written)).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(expected), "{words}: {stderr}");
            assert!(!stderr.contains("Broken pipe"), "{words}: {stderr}");
        }
    }
}

/// Returns an account with snapshots, a rotation that is over and one that is not.
fn account_with_a_past() -> Account {
    let account = Account::new();
    for words in ["snapshot", "worker --once", "snapshot"] {
        account.run(words).ends_with(0);
    }
    account
}

#[test]
fn nothing_needs_a_home_or_a_directory_that_can_be_written() {
    let account = account_with_a_past();
    for words in READING {
        let expected = account.run(words);
        let mut program = account.program(words);
        program.env_remove("HOME").env_remove("XDG_STATE_HOME");
        // Not even root can write there.
        program.current_dir("/proc").stdin(Stdio::null());
        let output = program.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(expected.code),
            "{words}: {output:?}"
        );
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(stdout.is_empty(), expected.stdout.is_empty(), "{words}");
    }
}

/// Commands that people read, each with its code. `OPERATION` is the id of a rotation that is over.
/// Documents of other programs, such as the schema, are not among them.
const READ_BY_PEOPLE: [(&str, i32); 26] = [
    ("inventory", 0),
    ("list", 0),
    ("list --account=nobody", 2),
    ("list --where=name=a'b", 2),
    (
        "explain --where=scopes=all.User.read --sort=created --tokens=5000",
        0,
    ),
    ("plan", 0),
    ("check", 0),
    ("expiring --within=10d", 0),
    ("show ID", 0),
    ("show 000000000000000000000000", 4),
    ("verify --secret-file=DEAD", 8),
    ("locate --secret-file=DEAD --try-all", 4),
    ("create --name=made --scope=no.Such --to=file:DIR/made", 1),
    ("whoami", 5),
    ("capabilities", 0),
    ("accounts", 0),
    ("doctor", 0),
    ("audit", 0),
    ("rotate --policy=ci --dry-run", 0),
    ("diff", 0),
    ("history ID", 0),
    ("ledger show", 0),
    ("ledger snapshots", 0),
    ("operations", 0),
    ("operations list --done", 0),
    ("operations show OPERATION", 0),
];

/// Returns the rows that lines of a plan, which are copied whole, take beyond one.
fn rows_of_planned_tokens(raw: &str, columns: u16) -> usize {
    let planned = ["account ", "place ", "first ", "revoke ", "last "];
    let lines = raw.lines().map(str::trim_end);
    let lines = lines.filter(|line| planned.iter().any(|word| line.starts_with(word)));
    lines
        // A character takes two columns at most.
        .map(|line| line.chars().count() * 2 / usize::from(columns))
        .sum()
}

#[test]
fn whatever_a_command_says_fits_every_terminal_whatever_the_names_are() {
    let account = Account::new();
    for name in NAMES {
        account.rotating.insert(name);
    }
    account.run("snapshot").ends_with(0);
    account.run("worker --once").ends_with(0);
    account.run("snapshot").ends_with(0);
    let done = account.run("operations list --done --output=ndjson");
    let done: Value = serde_json::from_str(done.stdout.lines().next().unwrap()).unwrap();
    let operation = done["operation"].as_str().unwrap();
    for columns in [60, 80, 120, 200] {
        for (words, code) in READ_BY_PEOPLE {
            let mut all = account.words(&words.replace("OPERATION", operation));
            all.extend(["--config".to_owned(), account.rotating.path.clone()]);
            let mut environment = account.rotating.environment();
            environment.push(("NO_COLOR", "1"));
            let run = Terminal::new(columns).run(PROGRAM, &all, environment);
            let text = run.text();
            assert_eq!(run.code, Some(code), "{columns} {words}\n{text}");
            let allowed = match words {
                "plan" => rows_of_planned_tokens(&run.raw, columns),
                _ => 0,
            };
            assert!(run.wrapped_rows() <= allowed, "{columns} {words}\n{text}");
            for character in ['\u{202e}', '\u{200b}', '\u{200d}'] {
                assert!(!run.raw.contains(character), "{columns} {words}\n{text}");
            }
        }
    }
}
