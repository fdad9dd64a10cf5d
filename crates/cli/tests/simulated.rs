//! The output and the exit codes of the program on simulated accounts.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::Value;
#[cfg(unix)]
use support::run_unread;
use support::{Simulate, temporary_file, tokenfleet, tokenfleet_with_env};

#[test]
fn the_inventory_is_one_table_with_a_line_for_each_account() {
    let run = tokenfleet(&["inventory", "--simulate", "--output", "table"]).ends_with(0);
    let header: Vec<_> = run
        .stdout
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let expected = [
        "provider", "account", "id", "name", "state", "created", "expiry", "last", "used",
    ];
    assert_eq!(header, expected);
    let rows = |platform: &str| {
        let begins = |line: &&str| line.split_whitespace().next() == Some(platform);
        run.stdout.lines().filter(begins).count()
    };
    // One more than there are tokens: the line of the account.
    assert_eq!(rows("losant"), 13);
    assert_eq!(rows("foreman"), 9);
    assert_eq!(rows("cloudsmith"), 2);
    assert_eq!(rows("mindbody"), 1);
    for line in [
        "losant (losant): complete, 12 tokens",
        "foreman (foreman): complete, 8 tokens",
        "cloudsmith (cloudsmith): complete, 1 token",
        "mindbody (mindbody): cannot be listed",
    ] {
        assert!(run.stdout.lines().any(|shown| shown == line), "{line}");
    }
    assert_eq!(run.stderr, "");
}

#[test]
fn what_the_program_prints_is_what_the_library_reads_and_writes() {
    let run = tokenfleet(&["--simulate", "inventory"]).ends_with(0);
    let read: tokenfleet::FleetTokens = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(read.tokens.len(), 21);
    assert_eq!(serde_json::to_value(&read).unwrap(), run.json());
    let run = tokenfleet(&[
        "--simulate",
        "show",
        "000000000000000000000001",
        "--account",
        "losant",
        "--output",
        "json",
    ]);
    let object: Value = serde_json::from_str(run.error_line()).unwrap();
    let error: tokenfleet::Error = serde_json::from_value(object["error"].clone()).unwrap();
    assert_eq!(error.kind().as_str(), "not_found");
    assert!(
        error
            .to_string()
            .starts_with("losant (losant): get failed: "),
        "{error}"
    );
}

#[test]
fn without_a_terminal_the_inventory_is_one_json_object() {
    let run = tokenfleet(&["--simulate", "inventory"]).ends_with(0);
    let whole = run.json();
    assert_eq!(whole["tokens"].as_array().unwrap().len(), 21);
    let token = &whole["tokens"][0];
    for key in [
        "account",
        "provider",
        "id",
        "name",
        "description",
        "state",
        "created_at",
        "updated_at",
        "expiry",
        "last_used",
        "owner",
        "creator",
        "scopes",
        "attributes",
    ] {
        assert!(token.get(key).is_some(), "{key}");
    }
    assert!(token.get("secret").is_none());
    let accounts: Vec<_> = whole["accounts"].as_array().unwrap().iter().collect();
    let complete = |account: &&&Value| account["completeness"] == "complete";
    assert_eq!(accounts.iter().filter(complete).count(), 3);
    assert_eq!(accounts[3]["account"], "mindbody");
    assert_eq!(accounts[3]["completeness"], "not_listable");
    assert_eq!(accounts[0]["count"], 12);
    assert_eq!(accounts[0]["reason"], Value::Null);
}

#[test]
fn lines_of_json_hold_the_tokens_and_then_the_accounts() {
    let run = tokenfleet(&["inventory", "--simulate", "--output=ndjson"]).ends_with(0);
    let lines: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 25);
    assert!(lines[..21].iter().all(|line| line.get("id").is_some()));
    assert!(
        lines[21..]
            .iter()
            .all(|line| line.get("completeness").is_some())
    );
}

