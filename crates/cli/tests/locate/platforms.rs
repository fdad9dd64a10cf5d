//! The tokens of each platform: how they are found, and what their revocation does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::accounts::{Accounts, of};
use crate::support::account::Account;
use crate::support::temporary_file;

/// Sends a request that authenticates with a token at Foreman.
fn use_foreman_token(account: &Account, secret: &str) {
    let url = account.simulate.servers[0]["url"].as_str().unwrap();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let login = base64(format!("admin:{secret}").as_bytes());
    write!(
        stream,
        "GET /api/users/4/personal_access_tokens?per_page=1 HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Basic {login}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

/// Encodes bytes in base64, without padding, which Foreman does not need.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, index| {
            bits << 8 | usize::from(chunk.get(index).copied().unwrap_or_default())
        });
        for letter in 0..=chunk.len() {
            encoded.push(char::from(ALPHABET[(bits >> (18 - 6 * letter)) & 63]));
        }
    }
    encoded
}

#[test]
fn a_losant_token_is_found_by_its_id_and_nobody_else_is_asked() {
    let accounts = Accounts::on_every_platform();
    let (id, secret) = accounts.insert("iot", "leaked");
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(
        whole["shape"],
        json!({"losant": "recognized", "foreman": "impossible", "cloudsmith": "possible",
               "mindbody": "possible"})
    );
    assert_eq!(of(&whole, "iot")["liveness"], "alive");
    assert_eq!(of(&whole, "iot")["token"]["id"], id);
    assert_eq!(of(&whole, "iot")["own_credential"], false);
    for (name, reason) in [
        ("infra", "no token of foreman looks like this"),
        ("packages", "iot (losant) accepts it"),
        ("studio", "iot (losant) accepts it"),
    ] {
        assert_eq!(of(&whole, name)["liveness"], "not_asked");
        assert_eq!(of(&whole, name)["reason"], reason);
        assert_eq!(accounts.statuses(name), [] as [u64; 0], "{name}");
    }
    assert_eq!(whole["revocation"], Value::Null);
    assert_eq!(whole["plan"], Value::Null);
    assert!(accounts.accepts("iot", &secret), "locating changes nothing");
}

#[test]
fn a_losant_token_is_revoked_and_what_it_created_is_named() {
    let mut accounts = Accounts::start(&[("iot", "losant", &[])]);
    let others = accounts.tokens("iot").len();
    let (id, secret) = accounts.insert("iot", "leaked");
    let owner = accounts.variables[0].1.clone();
    accounts.set("iot_TOKEN", &secret);
    let created = accounts.run("", &["create", "--name=child"]).ends_with(0);
    let child = created.json()["id"].as_str().unwrap().to_owned();
    accounts.set("iot_TOKEN", &owner);
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 0).json();
    let revocation = &whole["revocation"];
    assert_eq!(revocation["id"], id);
    assert_eq!(revocation["outcome"], "revoked");
    assert_eq!(revocation["effect"], "deleted");
    assert_eq!(revocation["liveness"], "dead");
    let remains = whole["remains"].as_array().unwrap();
    assert_eq!(remains.len(), 1, "{whole}");
    assert!(remains[0].as_str().unwrap().contains(&child), "{whole}");
    assert!(!accounts.accepts("iot", &secret));
    let alive = accounts.tokens("iot").len();
    assert_eq!(alive, others + 1, "the others and the child");
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 4).json();
    assert_eq!(of(&whole, "iot")["liveness"], "dead");
    assert_eq!(whole["revocation"], Value::Null);
}

#[test]
fn a_token_of_an_application_is_not_claimed_by_the_account_of_a_user() {
    let mut accounts = Accounts::start(&[("user", "losant", &["--option=collection=application"])]);
    let application = accounts
        .text
        .replace("[accounts.user]", "[accounts.application]");
    accounts.text += &application;
    accounts.text += "resource = { application = '575ec8687ae143cd83dc4a97' }\n";
    let (id, secret) = accounts.insert("user", "leaked");
    let whole = accounts.locate(&secret, &[], 0).json();
    let user = of(&whole, "user");
    assert_eq!(user["liveness"], "alive");
    assert_eq!(user["token"], Value::Null);
    assert!(
        user["reason"].as_str().unwrap().contains("another owner's"),
        "{user}"
    );
    assert_eq!(of(&whole, "application")["token"]["id"], id);
    // Without that account, nobody knows whose it is, and nothing is revoked.
    let words = ["--account=user", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &words, 7).json();
    assert_eq!(whole["revocation"], Value::Null);
    assert_eq!(whole["plan"], Value::Null);
    assert!(accounts.accepts("user", &secret));
}

