//! Where the configuration is found, whose it may be, and which accounts it selects.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;

use support::home::Home;
use support::{Run, temporary_file};

/// A configuration with one account, which sends nothing to an address of its own.
fn account(name: &str) -> String {
    format!("[accounts.{name}]\nprovider = 'losant'\ntoken = {{ env = 'IOT_TOKEN' }}\n")
}

/// Returns the names of the accounts that the program works with.
fn names(run: Run) -> Vec<String> {
    let accounts = run.ends_with(0).json()["accounts"].clone();
    let accounts = accounts.as_array().unwrap().clone();
    let name = |account: &serde_json::Value| account["account"].as_str().unwrap().to_owned();
    accounts.iter().map(name).collect()
}

#[test]
fn the_option_precedes_the_variable_the_working_directory_and_the_user() {
    let home = Home::new();
    home.write(home.user_file(), &account("user"));
    assert_eq!(names(home.run(&["accounts"])), ["user"]);
    home.write("tokenfleet.toml", &account("directory"));
    assert_eq!(names(home.run(&["accounts"])), ["directory"]);
    let named = home.write("named.toml", &account("variable"));
    let variable = [("TOKENFLEET_CONFIG", named.to_str().unwrap())];
    assert_eq!(names(home.run_with(&variable, &["accounts"])), ["variable"]);
    home.write("option.toml", &account("option"));
    let words = ["accounts", "--config=option.toml"];
    assert_eq!(names(home.run_with(&variable, &words)), ["option"]);
    // An empty variable is one that is not set.
    let unset = [("TOKENFLEET_CONFIG", "")];
    assert_eq!(names(home.run_with(&unset, &["accounts"])), ["directory"]);
    let other = home.path().join("other");
    home.write(other.join("tokenfleet/tokenfleet.toml"), &account("xdg"));
    std::fs::remove_file(home.work().join("tokenfleet.toml")).unwrap();
    let xdg = [("XDG_CONFIG_HOME", other.to_str().unwrap())];
    assert_eq!(names(home.run_with(&xdg, &["accounts"])), ["xdg"]);
}

#[test]
fn a_directory_above_is_not_searched_and_the_error_names_every_place() {
    let home = Home::new();
    home.write("tokenfleet.toml", &account("parent"));
    std::fs::create_dir(home.work().join("below")).unwrap();
    let mut program = home.program(&["list"]);
    let output = program.current_dir(home.work().join("below")).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "error: no configuration found: neither --config nor TOKENFLEET_CONFIG names one, there \
         is no ./tokenfleet.toml, and no {}; create one with `tokenfleet init`, or try --simulate\n",
        home.user_file().display()
    );
    assert_eq!(error, expected);
}

#[test]
fn what_cannot_be_read_is_named_and_no_other_file_takes_its_place() {
    let home = Home::new();
    home.write(home.user_file(), &account("user"));
    let missing = [("TOKENFLEET_CONFIG", "there-is-none.toml")];
    let run = home.run_with(&missing, &["accounts"]).ends_with(2);
    assert!(
        run.error_line().contains("cannot read there-is-none.toml"),
        "{run:?}"
    );
    std::fs::create_dir(home.work().join("tokenfleet.toml")).unwrap();
    let run = home.run(&["accounts"]).ends_with(2);
    let expected = "error: tokenfleet.toml is not a regular file; replace it by a file";
    assert_eq!(run.error_line(), expected);
    std::fs::remove_dir(home.work().join("tokenfleet.toml")).unwrap();
    let directory = home.work();
    let words = ["accounts", "--config", directory.to_str().unwrap()];
    let run = home.run(&words).ends_with(2);
    assert!(run.error_line().contains("directory"), "{run:?}");
    #[cfg(unix)]
    {
        let link = home.work().join("tokenfleet.toml");
        std::os::unix::fs::symlink("nowhere", link).unwrap();
        let run = home.run(&["accounts"]).ends_with(2);
        assert!(
            run.error_line().contains("cannot read tokenfleet.toml"),
            "{run:?}"
        );
    }
}

