//! The accounts that are asked about a secret, and those that are not.

use serde_json::{Value, json};

use crate::accounts::{Accounts, NOBODYS, of};
use crate::support::temporary_file;

#[test]
fn the_key_that_an_account_acts_with_is_named_as_such() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &["--option=credential=own"])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(of(&whole, "packages")["own_credential"], true);
    for (format, code) in [("table", 0), ("csv", 0), ("ndjson", 0)] {
        let run = accounts.locate(&secret, &["--output", format], code);
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert!(
            shown.contains("give the account another credential"),
            "{shown}"
        );
    }
    let words = ["--revoke", "--yes", "--accept-replacement", "--output=csv"];
    let run = accounts.locate(&secret, &words, 0);
    let replacement = run.stdout.trim().rsplit(',').next().unwrap();
    assert!(accounts.accepts("packages", replacement), "{run:?}");
}

#[test]
fn nothing_is_sent_where_no_token_looks_so_unless_every_account_is_tried() {
    let accounts = Accounts::start(&[("iot", "losant", &[]), ("infra", "foreman", &[])]);
    let whole = accounts.locate(NOBODYS, &[], 4).json();
    for name in ["iot", "infra"] {
        assert_eq!(of(&whole, name)["liveness"], "not_asked");
        assert_eq!(accounts.statuses(name), [] as [u64; 0]);
    }
    let whole = accounts.locate(NOBODYS, &["--try-all"], 4).json();
    for name in ["iot", "infra"] {
        assert_eq!(of(&whole, name)["liveness"], "dead");
        assert!(!accounts.statuses(name).is_empty());
    }
}

#[test]
fn an_account_that_cannot_be_asked_leaves_the_answer_incomplete() {
    let mut accounts = Accounts::start(&[("iot", "losant", &[])]);
    let dead = Accounts::start(&[("iot", "losant", &["--seed=9"])]);
    let (_, foreign) = dead.insert("iot", "elsewhere");
    let (id, secret) = accounts.insert("iot", "leaked");
    accounts.text += "[accounts.gone]\nprovider = 'losant'\nbase_url = 'http://127.0.0.1:9'\n\
                      token = { env = 'iot_TOKEN' }\nattempts = 1\n";
    let whole = accounts.locate(&foreign, &[], 6).json();
    assert_eq!(of(&whole, "iot")["liveness"], "dead");
    assert_eq!(of(&whole, "gone")["liveness"], "failed");
    assert_eq!(
        whole["remains"],
        json!(["gone (losant) could not be asked"])
    );
    // Once its token is known, nobody else need be asked.
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(of(&whole, "iot")["token"]["id"], id);
    assert_eq!(of(&whole, "gone")["liveness"], "not_asked");
}

#[test]
fn the_own_credential_is_recognized_in_a_file_with_a_line_break() {
    let mut accounts = Accounts::start(&[("packages", "cloudsmith", &["--option=credential=own"])]);
    let (_, secret) = accounts.tokens("packages").remove(0);
    let path = temporary_file(&format!("{secret}\n"));
    let file = format!("{{ file = '{path}' }}");
    accounts.text = (accounts.text).replace("{ env = 'packages_API_KEY' }", &file);
    assert!(accounts.text.contains(&file), "{}", accounts.text);
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(of(&whole, "packages")["own_credential"], true, "{whole}");
}

#[test]
fn a_platform_whose_tokens_look_so_is_asked_before_one_whose_may_look_like_anything() {
    let accounts = Accounts::start(&[("packages", "cloudsmith", &[]), ("iot", "losant", &[])]);
    // A session, which is a JWT without the id of a token.
    let mut variables = accounts.variables.iter();
    let (_, session) = variables.find(|(name, _)| name == "iot_TOKEN").unwrap();
    let whole = accounts.locate(session, &[], 7).json();
    assert_eq!(
        whole["shape"],
        json!({"losant": "possible", "cloudsmith": "possible"})
    );
    assert_eq!(of(&whole, "iot")["liveness"], "alive");
    let packages = of(&whole, "packages");
    assert_eq!(packages["liveness"], "not_asked");
    assert_eq!(packages["reason"], "iot (losant) accepts it");
    assert_eq!(accounts.statuses("packages"), [] as [u64; 0]);
}

#[test]
fn a_secret_of_no_known_form_is_sent_only_where_somebody_says_so() {
    let accounts = Accounts::on_every_platform();
    let whole = accounts.locate(NOBODYS, &[], 6).json();
    for name in ["iot", "infra", "packages", "studio"] {
        assert_eq!(of(&whole, name)["liveness"], "not_asked", "{name}");
        assert_eq!(accounts.statuses(name), [] as [u64; 0], "{name}");
    }
    let remains = whole["remains"].to_string();
    assert!(
        remains.contains("packages (cloudsmith), studio (mindbody) were not asked")
            && remains.contains("--account")
            && remains.contains("--try-all"),
        "{whole}"
    );
    // A pattern names nobody, and neither does the selection of every command.
    let run = accounts.locate(NOBODYS, &["--account=pack*"], 6);
    let remains = run.json()["remains"].to_string();
    assert!(remains.contains("pass --account packages, or"), "{remains}");
    assert_eq!(accounts.statuses("packages"), [] as [u64; 0]);
    let words = ["--account=packages", "--account=studio", "--account=iot"];
    let whole = accounts.locate(NOBODYS, &words, 7).json();
    assert_eq!(of(&whole, "packages")["liveness"], "dead");
    assert_eq!(of(&whole, "studio")["liveness"], "unknown");
    assert_eq!(of(&whole, "iot")["liveness"], "not_asked");
    assert_eq!(accounts.statuses("iot"), [] as [u64; 0]);
}

#[test]
fn an_account_is_asked_about_the_secret_that_it_is_configured_with() {
    let accounts = Accounts::start(&[
        ("other", "cloudsmith", &["--seed=7"]),
        ("packages", "cloudsmith", &["--option=credential=own"]),
    ]);
    let (id, secret) = accounts.tokens("packages").remove(0);
    let whole = accounts.locate(&secret, &[], 0).json();
    let packages = of(&whole, "packages");
    assert_eq!(packages["token"]["id"], id);
    assert_eq!(packages["own_credential"], true);
    let reason = packages["reason"].as_str().unwrap();
    assert!(
        reason.contains("configured with this very secret"),
        "{reason}"
    );
    assert_eq!(accounts.statuses("other"), [] as [u64; 0]);
}

#[test]
fn a_configured_password_is_no_token_and_makes_no_plan() {
    let accounts = Accounts::start(&[("infra", "foreman", &[]), ("iot", "losant", &[])]);
    let mut variables = accounts.variables.iter();
    let (_, password) = variables.find(|(name, _)| name == "infra_TOKEN").unwrap();
    for words in [&["--revoke", "--yes"][..], &["--try-all"]] {
        let words = [&["locate", "--secret-env=SECRET"], words].concat();
        let run = accounts.run(password, &words).ends_with(7);
        let whole = run.hiding(&[password]).json();
        let infra = of(&whole, "infra");
        assert_eq!(infra["own_credential"], true);
        assert_eq!(infra["token"], Value::Null);
        assert!(
            infra["reason"].as_str().unwrap().contains("a password"),
            "{infra}"
        );
        assert_eq!(whole["plan"], Value::Null, "{whole}");
        assert_eq!(whole["revocation"], Value::Null, "{whole}");
        assert!(accounts.accepts("infra", password));
    }
}