#[test]
fn a_foreman_token_is_found_by_its_last_use_and_revoked_for_one_failed_login() {
    let accounts = Accounts::on_every_platform();
    let (id, secret) = accounts.insert("infra", "leaked");
    let others = accounts.tokens("infra").len() - 1;
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 0).json();
    assert_eq!(of(&whole, "infra")["token"]["id"], id);
    assert_eq!(of(&whole, "infra")["token"]["name"], "leaked");
    let revocation = &whole["revocation"];
    assert_eq!(revocation["account"], "infra");
    assert_eq!(revocation["effect"], "marked");
    assert_eq!(revocation["liveness"], "dead");
    assert!(whole["remains"].to_string().contains("sessions"), "{whole}");
    assert!(!accounts.accepts("infra", &secret));
    assert_eq!(accounts.tokens("infra").len(), others);
    let refused = accounts.statuses("infra").into_iter();
    assert_eq!(refused.filter(|status| *status == 401).count(), 1);
    for name in ["iot", "packages", "studio"] {
        assert_eq!(accounts.statuses(name), [] as [u64; 0], "{name}");
    }
}

#[test]
fn a_dead_foreman_token_costs_one_failed_login_and_the_report_says_so() {
    let mut accounts = Accounts::start(&[("infra", "foreman", &[])]);
    // The same tokens under another name are not asked for again.
    let again = accounts
        .text
        .replace("[accounts.infra]", "[accounts.again]");
    accounts.text += &again;
    let secret = "fCOJb4kIJ9SYtRh4nvxTVg";
    let whole = accounts.locate(secret, &[], 4).json();
    assert_eq!(of(&whole, "infra")["liveness"], "dead");
    let reason = of(&whole, "infra")["reason"].as_str().unwrap();
    assert!(reason.contains("one failed login"), "{reason}");
    assert_eq!(of(&whole, "again")["liveness"], "dead");
    let refused = accounts.statuses("infra").into_iter();
    assert_eq!(refused.filter(|status| *status == 401).count(), 1);
}

#[test]
fn a_foreman_token_is_told_from_the_one_that_the_account_uses() {
    let mut accounts = Accounts::start(&[("infra", "foreman", &[])]);
    let (own_id, own) = accounts.insert("infra", "acting");
    let (id, secret) = accounts.insert("infra", "leaked");
    accounts.set("infra_TOKEN", &own);
    let whole = accounts.locate(&secret, &[], 0).json();
    assert_eq!(of(&whole, "infra")["token"]["id"], id);
    assert_eq!(of(&whole, "infra")["own_credential"], false);
    let whole = accounts.locate(&own, &[], 0).json();
    assert_eq!(of(&whole, "infra")["token"]["id"], own_id);
    assert_eq!(of(&whole, "infra")["own_credential"], true);
    assert!(
        whole["remains"].to_string().contains("another credential"),
        "{whole}"
    );
}

#[test]
fn two_foreman_tokens_in_use_make_a_plan_and_never_a_guess() {
    let accounts = Accounts::start(&[("infra", "foreman", &[])]);
    let (id, secret) = accounts.insert("infra", "leaked");
    let (busy_id, busy) = accounts.insert("infra", "busy");
    let ends = AtomicBool::new(false);
    let whole = thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                use_foreman_token(accounts.account("infra"), &busy);
                thread::sleep(Duration::from_millis(100));
            }
        });
        let words = ["locate", "--secret-env=SECRET", "--revoke", "--yes"];
        let run = accounts.run(&secret, &words);
        ends.store(true, Ordering::Relaxed);
        run.ends_with(7).hiding(&[&secret]).json()
    });
    let infra = of(&whole, "infra");
    assert_eq!(infra["liveness"], "alive");
    assert_eq!(infra["token"], Value::Null);
    assert!(
        infra["reason"].as_str().unwrap().contains("several tokens"),
        "{infra}"
    );
    let plan = whole["plan"].as_str().unwrap();
    let revoked = plan.lines().filter(|line| line.starts_with("revoke "));
    let revoked: Vec<_> = revoked
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(revoked, [&*id, &*busy_id], "{plan}");
    assert!(accounts.accepts("infra", &secret) && accounts.accepts("infra", &busy));
    // The plan is one that `revoke --plan` takes, once somebody has deleted a line.
    let reviewed = plan
        .lines()
        .filter(|line| !line.starts_with(&format!("revoke {busy_id}")));
    let reviewed = temporary_file(&reviewed.collect::<Vec<_>>().join("\n"));
    accounts
        .run("", &["revoke", "--plan", &reviewed, "--yes"])
        .ends_with(0);
    assert!(!accounts.accepts("infra", &secret) && accounts.accepts("infra", &busy));
}