#[test]
fn an_empty_configuration_is_named() {
    let path = temporary_file("# nothing yet\n");
    for command in ["list", "accounts", "capabilities"] {
        let run = support::tokenfleet(&[command, "--config", &path]).ends_with(2);
        let expected = format!(
            "error: {path}: no account is configured; add a table [accounts.NAME] for each account"
        );
        assert_eq!(run.error_line(), expected);
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_change_is_used_only_if_it_is_named() {
    use support::home::set_mode;

    let home = Home::new();
    let path = home.write("tokenfleet.toml", &account("iot"));
    let work = home.work();
    for (changed, mode, expected) in [
        (path.as_path(), 0o666, "run `chmod go-w tokenfleet.toml`"),
        (&path, 0o620, "run `chmod go-w tokenfleet.toml`"),
        (&work, 0o777, "run `chmod go-w "),
        (&work, 0o775, "so they can replace tokenfleet.toml"),
    ] {
        set_mode(changed, mode);
        for command in ["list", "accounts"] {
            let run = home.run(&[command]).ends_with(2);
            let line = run.error_line();
            assert!(line.contains(expected), "{mode:o}: {line}");
            assert!(
                line.contains("name the configuration with --config"),
                "{line}"
            );
        }
        let words = ["accounts", "--config=tokenfleet.toml"];
        assert_eq!(names(home.run(&words)), ["iot"]);
        set_mode(changed, if changed == path { 0o600 } else { 0o700 });
        assert_eq!(names(home.run(&["accounts"])), ["iot"]);
    }
    // In such a directory everybody replaces only their own files.
    set_mode(&work, 0o1777);
    assert_eq!(names(home.run(&["accounts"])), ["iot"]);
    set_mode(&work, 0o755);
    // The user's own file too.
    std::fs::remove_file(&path).unwrap();
    let path = home.write(home.user_file(), &account("user"));
    set_mode(&path, 0o606);
    home.run(&["accounts"]).ends_with(2);
}

#[cfg(unix)]
#[test]
fn a_file_of_another_user_is_used_only_if_it_is_named() {
    use support::home::give_away;

    let home = Home::new();
    let path = home.write("tokenfleet.toml", &account("iot"));
    let refused = |changed: &Path| {
        let run = home.run(&["accounts"]).ends_with(2);
        let line = run.error_line();
        assert!(
            line.contains("belongs to another user (uid 54321)"),
            "{line}"
        );
        assert!(line.contains("take it over with `chown -h "), "{line}");
        let words = ["accounts", "--config=tokenfleet.toml"];
        assert_eq!(names(home.run(&words)), ["iot"], "{}", changed.display());
    };
    if give_away(&path) {
        refused(&path);
    }
    // A link that another user made leads where that user wants.
    std::fs::remove_file(&path).unwrap();
    let own = home.write("own.toml", &account("iot"));
    std::os::unix::fs::symlink(&own, &path).unwrap();
    assert_eq!(names(home.run(&["accounts"])), ["iot"]);
    if give_away(&path) {
        refused(&path);
    }
    std::fs::remove_file(&path).unwrap();
    home.write("tokenfleet.toml", &account("iot"));
    if give_away(&home.work()) {
        refused(&home.work());
    }
}

#[test]
fn commands_that_need_no_state_work_without_home_and_state() {
    let home = Home::new();
    home.write("tokenfleet.toml", &account("iot"));
    let nowhere = home.write("a-file", "").display().to_string();
    let variables = [
        ("HOME", nowhere.as_str()),
        ("XDG_STATE_HOME", &format!("{nowhere}/state")),
        ("XDG_CONFIG_HOME", &format!("{nowhere}/config")),
    ];
    for words in [
        &["accounts"][..],
        &["capabilities"],
        &["explain"],
        &["--help"],
        #[cfg(feature = "simulate")]
        &["list", "--simulate", "--account=losant"],
    ] {
        home.run_with(&variables, words).ends_with(0);
    }
    std::fs::remove_file(home.work().join("tokenfleet.toml")).unwrap();
    let run = home.run_with(&variables, &["list"]).ends_with(2);
    assert!(
        run.error_line().contains("no configuration found"),
        "{run:?}"
    );
}

#[test]
fn the_variable_selects_accounts_unless_the_option_does() {
    let home = Home::new();
    let text = account("iot") + &account("infra") + &account("spare");
    home.write("tokenfleet.toml", &text);
    for (variable, words, expected) in [
        ("infra", &["accounts"][..], &["infra"][..]),
        (" spare , iot,", &["accounts"], &["spare", "iot"]),
        ("", &["accounts"], &["iot", "infra", "spare"]),
        ("infra", &["accounts", "--account=iot"], &["iot"]),
        ("nobody", &["accounts", "--account=iot"], &["iot"]),
        ("infra", &["capabilities"], &["infra"]),
    ] {
        let run = home.run_with(&[("TOKENFLEET_ACCOUNT", variable)], words);
        assert_eq!(names(run), expected, "{variable:?} {words:?}");
    }
    let run = home.run_with(&[("TOKENFLEET_ACCOUNT", "itt")], &["accounts"]);
    let run = run.ends_with(2);
    let expected = "error: TOKENFLEET_ACCOUNT: unknown account `itt`; did you mean `iot`?";
    assert_eq!(run.error_line(), expected);
    // It names configured accounts, and not simulated ones.
    #[cfg(feature = "simulate")]
    home.run_with(
        &[("TOKENFLEET_ACCOUNT", "iot")],
        &["accounts", "--simulate"],
    )
    .ends_with(0);
}

#[cfg(unix)]
#[test]
fn a_relative_path_in_a_variable_is_ignored_and_that_is_said_once() {
    let home = Home::new();
    home.write(home.user_file(), &account("user"));
    let relative = [
        ("XDG_CONFIG_HOME", "elsewhere"),
        ("XDG_STATE_HOME", "state"),
    ];
    let run = home.run_with(&relative, &["operations"]);
    for (variable, directory) in [
        ("XDG_CONFIG_HOME", ".config/tokenfleet"),
        ("XDG_STATE_HOME", ".local/state/tokenfleet"),
    ] {
        let directory = home.path().join(directory);
        let warning = format!(
            "warning: {variable} is ignored because it is a relative path: {} is used instead",
            directory.display()
        );
        assert_eq!(run.stderr.matches(&warning).count(), 1, "{run:?}");
    }
    assert_eq!(names(home.run_with(&relative, &["accounts"])), ["user"]);
    // Nothing but the working directory says where that is.
    let run = home.run_with(&[("HOME", "..")], &["operations"]);
    assert_eq!(
        run.stderr
            .matches("warning: HOME is a relative path")
            .count(),
        1,
        "{run:?}"
    );
    let run = home.run(&["accounts"]).ends_with(0);
    assert_eq!(run.stderr, "");
}