#[test]
fn an_order_and_a_limit_hold_over_all_chosen_accounts() {
    let run = tokenfleet(&[
        "list",
        "--simulate",
        "--account=losant",
        "--account=foreman",
        "--sort=created:desc",
        "--limit=5",
        "--offset=1",
    ])
    .ends_with(0);
    let whole = run.json();
    let created: Vec<_> = whole["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["created_at"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(created.len(), 5);
    assert!(created.is_sorted_by(|a, b| a >= b), "{created:?}");
    let counts = whole["accounts"].as_array().unwrap().iter();
    let count: u64 = counts
        .map(|account| account["count"].as_u64().unwrap())
        .sum();
    assert_eq!(count, 5);
}

#[test]
fn conditions_on_state_and_expiry_are_kept() {
    // Only one platform, because the ids of another depend on when it was started.
    let (_simulate, list) = twelve_tokens("");
    let never = list(&["--never-expires"]);
    assert!(!never.is_empty());
    assert!(never.iter().all(|token| token["expiry"]["kind"] == "never"));
    let active = list(&["--state=active"]);
    let others = list(&["--state=suspended", "--state=expired"]);
    assert!(active.iter().all(|token| token["state"] == "active"));
    assert_eq!(active.len() + others.len(), 12);
    let same = list(&["--where=state in (suspended, expired)"]);
    assert_eq!(ids(&same), ids(&others));
    let narrowed = list(&["--where=not expiry is never", "--state=active"]);
    assert!(!narrowed.is_empty() && narrowed.len() < active.len());
}

#[test]
fn a_configured_query_is_used_by_its_name_and_narrowed_by_options() {
    let query = "[queries.first]\nwhere = 'state = active'\nsort = 'name:desc'\nlimit = 3\n";
    let (_simulate, list) = twelve_tokens(query);
    let named = list(&["--query=first"]);
    let written = list(&["--where=state = active", "--sort=name:desc", "--limit=3"]);
    assert_eq!(named.len(), 3);
    assert_eq!(ids(&named), ids(&written));
    assert!(list(&["--query=first", "--where=nothing"]).is_empty());
}

/// Starts a platform with twelve tokens. Returns a function that lists them, with `extra` appended
/// to the configuration.
fn twelve_tokens(extra: &str) -> (Simulate, impl Fn(&[&str]) -> Vec<Value>) {
    let simulate = Simulate::start(&["losant", "--tokens=12"], 1);
    let server = simulate.server("losant");
    let path = temporary_file(&format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = {}\ntoken = {{ env = 'IOT_TOKEN' }}\n{extra}",
        server["url"]
    ));
    let token = server["credentials"]["token"].as_str().unwrap().to_owned();
    let list = move |options: &[&str]| {
        let words = [&["list", "--config", &path], options].concat();
        let run = tokenfleet_with_env(&[("IOT_TOKEN", &token)], &words).ends_with(0);
        run.json()["tokens"].as_array().unwrap().clone()
    };
    (simulate, list)
}

fn ids(tokens: &[Value]) -> Vec<&str> {
    tokens
        .iter()
        .map(|token| token["id"].as_str().unwrap())
        .collect()
}

#[test]
fn a_mistake_in_an_expression_is_reported_with_its_position() {
    let words = ["list", "--simulate", "--account=losant"];
    for (option, expected) in [
        (
            "--where=stat = active",
            "error: --where: at character 1: unknown field; did you mean `state`?",
        ),
        (
            "--query=stale",
            "error: unknown query `stale`; no queries are configured",
        ),
    ] {
        let run = tokenfleet(&[&words[..], &[option]].concat()).ends_with(2);
        assert_eq!(run.error_line(), expected);
    }
    let run = tokenfleet(&["list", "--help"]).ends_with(0);
    let examples = run
        .stdout
        .lines()
        .filter_map(|line| line.split("--where '").nth(1)?.split('\'').next());
    let mut tried = 0;
    for example in examples {
        let option = format!("--where={example}");
        tokenfleet(&[&words[..], &[&option]].concat()).ends_with(0);
        tried += 1;
    }
    assert_eq!(tried, 3, "{}", run.stdout);
}

