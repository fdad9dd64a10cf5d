//! The files that the program reads and writes besides the configuration: changed by one process at
//! a time, and never where a pipe, a device or a file of somebody else has the name.

#![cfg(all(unix, feature = "simulate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::account::Account;
use support::home::{Home, give_away, mode};
use support::{Run, program};
use tempfile::TempDir;

/// The time in which a command that waits for nobody ends, also on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// An account with a configuration in a directory of its own.
struct Place {
    account: Account,
    directory: TempDir,
}

impl Place {
    fn new(settings: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut account = Account::new("losant");
        let path = directory.path().join("tokenfleet.toml");
        let text = fs::read_to_string(&account.path).unwrap();
        let audit = directory.path().join("audit.jsonl");
        let audit = format!("[audit]\nfile = '{}'\n", audit.display());
        fs::write(&path, text + &audit + settings).unwrap();
        account.path = path.to_str().unwrap().to_owned();
        Self { account, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&self, words: &[&str]) -> Child {
        program(&[])
            .args(words)
            .args(["--config", &self.account.path])
            .current_dir(self.directory.path())
            .envs(self.account.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a command that must not wait for anybody.
    fn run(&self, words: &[&str]) -> Run {
        finish(self.start(words), words)
    }
}

fn finish(mut child: Child, words: &[&str]) -> Run {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > SOON {
            child.kill().unwrap();
            panic!("{words:?} waits");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn processes_that_set_variables_at_once_lose_no_secret() {
    let place = Place::new("");
    let children: Vec<_> = (0..8)
        .map(|number| {
            let name = format!("--name=ci-{number}");
            place.start(&["create", &name, "--to", &format!("env-file:.env#T{number}")])
        })
        .collect();
    for child in children {
        finish(child, &["create"]).ends_with(0);
    }
    let text = fs::read_to_string(place.path(".env")).unwrap();
    let mut names: Vec<_> = text
        .lines()
        .map(|line| line.split_once('=').unwrap().0)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["T0", "T1", "T2", "T3", "T4", "T5", "T6", "T7"]);
}

#[test]
fn processes_that_annotate_at_once_lose_no_annotation() {
    let place = Place::new("");
    let children: Vec<_> = (0..12)
        .map(|number| place.start(&["annotate", &format!("ci-{number}"), "--owner=alice"]))
        .collect();
    for child in children {
        finish(child, &["annotate"]).ends_with(0);
    }
    let text = fs::read_to_string(place.path("annotations.toml")).unwrap();
    assert_eq!(text.matches("[[annotation]]").count(), 12, "{text}");
}

#[test]
fn an_environment_file_stays_readable_for_the_group_that_was_chosen() {
    let place = Place::new("");
    let path = place.path(".env");
    for (before, after) in [
        (0o640, 0o640),
        (0o660, 0o640),
        (0o644, 0o600),
        (0o600, 0o600),
    ] {
        fs::write(&path, "A=1\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
        let words = ["create", "--name=ci", "--to=env-file:.env#TOKEN"];
        place.run(&words).ends_with(0);
        assert_eq!(mode(&path) & 0o777, after, "{before:o}");
    }
}

#[test]
fn a_report_never_takes_the_place_of_a_pipe_a_device_or_a_link() {
    let place = Place::new("[checks.old]\nwhere = 'name = x'\n");
    let path = place.path("pipe");
    pipe(&path);
    for words in [
        &["inventory", "--metrics-file=pipe"][..],
        &["check", "--junit=pipe"],
        &["report", "--html=pipe"],
        &["report", "--markdown=pipe"],
        &["report", "--html=page.html", "--csv=pipe"],
    ] {
        let run = place.run(words).ends_with(2);
        assert!(run.stderr.contains("no program reads it"), "{run:?}");
        // Opened for both, so that it waits for nobody.
        let mut reader = File::options().read(true).write(true).open(&path).unwrap();
        place.run(words).ends_with(0);
        assert!(path.symlink_metadata().unwrap().file_type().is_fifo());
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
    }
    // What replaces nothing is refused wherever something is.
    let baseline = ["--waiver-owner=a", "--waiver-reason=b"];
    for taken in ["pipe", "/dev/stdout"] {
        let taken = format!("--write-baseline={taken}");
        let run = place.run(&[&["check", &taken][..], &baseline].concat());
        assert!(run.ends_with(2).stderr.contains("it exists already"));
    }
    symlink("/dev/null", place.path("null")).unwrap();
    place
        .run(&["inventory", "--metrics-file=null"])
        .ends_with(0);
    assert!(place.path("null").is_symlink());
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
    for name in ["file", "later"] {
        symlink(name, place.path("link")).unwrap();
        if name == "file" {
            fs::write(place.path(name), "old").unwrap();
        }
        place
            .run(&["inventory", "--metrics-file=link"])
            .ends_with(0);
        assert!(place.path("link").is_symlink());
        let text = fs::read_to_string(place.path(name)).unwrap();
        assert!(text.contains("tokenfleet_tokens"), "{text}");
        fs::remove_file(place.path("link")).unwrap();
    }
    let run = place.run(&["inventory", "--output=json", "--metrics-file=/dev/stdout"]);
    let run = run.ends_with(0);
    assert!(run.stdout.contains("# HELP tokenfleet_tokens"), "{run:?}");
}

#[test]
fn nobody_waits_for_a_pipe_in_the_place_of_a_file() {
    let place = Place::new("");
    pipe(&place.path("annotations.toml"));
    for words in [
        &["list"][..],
        &["annotate", "x", "--owner=a"],
        &["annotate", "--list"],
    ] {
        let run = place.run(words).ends_with(2);
        assert!(run.error_line().contains("not a regular file"), "{run:?}");
    }
    pipe(&place.path("audit.jsonl"));
    let run = place.run(&["audit"]).ends_with(2);
    assert!(run.error_line().contains("not a regular file"), "{run:?}");
    pipe(&place.path(".env"));
    let words = ["create", "--name=ci", "--to=env-file:.env#TOKEN"];
    let run = place.run(&words).ends_with(2);
    assert!(run.stderr.contains("not a regular file"), "{run:?}");
}

#[test]
fn annotations_that_nobody_named_must_be_the_users_own_and_no_link_is_written_through() {
    let place = Place::new("");
    let file = place.path("annotations.toml");
    fs::write(&file, "[[annotation]]\nid = 'x'\nowner = 'a'\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    for words in [&["list"][..], &["annotate", "x", "--owner=b"]] {
        let run = place.run(words).ends_with(2);
        let line = run.error_line();
        assert!(
            line.contains("chmod go-w") && line.contains("[annotations]"),
            "{line}"
        );
    }
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    place.run(&["list"]).ends_with(0);
    if give_away(&file) {
        let run = place.run(&["list"]).ends_with(2);
        assert!(
            run.error_line().contains("belongs to another user"),
            "{run:?}"
        );
    }
    for target in ["other.toml", "later.toml"] {
        fs::remove_file(&file).unwrap();
        symlink(target, &file).unwrap();
        fs::write(place.path("other.toml"), "").unwrap();
        let run = place.run(&["annotate", "x", "--owner=b"]).ends_with(2);
        assert!(run.error_line().contains("is a link"), "{run:?}");
        assert_eq!(fs::read_to_string(place.path("other.toml")).unwrap(), "");
        assert!(file.is_symlink() && !place.path("later.toml").exists());
    }
    // A file that the configuration names may be one.
    let place = Place::new("[annotations]\nfile = 'link.toml'\n");
    fs::write(place.path("other.toml"), "").unwrap();
    symlink("other.toml", place.path("link.toml")).unwrap();
    place.run(&["annotate", "x", "--owner=b"]).ends_with(0);
    assert!(place.path("link.toml").is_symlink());
    let text = fs::read_to_string(place.path("other.toml")).unwrap();
    assert!(text.contains("id = \"x\""), "{text}");
}

#[test]
fn simulated_platforms_have_no_annotations() {
    let home = Home::new();
    home.write(
        "annotations.toml",
        "[[annotation]]\nname = '*'\nowner = 'alice'\n",
    );
    let run = home
        .run(&["list", "--simulate", "--account=losant"])
        .ends_with(0);
    assert!(!run.stdout.contains("alice"), "{run:?}");
    home.write("annotations.toml", "not valid");
    home.run(&["list", "--simulate", "--account=losant"])
        .ends_with(0);
}

#[test]
fn annotate_honours_or_refuses_every_option_that_selects() {
    let place =
        Place::new("[accounts.other]\nprovider = 'losant'\ntoken = { env = 'X' }\ntags = ['t']\n");
    for option in ["--provider=losant", "--tag=t", "--simulate", "--read-only"] {
        let run = place
            .run(&["annotate", "x", "--owner=a", option])
            .ends_with(2);
        assert!(
            run.error_line()
                .contains("cannot be used with the command annotate"),
            "{run:?}"
        );
        assert!(!place.path("annotations.toml").exists());
    }
    place.run(&["annotate", "all", "--owner=a"]).ends_with(0);
    place
        .run(&["annotate", "x", "--owner=a", "--account=mine"])
        .ends_with(0);
    let mut program = program(&[]);
    program
        .args([
            "annotate",
            "y",
            "--owner=a",
            "--config",
            &place.account.path,
        ])
        .env("TOKENFLEET_ACCOUNT", "other");
    assert!(program.status().unwrap().success());
    let listed = |option: &str| {
        let run = place
            .run(&["annotate", "--list", "--output=csv", option])
            .ends_with(0);
        let lines = run.stdout.lines().skip(1);
        lines
            .map(|line| line.split(",a,").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("--quiet"), ["*,all,", "mine,x,", "other,y,"]);
    assert_eq!(listed("--account=mine"), ["*,all,", "mine,x,"]);
    assert_eq!(listed("--tag=t"), ["*,all,", "other,y,"]);
    assert_eq!(listed("--read-only").len(), 3);
}

#[test]
fn audit_honours_or_refuses_every_option_that_selects() {
    let place = Place::new("");
    place.run(&["create", "--name=ci"]).ends_with(0);
    let log = fs::read_to_string(place.path("audit.jsonl")).unwrap();
    let former = log
        .replace("\"mine\"", "\"former\"")
        .replace("\"losant\"", "\"foreman\"");
    let former = former.replace("\"id\":\"", "\"id\":\"f");
    fs::write(place.path("audit.jsonl"), log + &former).unwrap();
    let count = |options: &[&str]| {
        let words = [&["audit", "--output=ndjson"], options].concat();
        place.run(&words).ends_with(0).stdout.lines().count()
    };
    assert_eq!(count(&[]), 2);
    // Its account is no longer configured.
    assert_eq!(count(&["--account=former"]), 1);
    assert_eq!(count(&["--account=mine"]), 1);
    assert_eq!(count(&["--provider=foreman"]), 1);
    assert_eq!(count(&["--provider=foreman", "--account=mine"]), 0);
    for (option, reason) in [
        ("--account=mien", "unknown account"),
        ("--account=x*", "no account matches"),
        ("--provider=mindbody", "no account has the provider"),
        ("--tag=t", "cannot be used with the command audit"),
        ("--simulate", "cannot be used with the command audit"),
    ] {
        let run = place.run(&["audit", option]).ends_with(2);
        assert!(run.error_line().contains(reason), "{run:?}");
    }
    let mut program = program(&[]);
    program
        .args(["audit", "--output=ndjson", "--config", &place.account.path])
        .env("TOKENFLEET_ACCOUNT", "former");
    let stdout = program.output().unwrap().stdout;
    assert_eq!(String::from_utf8(stdout).unwrap().lines().count(), 1);
}

#[test]
fn a_variable_that_is_no_text_does_not_select_every_account() {
    let place = Place::new("");
    for words in [
        &["list"][..],
        &["accounts"],
        &["audit"],
        &["annotate", "x", "--owner=a"],
    ] {
        let mut program = program(&[]);
        program
            .args(words)
            .args(["--config", &place.account.path])
            .envs(place.account.variables.iter().cloned())
            .env("TOKENFLEET_ACCOUNT", OsStr::from_bytes(b"\xff"));
        let output = program.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {error}");
        assert!(
            error.contains("TOKENFLEET_ACCOUNT is not valid UTF-8"),
            "{error}"
        );
    }
}
