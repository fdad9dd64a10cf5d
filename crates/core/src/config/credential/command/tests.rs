use std::fs;
use std::time::Instant;

use futures_executor::block_on;
use futures_util::future::join;

use super::*;
use crate::config::{Credential, Setting, Settings};

/// A directory that no other test uses, in which commands leave what they did.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Returns a command that counts its runs, waits a moment, and prints their number.
    fn counting(&self) -> Credential {
        let script = "echo x >> \"$0\"; sleep 0.2; echo hunter$(wc -l < \"$0\" | tr -d ' ')";
        Credential::from_command(["sh", "-c", script, &self.path("runs")])
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.path("runs"))
            .unwrap_or_default()
            .lines()
            .count()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn script(script: &str) -> Credential {
    Credential::from_command_with_timeout(["sh", "-c", script], Duration::from_millis(400))
}

fn error_text(credential: &Credential) -> String {
    block_on(credential.secret()).unwrap_err().to_string()
}

#[test]
fn the_first_line_that_a_command_prints_is_the_credential() {
    let credential = script("printf '\\357\\273\\277 hunter2 \\r\\nmore\\n'");
    assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
    let nothing = script("cat; echo hunter2");
    assert_eq!(block_on(nothing.secret()).unwrap().expose(), "hunter2");
}

#[test]
fn a_command_runs_once_until_its_credential_is_refused() {
    let directory = Directory::new("counting");
    let credential = directory.counting();
    let (first, second) = block_on(join(credential.secret(), credential.secret()));
    let first = first.unwrap();
    assert!(first.is_same(&second.unwrap()));
    assert!(block_on(credential.secret()).unwrap().is_same(&first));
    assert_eq!(directory.runs(), 1);
    credential.refused(&Secret::new("another"));
    assert!(block_on(credential.secret()).unwrap().is_same(&first));
    assert_eq!(directory.runs(), 1);
    credential.refused(&first);
    // Whoever was refused with the old one at the same time does not cause another run.
    credential.refused(&first);
    assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
    credential.refused(&first);
    assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
    assert_eq!(directory.runs(), 2);
}

#[test]
fn a_command_that_repeats_a_rejected_credential_is_not_run_for_every_request() {
    let directory = Directory::new("repeating");
    let runs_after = |name: &str, cool_down| {
        let script = "echo x >> \"$0\"; echo hunter2";
        let words = ["sh", "-c", script, &directory.path(name)];
        let mut command = Command::new(words, COMMAND_TIMEOUT, PathBuf::from);
        command.cool_down = cool_down;
        let credential = Printed::new(Arc::new(command), Part::FirstLine);
        for _ in 0..4 {
            let secret = block_on(credential.secret()).unwrap();
            assert_eq!(secret.expose(), "hunter2");
            credential.refused(&secret);
        }
        block_on(credential.secret()).unwrap();
        let runs = fs::read_to_string(directory.path(name)).unwrap();
        runs.lines().count()
    };
    assert_eq!(runs_after("cooling", COOL_DOWN), 2);
    assert_eq!(runs_after("cool", Duration::ZERO), 5);
}

#[test]
fn a_failure_that_nobody_waited_for_is_not_served_to_the_next_reader() {
    let directory = Directory::new("abandoned");
    let flag = directory.path("unlocked");
    for failure in ["exit 3", "exit 0"] {
        let script = format!("test -e \"$0\" || {failure}; echo hunter2");
        let words = ["sh", "-c", &script, &flag];
        let command = Arc::new(Command::new(words, COMMAND_TIMEOUT, PathBuf::from));
        let credential = Printed::new(Arc::clone(&command), Part::FirstLine);
        let mut abandoned = credential.secret();
        let mut context = Context::from_waker(Waker::noop());
        assert!(abandoned.as_mut().poll(&mut context).is_pending());
        drop(abandoned);
        let run = locked(&command.state).current.clone().unwrap();
        while locked(&run.0).result.is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        fs::write(&flag, "").unwrap();
        assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
        fs::remove_file(&flag).unwrap();
    }
}

#[test]
fn readers_are_told_when_the_thread_of_a_run_ends_early_or_never_starts() {
    let run = Arc::new(Run::default());
    let runner = Runner(Arc::clone(&run));
    let waiting = std::thread::spawn(move || {
        let _runner = runner;
        panic!("the thread ends here");
    });
    let read = block_on(poll_fn(|context| run.poll(context, Part::Whole)));
    assert_eq!(read.unwrap_err().0, "cannot be run");
    assert!(waiting.join().is_err());
}

