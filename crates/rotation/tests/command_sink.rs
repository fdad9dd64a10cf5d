//! The sink that is a program keeps the laws, and what is special about it.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use support::{assert_kept, stamp};
use tempfile::TempDir;
use tokenfleet_core::{ErrorKind, Fate, Secret};
use tokenfleet_rotation::sink::laws::{SinkFault, SinkFixture};
use tokenfleet_rotation::sink::{CommandSink, Readable, Refusal, SealedStamp, SecretSink, Version};

const RUN: &str = "cat > \"$0/secret\" && printf %s \"$TOKENFLEET_STAMP\" > \"$0/stamp\"";
const CHECK: &str = "test ! -e \"$0/stamp\" || cat \"$0/stamp\"";

fn shell(script: &str, folder: &Path) -> [String; 4] {
    ["sh", "-c", script, folder.to_str().unwrap()].map(str::to_owned)
}

#[derive(Debug)]
struct Store {
    folder: TempDir,
    is_checked: bool,
}

impl Store {
    fn new(is_checked: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, is_checked }
    }

    fn command(&self, run: &str) -> CommandSink {
        let sink = CommandSink::new(shell(run, self.folder.path())).unwrap();
        if self.is_checked {
            sink.with_check(shell(CHECK, self.folder.path())).unwrap()
        } else {
            sink
        }
    }
}

#[async_trait]
impl SinkFixture for Store {
    fn sink(&self, _adopts: bool) -> Arc<dyn SecretSink> {
        Arc::new(self.command(RUN))
    }

    async fn set(&self, secret: &str) {
        fs::write(self.folder.path().join("secret"), secret).unwrap();
    }

    async fn secret(&self) -> Option<String> {
        fs::read_to_string(self.folder.path().join("secret")).ok()
    }

    fn faulty(&self, fault: SinkFault) -> Option<Arc<dyn SecretSink>> {
        let script = match fault {
            SinkFault::AnswerLost => format!("{RUN}; exit 7"),
            SinkFault::RequestLost => "cat > /dev/null; exit 7".to_owned(),
            _ => return None,
        };
        Some(Arc::new(self.command(&script)))
    }
}

#[tokio::test]
async fn a_command_with_a_check_keeps_the_laws() {
    assert_kept(async || Store::new(true)).await;
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_known_before_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, "#!/bin/sh\ntouch \"$0.ran\"\n").unwrap();
    let written = || {
        [
            script.to_str().unwrap().to_owned(),
            "secret argument".to_owned(),
        ]
    };
    let sink = || CommandSink::new(written()).unwrap();
    for unstartable in [
        sink(),
        CommandSink::new(["no-such-program-of-any-name"]).unwrap(),
        CommandSink::new([folder.path()]).unwrap(),
        CommandSink::new(["true"])
            .unwrap()
            .with_check(["/nowhere/check"])
            .unwrap(),
    ] {
        let error = unstartable.check().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("cannot be started"), "{text}");
        assert!(!text.contains("secret argument"), "{text}");
        assert_eq!(error.fate(), Fate::NotSent);
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&script, mode).unwrap();
    sink().with_check(["true"]).unwrap().check().await.unwrap();
    assert!(!folder.path().join("script.ran").exists(), "it is not run");
}

#[tokio::test]
async fn a_command_without_a_check_keeps_the_laws() {
    assert_kept(async || Store::new(false)).await;
}

#[test]
fn a_command_declares_what_it_can_do() {
    for (is_checked, readable) in [(true, Readable::Stamp), (false, Readable::Nothing)] {
        let capabilities = Store::new(is_checked).command(RUN).capabilities();
        assert_eq!(capabilities.readable, readable);
        assert!(!capabilities.compare_and_swap && !capabilities.keeps_previous);
    }
    let place = |words: [&str; 2]| CommandSink::new(words).unwrap().place().to_owned();
    assert_eq!(place(["push", "a"]), place(["push", "a"]));
    assert_ne!(place(["push", "a"]), place(["push", "b"]));
    assert!(place(["push", "a"]).starts_with("command:push#"));
    CommandSink::new([""; 1]).unwrap_err();
}

/// Writes to a command and returns the error.
async fn failure(sink: &CommandSink) -> tokenfleet_core::Error {
    let expected = Version::new("unknown");
    let secret = Secret::new("Canary-5tX9");
    let error = sink.write(&secret, &expected, &stamp(1)).await.unwrap_err();
    assert!(!format!("{error} {error:#?} {sink:?}").contains("Canary"));
    error
}

#[tokio::test]
async fn a_command_gets_the_secret_and_of_us_only_the_stamp() {
    const OTHER: &str = "TOKENFLEET_OTHER";

    if std::env::var_os(OTHER).is_none() {
        // Once more, as a program that has such a variable.
        let name = "a_command_gets_the_secret_and_of_us_only_the_stamp";
        let test = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(OTHER, "ours")
            .output();
        let output = test.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        return;
    }
    let store = Store::new(false);
    let script =
        "env > \"$0/environment\"; printf '%s ' \"$@\" > \"$0/arguments\"; cat > \"$0/secret\"";
    let sink = store.command(script).without_variables(["PWD", "HOME"]);
    let secret = Secret::new("Canary-5tX9");
    sink.write(&secret, &Version::new("unknown"), &stamp(4))
        .await
        .unwrap();
    let read = |name: &str| fs::read_to_string(store.folder.path().join(name)).unwrap();
    assert_eq!(read("secret"), "Canary-5tX9");
    assert!(!read("arguments").contains("Canary"));
    let environment = read("environment");
    assert!(!environment.contains("Canary"));
    assert!(!environment.lines().any(|line| line.starts_with("HOME=")));
    let mut ours: Vec<_> = environment
        .lines()
        .filter(|line| line.starts_with("TOKENFLEET_"))
        .collect();
    ours.sort_unstable();
    let sealed = SealedStamp::new(&stamp(4), &secret);
    let expected_stamp = format!("TOKENFLEET_STAMP={sealed}");
    assert_eq!(
        ours,
        [
            "TOKENFLEET_EPOCH=4",
            "TOKENFLEET_OPERATION=operation-1",
            expected_stamp.as_str(),
            "TOKENFLEET_TOKEN_ID=token-1",
        ]
    );
}