#[test]
fn rows_of_csv_have_as_many_fields_as_the_header() {
    let words = ["list", "--simulate", "--account=losant", "--output=csv"];
    let run = tokenfleet(&words).ends_with(0);
    let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
    assert_eq!(reader.headers().unwrap().len(), 14);
    assert_eq!(&reader.headers().unwrap()[13], "unreadable");
    assert_eq!(reader.records().map(Result::unwrap).count(), 12);
}

#[test]
fn unsupported_operations_exit_with_five() {
    for words in [
        "list --account=mindbody",
        "update 1 --name=x --account=foreman",
        "rotate 1 --account=losant",
        "rotate --account=mindbody",
        "show 1 --account=cloudsmith",
        "renew --account=foreman",
        "create --name=x --account=cloudsmith",
        "revoke 1 --yes --account=mindbody",
    ] {
        let mut words: Vec<_> = words.split(' ').collect();
        words.push("--simulate");
        tokenfleet(&words).ends_with(5).error_line();
    }
}

#[test]
fn an_invalid_command_line_exits_with_two() {
    for words in [
        "show 1",
        "list --provider=nowhere",
        "list --account=losant --account=losnt",
        "show 1 --account=losant --account=foreman",
        "list --account=losant --sort=colour",
        "list --account=losant --name=a --glob=b",
        "create --account=losant --expires-in=1month",
        "create --account=losant",
        "revoke 1 --account=losant",
        "revoke --account=losant --yes",
        "revoke 1 --account=cloudsmith --yes",
        "revoke 1 --secret-env=PATH --account=mindbody --yes",
        "verify --account=losant",
        "update 1 --account=losant",
        "inventory --config=tokenfleet.toml",
    ] {
        let mut words: Vec<_> = words.split(' ').collect();
        words.push("--simulate");
        let run = tokenfleet(&words).ends_with(2);
        assert_eq!(run.stdout, "", "{words:?}");
        assert!(run.stderr.starts_with("error: "), "{run:?}");
    }
}

#[test]
fn a_mistake_on_the_command_line_is_named_with_the_remedy() {
    for (words, expected) in [
        (
            "show 1",
            "several accounts are configured; choose one with --account: losant, foreman, \
             cloudsmith, mindbody",
        ),
        (
            "list --account=losant --account=losnt",
            "unknown account `losnt`; did you mean `losant`?",
        ),
        (
            "show 1 --account=losant --account=foreman",
            "several accounts are selected; choose one with --account: losant, foreman",
        ),
        (
            "create --account=losant",
            "losant (losant): create failed: the token needs a name; pass it with --name",
        ),
        (
            "update 1 --account=losant",
            "losant (losant): update failed: token 1: the update changes nothing; pass --name, \
             --description, --suspend or --resume",
        ),
        (
            "revoke 1 --account=losant",
            "losant (losant): revoke failed: cannot ask for confirmation without a terminal; \
             confirm with --yes",
        ),
        (
            "revoke 1 --account=cloudsmith --yes",
            "cloudsmith (cloudsmith): revoke failed: token 1: the platform can revoke this secret \
             only by replacing it; accept this with --accept-replacement, and store or discard the \
             new secret",
        ),
        (
            "inventory --config=tokenfleet.toml",
            "--simulate and --config cannot be used together",
        ),
    ] {
        let mut words: Vec<_> = words.split(' ').collect();
        words.push("--simulate");
        let run = tokenfleet(&words).ends_with(2);
        assert_eq!(run.error_line(), format!("error: {expected}"));
    }
}

#[test]
fn a_number_out_of_range_is_an_invalid_value_and_not_an_unknown_option() {
    for (option, number) in [
        ("--limit", "-1"),
        ("--offset", "-1"),
        ("--page-size", "-1"),
        ("--page-size", "0"),
        ("--max-concurrency", "-1"),
        ("--max-concurrency", "0"),
    ] {
        let words = ["list", "--simulate", "--account=losant", option, number];
        let run = tokenfleet(&words).ends_with(2);
        let expected = format!("error: invalid value '{number}' for '{option} <N>': ");
        assert!(run.stderr.starts_with(&expected), "{run:?}");
    }
}

