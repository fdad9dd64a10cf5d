//! The program with a provider of one's own has everything that the program has.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Once;

/// Returns a folder for the test of this thread.
fn folder() -> PathBuf {
    let test = std::thread::current().name().unwrap().to_owned();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(test)
}

/// Runs the example with a configuration and the words of a command line.
fn own_program(configuration: &str, words: &[&str]) -> Output {
    let folder = folder();
    std::fs::create_dir_all(folder.join("tokens")).unwrap();
    for name in ["ci", "deploy"] {
        std::fs::write(folder.join("tokens").join(name), "").unwrap();
    }
    let file = folder.join("tokenfleet.toml");
    std::fs::write(&file, configuration).unwrap();
    let mut command = unconfigured_program();
    command.arg("--config").arg(file).args(words);
    command.output().unwrap()
}

/// Returns a command that runs the example.
///
/// It is built with the features of the whole workspace, as `cargo test --workspace` builds it, so
/// that nothing is compiled twice.
fn unconfigured_program() -> Command {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let mut build = Command::new(env!("CARGO"));
        // The variables of this package are a change to some build scripts, after which everything
        // is compiled again.
        for (name, _) in std::env::vars() {
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                build.env_remove(name);
            }
        }
        build.args(["build", "--quiet", "--workspace", "--example"]);
        assert!(build.arg("own_program").status().unwrap().success());
    });
    // This test is in `deps`, beside `examples`.
    let test = std::env::current_exe().unwrap();
    let examples = test.parent().unwrap().with_file_name("examples");
    let program = examples.join(format!("own_program{}", std::env::consts::EXE_SUFFIX));
    // It remembers nothing of an earlier run, in which files of the same names were revoked.
    let state = format!("own_program-{}", std::process::id());
    let mut command = Command::new(program);
    command.env(
        "XDG_STATE_HOME",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(state),
    );
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const ACCOUNT: &str = "[accounts.here]\nprovider = 'directory'\npath = 'tokens'\n";

#[test]
fn its_accounts_are_listed_planned_and_revoked() {
    let listed = own_program(ACCOUNT, &["inventory", "--output", "json"]);
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    for part in [
        r#""provider":"directory","id":"ci""#,
        r#""provider":"directory","completeness":"complete","reason":null,"count":2"#,
    ] {
        assert!(stdout(&listed).contains(part), "{}", stdout(&listed));
    }
    let shown = own_program(ACCOUNT, &["capabilities", "--output", "csv"]);
    assert_eq!(
        stdout(&shown).lines().last(),
        Some("here,directory,yes,yes,no,no,no,no,by id: deleted,no,no")
    );
    let plan = own_program(ACCOUNT, &["plan"]);
    let file = folder().join("plan.txt");
    std::fs::write(&file, &plan.stdout).unwrap();
    let words = ["revoke", "--yes", "--output", "csv", "--plan"];
    let revoked = own_program(
        ACCOUNT,
        &[words.as_slice(), &[file.to_str().unwrap()]].concat(),
    );
    assert_eq!(revoked.status.code(), Some(0), "{}", stderr(&revoked));
    assert!(stdout(&revoked).contains("revoked"), "{}", stdout(&revoked));
    let unsupported = own_program(ACCOUNT, &["create", "--name", "more"]);
    assert_eq!(
        unsupported.status.code(),
        Some(5),
        "{}",
        stderr(&unsupported)
    );
}

#[test]
fn its_plan_is_carried_out_in_no_other_directory() {
    let plan = own_program(ACCOUNT, &["plan"]);
    let file = folder().join("plan.txt");
    std::fs::write(&file, &plan.stdout).unwrap();
    let other = folder().join("others");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("ci"), "").unwrap();
    let words = ["revoke", "--yes", "--plan", file.to_str().unwrap()];
    let output = own_program(&ACCOUNT.replace("'tokens'", "'others'"), &words);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(other.join("ci").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn its_listing_fails_at_a_name_that_is_no_id() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let tokens = folder().join("tokens");
    std::fs::create_dir_all(&tokens).unwrap();
    for name in [b"\xff", b"\xfe"] {
        std::fs::write(tokens.join(OsStr::from_bytes(name)), "").unwrap();
    }
    let output = own_program(ACCOUNT, &["list"]);
    assert_ne!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stderr(&output).contains("not UTF-8"), "{}", stderr(&output));
}

#[test]
fn its_mistakes_in_the_configuration_are_explained() {
    for (mistake, message) in [
        (
            "'directory'",
            "unknown provider `directroy`; did you mean `directory`?",
        ),
        (
            "path",
            "unknown key `paht` in accounts.here; did you mean `path`?",
        ),
    ] {
        let typo = mistake.replace("tor", "tro").replace("path", "paht");
        let output = own_program(&ACCOUNT.replacen(mistake, &typo, 1), &["inventory"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

#[test]
fn its_name_and_version_are_its_own() {
    let output = own_program(ACCOUNT, &["--version"]);
    let expected = concat!("own_program ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(stdout(&output), expected);
    for (words, commands) in [
        (
            &["--help"][..],
            &[
                "Usage: own_program",
                "  own_program inventory\n",
                "$OWN_PROGRAM_CONFIG",
            ][..],
        ),
        (&["help", "create"], &["  own_program create --account"]),
        (&["help", "revoke"], &["`own_program plan`"]),
        (&["help", "plan"], &["`own_program list`"]),
    ] {
        let help = stdout(&own_program(ACCOUNT, words));
        assert!(commands.iter().all(|part| help.contains(part)), "{help}");
        assert!(!help.contains("tokenfleet "), "{help}");
    }
    // Mindbody revokes by secret only.
    let words = ["plan", "--simulate", "--account", "mindbody"];
    let advice = stderr(&unconfigured_program().args(words).output().unwrap());
    assert!(advice.contains("`own_program revoke --"), "{advice}");
}

#[test]
fn its_configuration_is_found_by_its_own_name() {
    let configurations = folder().join("configurations");
    let directory = configurations.join("own_program");
    std::fs::create_dir_all(&directory).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let only_own = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&directory, only_own).unwrap();
    }
    let file = directory.join("tokenfleet.toml");
    // Made anew, so that it is written by nobody else, whatever the umask.
    let _ = std::fs::remove_file(&file);
    std::fs::write(&file, ACCOUNT).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let only_own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&file, only_own).unwrap();
    }
    let accounts = |variable: &str, value: &Path| {
        let mut command = unconfigured_program();
        command
            .env_remove("OWN_PROGRAM_CONFIG")
            .env("XDG_CONFIG_HOME", &configurations);
        command.env(variable, value).arg("accounts");
        command.output().unwrap()
    };
    let found = accounts("TOKENFLEET_CONFIG", Path::new("another-program.toml"));
    assert!(stdout(&found).contains("\"here\""), "{}", stderr(&found));
    let named = accounts("OWN_PROGRAM_CONFIG", Path::new("there-is-none.toml"));
    assert_eq!(named.status.code(), Some(2));
    assert!(
        stderr(&named).contains("there-is-none.toml"),
        "{}",
        stderr(&named)
    );
}