#[test]
fn a_use_that_foreman_shows_late_makes_a_plan_of_all_tokens() {
    let accounts = Accounts::start(&[("infra", "foreman", &[])]);
    let (id, secret) = accounts.insert("infra", "leaked");
    let (other, _) = accounts.insert("infra", "other");
    // No time passes there, so no use is seen after the first one.
    let frozen = json!({"frozen": true}).to_string();
    accounts.account("infra").control("PUT", "/clock", &frozen);
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 7).json();
    let infra = of(&whole, "infra");
    assert_eq!(infra["token"], Value::Null);
    assert!(
        infra["reason"].as_str().unwrap().contains("late"),
        "{infra}"
    );
    let plan = whole["plan"].as_str().unwrap();
    for id in [id, other] {
        assert!(plan.contains(&format!("revoke {id}")), "{plan}");
    }
    assert!(accounts.accepts("infra", &secret));
}

#[test]
fn a_cloudsmith_key_is_found_by_its_user_and_replaced_with_consent() {
    let accounts = Accounts::start(&[
        ("infra", "foreman", &[]),
        ("packages", "cloudsmith", &[]),
        ("other", "cloudsmith", &["--seed=7"]),
    ]);
    let (id, secret) = accounts.tokens("packages").remove(0);
    let named = ["--account=packages", "--account=other", "--account=infra"];
    let whole = accounts.locate(&secret, &named, 0).json();
    assert_eq!(of(&whole, "packages")["token"]["id"], id);
    assert_eq!(of(&whole, "packages")["own_credential"], false);
    assert_eq!(of(&whole, "other")["liveness"], "not_asked");
    assert_eq!(accounts.statuses("infra"), [] as [u64; 0]);
    let words = [&named[..], &["--revoke", "--yes", "--output=json"]].concat();
    let run = accounts.locate(&secret, &words, 2);
    assert!(run.stderr.contains("--accept-replacement"), "{run:?}");
    assert_eq!(of(&run.json(), "packages")["token"]["id"], id);
    assert!(accounts.accepts("packages", &secret));
    let words = [&named[..], &["--revoke", "--yes", "--accept-replacement"]].concat();
    let whole = accounts.locate(&secret, &words, 0).json();
    assert_eq!(whole["revocation"]["effect"], "replaced");
    assert_eq!(whole["revocation"]["liveness"], "dead");
    let replacement = whole["revocation"]["replacement"]["secret"]
        .as_str()
        .unwrap();
    assert!(!accounts.accepts("packages", &secret));
    assert!(accounts.accepts("packages", replacement));
}

#[test]
fn a_mindbody_token_cannot_be_verified_and_is_revoked_by_its_secret() {
    let accounts = Accounts::on_every_platform();
    let (_, secret) = accounts.insert("studio", "leaked");
    // Nobody sees from the secret that it is one of Mindbody's.
    let whole = accounts.locate(&secret, &["--revoke", "--yes"], 6).json();
    assert_eq!(of(&whole, "studio")["liveness"], "not_asked");
    assert_eq!(whole["revocation"], Value::Null);
    assert!(accounts.accepts("studio", &secret));
    let named = ["iot", "infra", "packages", "studio"].map(|name| format!("--account={name}"));
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    let whole = accounts.locate(&secret, &named, 7).json();
    assert_eq!(of(&whole, "studio")["liveness"], "unknown");
    assert_eq!(of(&whole, "packages")["liveness"], "dead");
    assert_eq!(accounts.statuses("studio"), [] as [u64; 0]);
    assert_eq!(accounts.statuses("iot"), [] as [u64; 0]);
    assert_eq!(accounts.statuses("infra"), [] as [u64; 0]);
    let revoke = ["--account=studio", "--revoke", "--yes"];
    let whole = accounts.locate(&secret, &revoke, 0).json();
    assert_eq!(whole["revocation"]["account"], "studio");
    assert_eq!(whole["revocation"]["outcome"], "revoked");
    assert!(!accounts.accepts("studio", &secret));
    // Mindbody cannot tell a dead token from a wrong one.
    let run = accounts.locate(&secret, &revoke, 7);
    assert_eq!(run.json()["revocation"]["outcome"], "unknown");
}