#[test]
fn errors_are_objects_if_json_is_requested() {
    let run = tokenfleet(&[
        "show",
        "999",
        "--account=foreman",
        "--simulate",
        "--output=json",
    ]);
    let run = run.ends_with(4);
    let object: Value = serde_json::from_str(run.error_line()).unwrap();
    assert_eq!(object["error"]["kind"], "not_found");
    assert_eq!(object["error"]["account"], "foreman");
    assert_eq!(object["error"]["fate"], "rejected");
    let run = tokenfleet(&["list", "--simulate", "--nam=x", "--output=json"]).ends_with(2);
    let object: Value = serde_json::from_str(run.error_line()).unwrap();
    assert_eq!(
        object["error"]["message"],
        "unexpected argument '--nam' found; tip: a similar argument exists: '--name'"
    );
    let run = tokenfleet(&["verify", "--simulate", "--output=json"]).ends_with(2);
    let object: Value = serde_json::from_str(run.error_line()).unwrap();
    assert_eq!(
        object["error"]["message"],
        "the following required arguments were not provided: \
         <--secret-env <NAME>|--secret-file <FILE>>"
    );
}

#[test]
fn control_characters_in_names_are_escaped() {
    let name = "x\u{1b}]0;owned\u{7}\u{9b}31m";
    let create = |format: &str| {
        let run = tokenfleet(&[
            "create",
            "--simulate",
            "--account=losant",
            "--name",
            name,
            "--output",
            format,
        ]);
        run.ends_with(0).stdout
    };
    for format in ["table", "json"] {
        let shown = create(format);
        let is_harmless = |c: char| c == '\n' || !c.is_control();
        assert!(shown.chars().all(is_harmless), "{shown:?}");
    }
    let object: Value = serde_json::from_str(&create("json")).unwrap();
    assert_eq!(object["name"], name);
}

