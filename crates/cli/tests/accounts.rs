//! `accounts`: what is configured, without sending anything and without a credential.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::json;
#[cfg(unix)]
use support::home::Home;
use support::temporary_file;

const CANARY: &str = "canary-5ecret-c0ffee";

const ACCOUNTS: &str = "\
[accounts.iot]
provider = 'losant'
token = { env = 'IOT_TOKEN' }
resource = { application = '575ec8687ae143cd83dc4a97' }
tags = ['production', 'eu']
read_only = true

[accounts.infra]
provider = 'foreman'
base_url = 'https://foreman.example.com'
login = 'admin'
user_id = 4
token = { file = 'password' }

[accounts.studio]
provider = 'mindbody'
site_id = '-99'
username = 'Siteowner'
api_key = { env = 'MINDBODY_API_KEY' }
password = { file = 'password' }
";

#[test]
fn accounts_are_shown_with_addresses_and_sources_of_credentials() {
    let path = temporary_file(ACCOUNTS);
    let directory = std::path::Path::new(&path).parent().unwrap();
    let password = directory.join("password");
    std::fs::write(&password, CANARY).unwrap();
    let variables = [("IOT_TOKEN", CANARY)];
    let words = ["accounts", "--config", &path, "--output=json"];
    let run = support::tokenfleet_with_env(&variables, &words).ends_with(0);
    let expected = json!({"accounts": [
        {
            "account": "iot", "provider": "losant",
            "address": "https://api.losant.com/applications/575ec8687ae143cd83dc4a97/tokens",
            "tags": ["production", "eu"], "read_only": true,
            "credentials": [{"key": "token", "source": "env IOT_TOKEN"}],
        },
        {
            "account": "infra", "provider": "foreman",
            "address": "https://foreman.example.com/api/users/4/personal_access_tokens",
            "tags": [], "read_only": false,
            "credentials": [{"key": "token", "source": format!("file {}", password.display())}],
        },
        {
            "account": "studio", "provider": "mindbody",
            "address": run.json()["accounts"][2]["address"],
            "tags": [], "read_only": false,
            "credentials": [
                {"key": "api_key", "source": "env MINDBODY_API_KEY"},
                {"key": "password", "source": format!("file {}", password.display())},
            ],
        },
    ]});
    assert_eq!(run.json(), expected);
    let run = run.hiding(&[CANARY]);
    assert_eq!(run.stderr, "");

    let words = [
        "accounts",
        "--config",
        &path,
        "--output=csv",
        "--account=iot",
    ];
    let run = support::tokenfleet(&words).ends_with(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "account,provider,address,tags,read_only,credentials"
    );
    assert!(
        lines[1].starts_with("iot,losant,") && lines.len() == 2,
        "{run:?}"
    );
    let words = ["accounts", "--config", &path, "--output=ndjson"];
    assert_eq!(support::tokenfleet(&words).stdout.lines().count(), 3);
}

#[test]
fn an_account_that_cannot_be_opened_is_shown_beside_the_others() {
    let path = temporary_file(&format!("{ACCOUNTS}tokn = 'x'\n"));
    let run = support::tokenfleet(&["accounts", "--config", &path]).ends_with(2);
    assert!(run.error_line().contains("unknown key `tokn`"), "{run:?}");
    assert_eq!(run.json()["accounts"].as_array().unwrap().len(), 3);
    assert_eq!(
        run.json()["accounts"][2]["address"],
        serde_json::Value::Null
    );
}

#[test]
fn a_credential_in_the_wrong_place_is_not_shown() {
    for text in [
        format!("[accounts.iot]\nprovider = '{CANARY}'\n"),
        format!("[accounts.iot]\nprovider = 'losant'\ntoken = '{CANARY}'\n"),
        format!("[accounts.iot]\nprovider = 'losant'\ntoken = {{ env = '{CANARY}' }}\n"),
        format!("[accounts.iot]\nprovider = 'losant'\ntoken = {{ file = '{CANARY}' }}\n"),
        "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'aB3dE5gH7jK9' }\n".to_owned(),
    ] {
        let path = temporary_file(&text);
        for format in ["json", "table", "csv"] {
            let words = ["accounts", "--config", &path, "--output", format];
            let run = support::tokenfleet(&words);
            run.hiding(&[CANARY, "aB3dE5gH7jK9"]);
        }
    }
}

#[cfg(unix)]
#[test]
fn names_are_escaped_on_a_terminal() {
    let home = Home::new();
    let text = ACCOUNTS.replace("[accounts.iot]", "[accounts.\"i\\u001b[31mot\"]");
    let path = home.write("tokenfleet.toml", &text);
    let words = ["accounts", "--config", path.to_str().unwrap()];
    let run = tokenfleet_tests::Terminal::new(200).run(env!("CARGO_BIN_EXE_tokenfleet"), words, []);
    assert_eq!(run.code, Some(0), "{}", run.text());
    assert!(run.text().contains("i\\u{1b}[31mot"), "{}", run.text());
    assert!(
        run.text().contains("token: env IOT_TOKEN"),
        "{}",
        run.text()
    );
}

#[cfg(feature = "simulate")]
#[test]
fn the_simulated_accounts_are_shown_too() {
    let run = support::tokenfleet(&["accounts", "--simulate"]).ends_with(0);
    assert_eq!(run.json()["accounts"][1]["account"], "foreman");
    let words = ["accounts", "--simulate", "--account=losant"];
    let run = support::tokenfleet(&words).ends_with(0);
    assert_eq!(run.json()["accounts"].as_array().unwrap().len(), 1);
}
