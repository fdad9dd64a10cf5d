//! The commands of the chapter on rotations of `docs/GUIDE.md`, as a reader types them.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::home::Home;

const CHAPTER: &str = "## From a hand-made token to a policy";

/// Returns the blocks of commands of the chapter.
fn blocks() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/GUIDE.md");
    let page = std::fs::read_to_string(file).unwrap();
    let (_, chapter) = page.split_once(CHAPTER).unwrap();
    let chapter = chapter.split("\n## ").next().unwrap();
    let blocks = chapter.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// Returns a shell in which `tokenfleet` is the program.
fn shell(home: &Home, script: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_tokenfleet"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = support::command("sh");
    shell
        .args(["-euc", script])
        .current_dir(home.work())
        .env("HOME", home.path())
        .env("PATH", path);
    shell
}

#[test]
fn a_reader_gets_from_a_hand_made_token_to_a_policy() {
    let home = Home::new();
    let blocks = blocks();
    let (first, rest) = blocks.split_first().unwrap();
    let mut simulator = shell(&home, &format!("exec {first}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !home.work().join("fleet.toml").exists() {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = shell(&home, &rest.concat())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    simulator.kill().unwrap();
    simulator.wait().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:#?}");
    let done = stdout.matches(r#""state":"done""#).count();
    assert_eq!(done, 2, "by hand and by the policy: {stdout}");
    assert_eq!(stdout.matches(r#""state":"active""#).count(), 1, "{stdout}");
    let secret = std::fs::read_to_string(home.work().join("ci-build")).unwrap();
    assert!(!secret.is_empty() && !stdout.contains(&secret));
}