#[test]
fn an_id_may_begin_with_a_dash() {
    let words = ["show", "--account=foreman", "--simulate", "--", "-5"];
    let run = tokenfleet(&words).ends_with(2);
    // The adapter of the platform rejects it, not the command line.
    let line = run.error_line();
    let expected = "error: foreman (foreman): show failed: token -5: ";
    assert!(line.starts_with(expected), "{line}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_not_a_failure() {
    let run = run_unread(&["inventory", "--simulate", "--output=table"]).ends_with(0);
    assert_eq!(run.stderr, "");
}

#[cfg(unix)]
#[test]
fn the_exit_code_is_the_same_if_nobody_reads_the_output() {
    let dead = temporary_file("hunter2");
    for format in ["table", "json", "ndjson", "csv"] {
        for (words, code) in [
            ("verify --account=losant --secret-file=", 8),
            ("reconcile --account=losant --marker=tf-0123456789abcdef", 4),
        ] {
            let words = words.replace("--secret-file=", &format!("--secret-file={dead}"));
            let mut words: Vec<_> = words.split(' ').collect();
            words.extend(["--simulate", "--output", format]);
            run_unread(&words).ends_with(code);
        }
    }
}

#[test]
fn the_scopes_that_a_platform_publishes_are_listed() {
    let words = ["capabilities", "losant", "--scopes", "--simulate"];
    let run = tokenfleet(&words).ends_with(0);
    let whole = run.json();
    let scopes = whole["accounts"][0]["scopes"].as_array().unwrap();
    assert!(scopes.len() >= 500 && scopes.contains(&"all.User.read".into()));
    let run = tokenfleet(&[&words[..], &["--output=csv"]].concat()).ends_with(0);
    assert_eq!(run.stdout.lines().count(), 1 + scopes.len());
    assert!(
        run.stdout.contains("losant,losant,devices.get\n"),
        "{run:?}"
    );
    let run = tokenfleet(&["capabilities", "--scopes", "--simulate"]).ends_with(0);
    let foreman = run.json()["accounts"][1].clone();
    assert_eq!(foreman["account"], "foreman");
    assert_eq!(foreman["scopes"], Value::Null);
    let words = ["capabilities", "mindbody", "--scopes", "--simulate"];
    let run = tokenfleet(&words).ends_with(5);
    assert!(run.stderr.contains("publishes its scopes"), "{run:?}");
}

#[test]
fn capabilities_are_shown_for_one_account_or_all() {
    let all = tokenfleet(&["capabilities", "--simulate"])
        .ends_with(0)
        .json();
    assert_eq!(all["accounts"].as_array().unwrap().len(), 4);
    let one = tokenfleet(&["capabilities", "mindbody", "--simulate"])
        .ends_with(0)
        .json();
    assert_eq!(one["accounts"][0]["list"], Value::Null);
    assert_eq!(one["accounts"][0]["renew"]["at_most"], 7);
    assert_eq!(one["accounts"][0]["revoke"]["needs_consent"], false);
    assert!(one["accounts"][0]["reports"].is_array());
    let run = tokenfleet(&["capabilities", "mindbodi", "--simulate"]).ends_with(2);
    let expected = "error: unknown account `mindbodi`; did you mean `mindbody`?";
    assert_eq!(run.error_line(), expected);
    let words = ["capabilities", "losant", "--account=foreman", "--simulate"];
    let run = tokenfleet(&words).ends_with(2);
    let expected = "error: the account `losant` differs from --account; pass only one of them";
    assert_eq!(run.error_line(), expected);
    let run = tokenfleet(&["capabilities", "--simulate", "--output=ndjson"]).ends_with(0);
    let lines: Vec<Value> = (run.stdout.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    let losant = &lines[0];
    assert_eq!(losant["operations"][1], "show");
    assert_eq!(losant["create"]["suspended"], true);
    assert_eq!(losant["list"]["filtered_by_platform"]["name_exact"], true);
}

#[test]
fn csv_reports_accounts_that_cannot_be_listed_on_standard_error() {
    let run = tokenfleet(&["inventory", "--simulate", "--output=csv"]).ends_with(0);
    assert_eq!(
        run.error_line(),
        "note: mindbody (mindbody): cannot be listed"
    );
}

#[test]
fn an_expiry_in_the_past_or_beyond_all_dates_is_rejected_before_anything_is_sent() {
    let creation = "error: losant (losant): create failed: ";
    for (words, start, end) in [
        (
            "create --name=x --expires-in=0d",
            format!("{creation}the expiry 20"),
            "Z is not in the future",
        ),
        (
            "create --name=x --expires-at=2020-01-01T00:00:00Z",
            format!("{creation}the expiry 2020-01-01T00:00:00Z"),
            " is not in the future",
        ),
        (
            "create --name=x --expires-in=9999999w",
            format!("{creation}69999993 days from now"),
            " is later than any representable date",
        ),
        (
            "list --expires-within=9999999w",
            "error: 69999993 days from now".to_owned(),
            " is later than any representable date",
        ),
    ] {
        let mut words: Vec<_> = words.split(' ').collect();
        words.extend(["--simulate", "--account=losant"]);
        let run = tokenfleet(&words).ends_with(2);
        let line = run.error_line();
        assert!(line.starts_with(&start) && line.ends_with(end), "{line}");
    }
}

#[test]
fn a_secret_where_a_reference_belongs_is_not_repeated() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    for secret in [jwt, "hunter2"] {
        for (option, problem) in [
            (
                "--secret-env",
                "the environment variable of the credential ",
            ),
            ("--secret-file", "the credential file does not exist"),
        ] {
            let words = ["verify", option, secret, "--simulate", "--account=losant"];
            let run = tokenfleet(&words).ends_with(2).hiding(&[secret]);
            let line = run.error_line();
            let start = format!("error: {option}: {problem}");
            let end = "; if you passed the secret itself, replace it, because it was exposed";
            assert!(line.starts_with(&start) && line.ends_with(end), "{line}");
        }
    }
    for format in ["--output=table", "--output=json"] {
        let words = ["verify", jwt, "--simulate", format];
        tokenfleet(&words).ends_with(2).hiding(&[jwt]);
    }
}

#[test]
fn an_account_whose_tokens_the_limit_leaves_out_is_not_shown_as_empty() {
    let words = [
        "list",
        "--simulate",
        "--account=losant",
        "--account=foreman",
    ];
    let words = [&words[..], &["--sort=created", "--limit=2"]].concat();
    let table = [&words[..], &["--output=table"]].concat();
    let run = tokenfleet(&table).ends_with(0);
    assert_eq!(
        run.stdout.matches(" of the 2 asked for").count(),
        2,
        "{run:?}"
    );
    let whole = tokenfleet(&words).ends_with(0).json();
    for account in whole["accounts"].as_array().unwrap() {
        assert_eq!(account["cut_off"], true, "{account}");
    }
    let all = tokenfleet(&["inventory", "--simulate"]).ends_with(0).json();
    assert!(all["accounts"][0].get("cut_off").is_none());
}

#[test]
fn every_line_of_ndjson_says_what_it_is() {
    let run = tokenfleet(&["inventory", "--simulate", "--output=ndjson"]).ends_with(0);
    let mut tokens = 0;
    for line in run.stdout.lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        let kind = if object.get("completeness").is_some() {
            "account"
        } else {
            tokens += 1;
            "token"
        };
        assert_eq!(object["type"], kind, "{line}");
    }
    assert_eq!(tokens, 21);
}

