//! `init`: a configuration that works, from options or from answers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::home::Home;

const CANARY: &str = "canary-5ecret-c0ffee";

const PROVIDERS: [(&str, &[&str]); 4] = [
    ("losant", &[]),
    (
        "foreman",
        &[
            "--base-url=https://foreman.example.com",
            "--set=login=admin",
            "--set=user_id=4",
        ],
    ),
    ("cloudsmith", &[]),
    (
        "mindbody",
        &["--set=site_id=-99", "--set=username=Siteowner"],
    ),
];

#[test]
fn options_write_a_configuration_that_opens_and_is_trusted() {
    for (provider, options) in PROVIDERS {
        let home = Home::new();
        let words = [&["init", "--provider", provider, "--name=mine"], options].concat();
        let run = home.run(&words).ends_with(0);
        assert_eq!(run.json()["account"], "mine");
        assert_eq!(run.stderr, "");
        let path = home.work().join("tokenfleet.toml");
        #[cfg(unix)]
        assert_eq!(support::home::mode(&path), 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# ") && text.contains("[accounts.mine]"),
            "{text}"
        );
        // It may be used at once, whatever address it has.
        let run = home.run(&["capabilities"]).ends_with(0);
        assert_eq!(run.json()["accounts"][0]["provider"], provider);
    }
}

#[test]
fn the_sources_of_credentials_and_other_settings_are_written() {
    let home = Home::new();
    let words = [
        "init",
        "--provider=mindbody",
        "--token-env=OUR_KEY",
        "--password-file=password",
        "--set=site_id=-99",
        "--set=username=Site \"owner\"",
        "--set=attempts=2",
        "--set=no_bearer_prefix=true",
        "--file=below/ours.toml",
    ];
    home.run(&words).ends_with(0);
    let words = ["accounts", "--config=below/ours.toml"];
    let run = home.run(&words).ends_with(0);
    let credentials = &run.json()["accounts"][0]["credentials"];
    assert_eq!(credentials[0]["source"], "env OUR_KEY");
    // Relative to the working directory of the command, not to the file.
    let path = home.work().canonicalize().unwrap().join("password");
    let expected = format!("file {}", path.display());
    assert_eq!(credentials[1]["source"], expected.as_str());
}

#[test]
fn without_a_provider_everything_is_written_and_commented_out() {
    let home = Home::new();
    home.run(&["init"]).ends_with(0);
    let text = std::fs::read_to_string(home.work().join("tokenfleet.toml")).unwrap();
    let all_comments = text
        .lines()
        .all(|line| line.is_empty() || line.starts_with('#'));
    assert!(all_comments, "{text}");
    let run = home.run(&["list"]).ends_with(2);
    assert!(
        run.error_line()
            .contains("tokenfleet.toml: no account is configured"),
        "{run:?}"
    );
}

#[test]
fn nothing_is_overwritten() {
    let home = Home::new();
    home.write("tokenfleet.toml", "# mine\n");
    let run = home.run(&["init", "--provider=losant"]).ends_with(2);
    let expected = "error: tokenfleet.toml exists already; edit it, or write another file with \
                    --file";
    assert_eq!(run.error_line(), expected);
    let text = std::fs::read_to_string(home.work().join("tokenfleet.toml")).unwrap();
    assert_eq!(text, "# mine\n");
}

#[test]
fn a_mistake_is_reported_and_nothing_is_written() {
    let secret = format!("--set=token={CANARY}");
    let variable = format!("--token-env={CANARY}");
    for (words, expected) in [
        (&["--provider=lossant"][..], "did you mean `losant`?"),
        (&["--provider=foreman"], "pass --base-url URL"),
        (
            &["--provider=foreman", "--base-url=https://f.example.com"],
            "foreman needs the login of a user; pass --set login=VALUE",
        ),
        (
            &["--provider=losant", "--base-url=ftp://example.com"],
            "the base URL is neither https nor http",
        ),
        (&["--provider=losant", "--set=tokn=x"], "unknown key `tokn`"),
        (
            &["--provider=losant", "--set=novalue"],
            "the form KEY=VALUE",
        ),
        (&["--provider=losant", &secret], "--token-env"),
        (&["--provider=losant", &variable], "environment variable"),
        (
            &["--provider=losant", "--password-env=X_Y"],
            "takes no password",
        ),
        (
            &["--provider=losant", "--config=x"],
            "--config cannot be used",
        ),
        (
            &["--provider=losant", "--account=x"],
            "--account cannot be used",
        ),
    ] {
        let home = Home::new();
        let words = [&["init"], words].concat();
        let run = home.run(&words).ends_with(2).hiding(&[CANARY]);
        assert!(run.stderr.contains(expected), "{run:?}");
        assert!(!home.work().join("tokenfleet.toml").exists());
    }
    let home = Home::new();
    home.write("a-file", "");
    let run = home
        .run(&["init", "--file=a-file/tokenfleet.toml"])
        .ends_with(1);
    assert!(
        run.error_line()
            .contains("cannot write a-file/tokenfleet.toml"),
        "{run:?}"
    );
}