#[tokio::test]
async fn a_command_that_fails_may_have_stored_the_secret() {
    let error =
        failure(&Store::new(false).command("cat > /dev/null; echo Canary >&2; exit 3")).await;
    assert_eq!(error.fate(), Fate::MaybeApplied);
    assert!(error.to_string().contains("exit status: 3"), "{error}");

    let missing = CommandSink::new(["/missing/program"]).unwrap();
    let error = failure(&missing).await;
    assert_eq!(
        (error.fate(), error.kind()),
        (Fate::NotSent, ErrorKind::Other)
    );

    // More than a pipe holds.
    let store = Store::new(false);
    let long = Secret::new("x".repeat(1 << 20));
    let written = store
        .command("exec true")
        .write(&long, &Version::new("unknown"), &stamp(1))
        .await;
    let error = written.unwrap_err();
    assert!(
        error.to_string().contains("did not read the secret"),
        "{error}"
    );
    assert_eq!(error.fate(), Fate::MaybeApplied);
}

/// Returns `true` if the process whose number is in a file of the folder runs.
fn is_running(folder: &Path) -> bool {
    let id = fs::read_to_string(folder.join("process")).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/stat", id.trim()));
    status.is_ok_and(|status| !status.contains(") Z "))
}

async fn eventually(mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it does not happen"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let store = Store::new(false);
    let script = "sleep 600 & echo $! > \"$0/process\"; cat > /dev/null; wait";
    let sink = store.command(script).with_timeout(Duration::from_secs(1));
    let error = failure(&sink).await;
    assert_eq!(error.fate(), Fate::MaybeApplied);
    assert!(
        error.to_string().contains("did not end within 1 s"),
        "{error}"
    );
    eventually(|| !is_running(store.folder.path())).await;
}

#[tokio::test]
async fn a_command_ends_with_the_call_that_waits_for_it() {
    let store = Store::new(false);
    let sink = store.command("sleep 600 & echo $! > \"$0/process\"; wait");
    let written = tokio::spawn(async move {
        let secret = Secret::new("secret");
        sink.write(&secret, &Version::new("unknown"), &stamp(1))
            .await
    });
    let file = store.folder.path().join("process");
    eventually(|| fs::read_to_string(&file).is_ok_and(|id| id.ends_with('\n'))).await;
    written.abort();
    let _ = written.await;
    eventually(|| !is_running(store.folder.path())).await;
}

#[tokio::test]
async fn a_check_prints_a_stamp_or_nothing() {
    let store = Store::new(false);
    let check = |script: &str| {
        let sink = store.command(RUN);
        sink.with_check(shell(script, store.folder.path())).unwrap()
    };
    for (script, text) in [
        ("echo Canary", "prints something else than a stamp"),
        ("yes Canary", "prints more than 64 KiB"),
        ("exit 5", "exit status: 5"),
        ("exec /missing/program", "exit status: 127"),
    ] {
        let error = check(script).read().await.unwrap_err();
        assert!(error.to_string().contains(text), "{script}: {error}");
        assert!(!error.to_string().contains("Canary"), "{error}");
        assert!(!error.may_have_applied(), "{error}");
    }
    let nothing = check("true").read().await.unwrap();
    assert_eq!(nothing.stamp, None);
    // A process that it leaves behind is not waited for.
    let sealed = SealedStamp::new(&stamp(3), &Secret::new("secret"));
    let script = format!("sleep 600 & echo $! > \"$0/process\"; echo '{sealed}'");
    let found = check(&script).read().await.unwrap();
    assert_eq!(found.stamp, Some(stamp(3)));
    assert!(is_running(store.folder.path()));
    let id = fs::read_to_string(store.folder.path().join("process")).unwrap();
    std::process::Command::new("kill")
        .arg(id.trim())
        .status()
        .unwrap();
}

/// A person puts the old secret back and leaves the stamp.
#[tokio::test]
async fn a_check_that_prints_a_digest_proves_what_is_stored() {
    let store = Store::new(false);
    let script = "test ! -e \"$0/stamp\" || { cat \"$0/stamp\"; echo; sha256sum < \"$0/secret\"; }";
    let sink = store
        .command(RUN)
        .with_check(shell(script, store.folder.path()))
        .unwrap();
    let found = sink.read().await.unwrap();
    let written = sink
        .write(&Secret::new("new"), &found.version, &stamp(3))
        .await
        .unwrap();
    let found = sink.read().await.unwrap();
    assert_eq!((found.stamp, &found.version), (Some(stamp(3)), &written));
    store.set("old").await;
    let found = sink.read().await.unwrap();
    assert_eq!(found.stamp, None);
    assert_ne!(found.version, written);
    // The epoch still counts, as in other sinks.
    let refused = sink
        .write(&Secret::new("x"), &found.version, &stamp(2))
        .await;
    assert_eq!(
        Refusal::of(&refused.unwrap_err()),
        Some(Refusal::Superseded)
    );
    assert_eq!(sink.longest_call(), Duration::from_secs(60));
}
