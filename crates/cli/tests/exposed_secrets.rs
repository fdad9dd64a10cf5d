//! Secrets that were typed in the place of a name or an id.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;

use support::account::Account;
use support::temporary_file;

/// A token of Foreman: 16 random bytes in base64url.
const FOREMAN_TOKEN: &str = "fCOJb4kIJ9SYtRh4nvxTVg";

/// Two accounts, of which the first one has the platform.
fn accounts() -> Account {
    let mut account = Account::new("losant");
    let text = fs::read_to_string(&account.path).unwrap();
    let infra = "[accounts.infra]\nprovider = 'foreman'\nbase_url = 'http://127.0.0.1:9'\n\
                 login = 'admin'\nuser_id = '4'\ntoken = { env = 'INFRA_TOKEN' }\n";
    account.path = temporary_file(&format!("{text}{infra}"));
    let password = "correct horse battery staple".to_owned();
    account.variables.push(("INFRA_TOKEN".to_owned(), password));
    account
}

fn requests(account: &Account) -> u64 {
    account.control("GET", "/log", "")["total"]
        .as_u64()
        .unwrap()
}

#[test]
fn a_secret_in_the_place_of_a_name_or_an_id_is_neither_sent_nor_shown_nor_kept() {
    let account = accounts();
    let before = requests(&account);
    let own = account.variables.iter().map(|(_, secret)| &**secret);
    for secret in own.chain([FOREMAN_TOKEN]) {
        for words in [
            &["create", "--name"][..],
            &["create", "--name=ci", "--description"],
            &["update", "1", "--name"],
            &["update", "--description=x"],
            &["annotate", "--owner=me"],
            &["annotate", "--owner=me", "--name"],
            &["annotate", "575ec8687ae143cd83dc4a97", "--purpose"],
            &["show"],
            &["rotate", "--yes"],
            &["renew"],
            &["revoke", "--yes"],
            &["list", "--name"],
            &["create", "--name=ci", "--reason"],
        ] {
            for format in ["table", "json"] {
                let chosen = ["--account=mine", "--output", format];
                let words = [words, &[secret], &chosen].concat();
                let run = account.run(&words).ends_with(2);
                let run = run.hiding(&[secret, &secret[..secret.len() / 2]]);
                assert!(run.stderr.contains("nothing was sent"), "{words:?} {run:?}");
                assert!(run.stderr.contains("replace that secret"), "{run:?}");
            }
        }
    }
    assert_eq!(requests(&account), before);
}

#[test]
fn names_and_ids_that_only_resemble_secrets_are_taken() {
    let account = accounts();
    for name in [
        // As long as a token of Foreman, and with such an end.
        "ci-deployment-building",
        "deploy.2026-11-29T20:15:00Z.Production",
        "correct horse",
    ] {
        let words = ["create", "--account=mine", "--name", name];
        let id = account.run(&words).ends_with(0).json()["id"].clone();
        let id = id.as_str().unwrap();
        account.run(&["show", id, "--account=mine"]).ends_with(0);
    }
}
