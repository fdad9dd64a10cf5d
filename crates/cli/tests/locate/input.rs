//! The command, the secret that it is given, and the question before a revocation.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
#[cfg(unix)]
use tokenfleet_tests::Terminal;

use crate::accounts::{Accounts, of};
use crate::support::{Run, program, temporary_file};

#[test]
fn what_is_wrong_with_the_command_is_said_before_anything_is_sent() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    for (secret, words, expected) in [
        (&*secret, &["--revoke"][..], "confirm with --yes"),
        (&secret, &["--yes"], "--revoke"),
        (&secret, &["--secret-file=x"], "cannot be used with"),
        ("Bearer abcdefgh", &[], "begins with \"Bearer\""),
        ("****************", &[], "is a mask"),
    ] {
        let run = accounts.locate(secret, words, 2);
        assert!(run.stderr.contains(expected), "{run:?}");
    }
    let run = accounts.run("", &["locate"]).ends_with(2);
    assert!(run.stderr.contains("--secret-file"), "{run:?}");
    assert_eq!(accounts.statuses("packages"), [] as [u64; 0]);
}

#[test]
fn a_secret_is_taken_from_a_pipe() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[])]);
    let (id, secret) = accounts.tokens("packages").remove(0);
    let path = temporary_file(&accounts.text);
    let mut program = program(&[])
        .args(["locate", "--account=packages", "--config", &path])
        .envs(accounts.variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = program.stdin.take().unwrap();
    writeln!(pipe, "{secret}").unwrap();
    drop(pipe);
    let output = program.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(of(&whole, "packages")["token"]["id"], id);
}

#[cfg(unix)]
#[test]
fn a_question_is_answered_after_it_is_asked_and_names_the_own_credential() {
    let mut accounts = Accounts::start(&[("infra", "foreman", &[])]);
    let (_, own) = accounts.insert("infra", "acting");
    accounts.set("infra_TOKEN", &own);
    let path = temporary_file(&own);
    let words = ["--secret-file", &path, "--revoke"];
    // The file is readable by others, which is noticed first.
    let answers = [("other users can read", "y"), ("[y/N]", "n")];
    let run = accounts.locate_on_terminal("", &words, &answers);
    assert_eq!(run.code, Some(2), "{}", run.text());
    assert!(run.raw.contains("not confirmed"), "{}", run.text());
    assert!(accounts.accepts("infra", &own));
    let question = run.raw.split("[y/N]").next().unwrap();
    assert!(
        question.contains("infra (foreman) authenticates with this token"),
        "{}",
        run.text()
    );
}

#[cfg(unix)]
#[test]
fn a_secret_on_standard_input_leaves_the_terminal_for_the_answer() {
    let accounts = Accounts::start(&[("iot", "losant", &[])]);
    let (_, secret) = accounts.insert("iot", "leaked");
    let own = accounts.variables.iter();
    let mut variables: Vec<_> = own.map(|(name, value)| (&**name, &**value)).collect();
    variables.push(("SECRET", &secret));
    variables.push(("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR")));
    let path = temporary_file(&accounts.text);
    let program = env!("CARGO_BIN_EXE_tokenfleet");
    let script = format!("printf %s \"$SECRET\" | '{program}' locate --revoke --config '{path}'");
    for (answer, is_alive) in [("n", true), ("y", false)] {
        let terminal = Terminal::new(250).with_answer("[y/N]", answer);
        let run = terminal.run("sh", ["-c", &*script], variables.iter().copied());
        assert_eq!(
            run.code,
            Some(if is_alive { 2 } else { 0 }),
            "{}",
            run.text()
        );
        assert_eq!(accounts.accepts("iot", &secret), is_alive, "{}", run.text());
    }
    // The null device has no answer, and says that nobody is to be asked.
    let script = format!("'{program}' operations resume --all --config '{path}' < /dev/null");
    let run = Terminal::new(250).run("sh", ["-c", &*script], variables);
    assert_eq!(run.code, Some(2), "{}", run.text());
    assert!(run.raw.contains("confirm with --yes"), "{}", run.text());
}

#[test]
fn several_lines_are_refused_and_not_shown() {
    let accounts = Accounts::start(&[("iot", "losant", &[])]);
    let (_, first) = accounts.insert("iot", "first");
    let (id, second) = accounts.insert("iot", "second");
    let path = temporary_file(&accounts.text);
    let run = |file: &str, text: &str, code: i32| {
        let mut program = program(&["locate", "--secret-file", file, "--config", &path])
            .envs(accounts.variables.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = program.stdin.take().unwrap();
        write!(pipe, "{text}").unwrap();
        drop(pipe);
        let output = program.wait_with_output().unwrap();
        let run = Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        run.ends_with(code).hiding(&[&first, &second])
    };
    let both = format!("{first}\n\n{second}\n");
    let refused = [run("-", &both, 2), run(&temporary_file(&both), "", 2)];
    for run in refused {
        assert!(run.stderr.contains("2 lines"), "{run:?}");
        assert!(run.stderr.contains("pass each secret alone"), "{run:?}");
    }
    assert_eq!(accounts.statuses("iot"), [] as [u64; 0]);
    let alone = format!("\n{second}\r\n\n");
    for run in [
        run("-", alone.trim_start(), 0),
        run(&temporary_file(&format!("{second}\r\n")), "", 0),
    ] {
        assert_eq!(of(&run.json(), "iot")["token"]["id"], id);
    }
}