#[test]
fn a_missing_credential_is_noticed_where_nothing_can_be_listed() {
    let path = temporary_file(
        "[accounts.studio]\nprovider = 'mindbody'\nsite_id = -99\nusername = 'owner'\n\
         api_key = { env = 'STUDIO_API_KEY' }\npassword = { env = 'STUDIO_PASSWORD' }",
    );
    let key = ("STUDIO_API_KEY", "key");
    for command in ["inventory", "list"] {
        let run = tokenfleet_with_env(&[key], &[command, "--config", &path]).ends_with(2);
        let expected = "line 6: accounts.studio.password: the environment variable \
                        STUDIO_PASSWORD is not set";
        assert!(run.error_line().contains(expected), "{run:?}");
    }
    let both = [key, ("STUDIO_PASSWORD", "hunter2")];
    tokenfleet_with_env(&both, &["inventory", "--config", &path]).ends_with(0);
}

#[test]
fn capabilities_say_why_an_operation_is_unavailable() {
    let path = temporary_file(
        "[accounts.packages]\nprovider = 'cloudsmith'\napi_key = { env = 'PACKAGES_KEY' }",
    );
    let words = ["capabilities", "--config", &path];
    let object = tokenfleet(&words).ends_with(0).json();
    let reason = object["accounts"][0]["unavailable"]["rotate"].as_str();
    assert!(reason.unwrap().contains("accept_lockout"), "{object}");
    let words = [&words[..], &["--output=table"]].concat();
    let run = tokenfleet(&words).ends_with(0);
    assert!(run.stdout.contains("rotate is unavailable; "), "{run:?}");
}

#[test]
fn a_secret_in_the_place_of_a_word_is_not_repeated() {
    let path = temporary_file("[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'UNSET' }");
    for secret in [
        "hunter2",
        "SK-PrjW98OTY1h8QTY9hUA",
        "Tr0ub4dor&3",
        "correct horse",
    ] {
        let option = format!("--{secret}");
        for words in [
            vec![secret],
            vec!["list", &option],
            vec!["show", secret],
            vec!["update", secret, "--suspend"],
            vec!["revoke", secret, "--yes"],
            vec!["revoke", "--plan", secret, "--yes"],
            vec!["list", "--account", secret],
            vec!["list", "--query", secret],
            vec!["list", "--output", secret],
            vec!["list", "--state", secret],
            vec!["list", "--sort", secret],
            vec!["list", "--where", secret],
            vec!["list", "--limit", secret],
            vec!["list", "--expires-within", secret],
            vec!["reconcile", "--marker", secret],
        ] {
            let words = [words, vec!["--config", &path]].concat();
            tokenfleet(&words).ends_with(2).hiding(&[secret]);
        }
        tokenfleet(&["list", "--config", secret])
            .ends_with(2)
            .hiding(&[secret]);
        tokenfleet(&["renew", secret, "--config", &path])
            .ends_with(5)
            .hiding(&[secret]);
    }
}