#[test]
fn a_command_has_ended_although_it_leaves_its_output_to_another_process() {
    let directory = Directory::new("agent");
    let agent = directory.path("agent");
    for (text, expected) in [
        ("sleep 3 & echo hunter2", Ok("hunter2")),
        ("setsid sleep 3 & echo hunter2", Ok("hunter2")),
        // Everything that the command itself has printed counts.
        (
            "sleep 3 & head -c 60000 /dev/zero | tr '\\0' x",
            Ok(&*"x".repeat(60_000)),
        ),
        (
            "sleep 3 & echo hunter2; exit 3",
            Err("failed (exit status: 3)"),
        ),
        // The agent does not end with the command.
        (
            "(sleep 0.7; touch AGENT) >/dev/null & echo hunter2",
            Ok("hunter2"),
        ),
    ] {
        let started = Instant::now();
        let credential = script(&text.replace("AGENT", &agent));
        let read = block_on(credential.secret());
        assert!(started.elapsed() < Duration::from_secs(2), "{text}");
        match (read, expected) {
            (Ok(secret), Ok(expected)) => assert_eq!(secret.expose(), expected, "{text}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected)),
            (read, _) => panic!("{text}: {read:?}"),
        }
    }
    let started = Instant::now();
    while !Path::new(&agent).exists() {
        assert!(started.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_failure_is_not_remembered_and_names_the_program_and_its_status_only() {
    let directory = Directory::new("failing");
    let flag = directory.path("unlocked");
    let words = [
        "sh",
        "-c",
        "echo hunter2; echo hunter3 >&2; test -e \"$0\"",
        &flag,
    ];
    let credential = Credential::from_command(words);
    let expected = "the command `sh` failed (exit status: 1); run it yourself to see why: its \
                    output is not shown here";
    assert_eq!(error_text(&credential), expected);
    fs::write(&flag, "").unwrap();
    assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
    assert!(
        !format!("{credential:?}").contains("hunter"),
        "{credential:?}"
    );
    assert!(
        !format!("{credential:?}").contains("unlocked"),
        "{credential:?}"
    );
}

#[test]
fn a_command_is_bounded_in_time_and_output_and_its_group_is_killed() {
    let directory = Directory::new("bounded");
    let alive = directory.path("alive");
    for (text, problem) in [
        ("sleep 20 & wait", "did not end within 0.4 s"),
        ("exec >&-; sleep 20 & wait", "did not end within 0.4 s"),
        ("yes & wait", "prints more than 64 KiB"),
        ("(sleep 1; touch ALIVE) & wait", "did not end within 0.4 s"),
        ("kill -9 $$", "failed (signal: 9"),
        ("exit 3", "failed (exit status: 3)"),
        ("true", "printed a text that is empty"),
        (
            "echo; echo hunter2",
            "printed a text that has an empty first line",
        ),
        ("printf 'hun\\tter2'", "printed a text that contains a tab"),
    ] {
        let started = Instant::now();
        let error = error_text(&script(&text.replace("ALIVE", &alive)));
        assert!(
            error.contains(problem) && !error.contains("hunter"),
            "{text}: {error}"
        );
        assert!(started.elapsed() < Duration::from_secs(10), "{text}");
    }
    std::thread::sleep(Duration::from_millis(1_200));
    assert!(!Path::new(&alive).exists());
}

#[test]
fn a_program_that_may_be_the_credential_is_not_repeated() {
    for pasted in ["SK-PrjW98OTY1h8QTY9hUA", "ab/cd+ef/gh==", "./Hunter2"] {
        let credential = Credential::from_command([pasted]);
        let error = error_text(&credential);
        let expected = "the command does not exist; install it, or correct its path";
        assert_eq!(error, expected);
        assert!(
            !format!("{credential:?}").contains(pasted),
            "{credential:?}"
        );
    }
    let missing = Credential::from_command(["no-such-program"]);
    assert!(error_text(&missing).starts_with("the command `no-such-program` does not exist"));
    assert!(error_text(&Credential::from_command::<&str>([])).starts_with("the command "));
}

#[test]
fn copies_of_settings_share_what_a_command_has_printed() {
    let directory = Directory::new("settings");
    let words = [
        "sh",
        "-c",
        "echo x >> \"$0\"; echo hunter2",
        &directory.path("runs"),
    ];
    let mut settings = Settings::new("accounts.iot");
    settings.insert("token", [("command", Setting::from(words))].into(), Some(3));
    assert!(settings.runs_commands());
    for credential in settings.credentials() {
        assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
    }
    for _ in 0..2 {
        let mut copy = settings.clone();
        let credential = copy.required_credential("token").unwrap();
        assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
        assert!(!copy.runs_commands());
    }
    assert_eq!(directory.runs(), 1);
}

#[test]
fn a_relative_path_of_a_program_starts_from_the_directory_of_the_settings() {
    use std::os::unix::fs::PermissionsExt;

    let directory = Directory::new("relative");
    let program = directory.path("secret.sh");
    fs::write(&program, "#!/bin/sh\necho hunter2\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let mut settings = Settings::new("accounts.iot");
    settings.set_directory(&directory.0);
    settings.insert(
        "token",
        [("command", Setting::from(["./secret.sh"]))].into(),
        None,
    );
    let credential = settings.required_credential("token").unwrap();
    assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
}

#[test]
fn a_timeout_of_a_command_is_a_setting() {
    let text = |text: &str| Setting::from(text);
    let command = || ("command", Setting::from(["sleep", "20"]));
    for (table, expected) in [
        (
            Setting::from([command(), ("timeout", text("1s"))]),
            "did not end within 1 s",
        ),
        (
            Setting::from([command(), ("timeout", text("0s"))]),
            "must be { env",
        ),
        (
            Setting::from([command(), ("env", text("X"))]),
            "must be { env",
        ),
        (Setting::from([("command", text("pass"))]), "must be { env"),
        (
            Setting::from([("command", Setting::Texts(Vec::new()))]),
            "must be { env",
        ),
    ] {
        let mut settings = Settings::new("accounts.iot");
        settings.insert("token", table, Some(3));
        let error = match settings.required_credential("token") {
            Ok(credential) => error_text(&credential),
            Err(error) => error.to_string(),
        };
        assert!(error.starts_with("line 3: accounts.iot.token"), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}