#[cfg(unix)]
mod on_a_terminal {
    use tokenfleet_tests::{Terminal, TerminalRun};

    use super::*;

    fn ask(home: &Home, answers: &[(&str, &str)], words: &[&str]) -> TerminalRun {
        let file = home.work().join("tokenfleet.toml");
        let words = [&["init", "--file", file.to_str().unwrap()], words].concat();
        let mut terminal = Terminal::new(200);
        for (question, answer) in answers {
            terminal = terminal.with_answer(question, answer);
        }
        let home = home.path().to_str().unwrap();
        let environment = [("HOME", home), ("XDG_STATE_HOME", "")];
        terminal.run(env!("CARGO_BIN_EXE_tokenfleet"), words, environment)
    }

    #[test]
    fn everything_is_asked_that_no_option_says() {
        let home = Home::new();
        let answers = [
            (
                "Provider (losant, foreman, cloudsmith, mindbody): ",
                "formean",
            ),
            ("Choose one of these", ""),
            ("Provider", "foreman"),
            ("Name of the account [foreman]: ", "infra"),
            ("The address of your Foreman: ", "foreman.example.com"),
            (
                "The address of your Foreman: ",
                "https://foreman.example.com",
            ),
            ("The login of a user: ", "admin"),
            ("The number of the user whose tokens are managed: ", "4"),
            ("path of a file [FOREMAN_TOKEN]: ", CANARY),
            ("path of a file [FOREMAN_TOKEN]: ", "~/secret"),
        ];
        let run = ask(&home, &answers, &[]);
        assert_eq!(run.code, Some(0), "{}", run.text());
        assert!(
            run.text().contains("Check it with `tokenfleet doctor "),
            "{}",
            run.text()
        );
        let text = std::fs::read_to_string(home.work().join("tokenfleet.toml")).unwrap();
        assert!(!text.contains(CANARY));
        let run = home.run(&["accounts"]).ends_with(0);
        let account = &run.json()["accounts"][0];
        assert_eq!(account["account"], "infra");
        let expected = "https://foreman.example.com/api/users/4/personal_access_tokens";
        assert_eq!(account["address"], expected);
        let expected = format!("file {}", home.path().join("secret").display());
        assert_eq!(account["credentials"][0]["source"], expected.as_str());
        home.run(&["capabilities"]).ends_with(0);
    }

    #[test]
    fn what_has_a_default_is_answered_by_the_enter_key() {
        let home = Home::new();
        let answers = [
            ("Name of the account [losant]: ", ""),
            ("Address of the platform [https://api.losant.com]: ", ""),
            ("[LOSANT_TOKEN]: ", ""),
        ];
        let run = ask(&home, &answers, &["--provider=losant"]);
        assert_eq!(run.code, Some(0), "{}", run.text());
        let run = home.run(&["accounts"]).ends_with(0);
        let account = &run.json()["accounts"][0];
        assert_eq!(account["address"], "https://api.losant.com/me/tokens");
        assert_eq!(account["credentials"][0]["source"], "env LOSANT_TOKEN");
    }

    #[test]
    fn an_end_of_the_input_writes_nothing() {
        let home = Home::new();
        let run = ask(&home, &[("Provider", "\u{4}")], &[]);
        assert_eq!(run.code, Some(2), "{}", run.text());
        assert!(run.text().contains("nothing was written"), "{}", run.text());
        assert!(!home.work().join("tokenfleet.toml").exists());
    }
}
