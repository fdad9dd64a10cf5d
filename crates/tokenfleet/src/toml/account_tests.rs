//! Mistakes that are noticed only when the account is opened.

use crate::{Configuration, Registry};

fn error_text(text: &str) -> String {
    let configuration = Configuration::parse(text).unwrap();
    let transport = crate::test_doubles::unused_transport();
    let error = Registry::with_builtin().open(&configuration.accounts()[0], transport);
    let error = error.unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    error
}

#[test]
fn a_mistake_in_an_account_names_its_line() {
    for (provider, keys, expected) in [
        (
            "losant",
            "token = 'hunter2'",
            "line 3: accounts.mine.token is a credential in plain text",
        ),
        (
            "losant",
            "token = ['hunter2']",
            "line 3: accounts.mine.token is a credential in plain text",
        ),
        (
            "losant",
            "token = { env = 1 }",
            "line 3: accounts.mine.token must be { env = \"…\" }, { file = \"…\" }",
        ),
        (
            "losant",
            "token = { env = 'X' }\nbase_url = 1.5",
            "line 4: accounts.mine.base_url must be a quoted string",
        ),
        (
            "lossant",
            "token = 'hunter2'",
            "line 2: unknown provider `lossant`; did you mean `losant`?",
        ),
        (
            "eyJhbGciOiJIUzI1NiJ9.hunter2",
            "",
            "mine ([masked]): line 2: unknown provider `[masked]`; expected one of ",
        ),
        (
            "losant",
            "tokn = { env = 'X' }",
            "line 3: unknown key `tokn` in accounts.mine; did you mean `token`?",
        ),
        (
            "cloudsmith",
            "api_ky = { env = 'X' }",
            "line 3: unknown key `api_ky` in accounts.mine; did you mean `api_key`?",
        ),
        (
            "losant",
            "token = { env = 'X' }\nbase_ulr = 'hunter2'",
            "line 4: unknown key `base_ulr` in accounts.mine; did you mean `base_url`?",
        ),
    ] {
        let text = format!("[accounts.mine]\nprovider = '{provider}'\n{keys}");
        let error = error_text(&text);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_account_has_a_queue_of_its_own_unless_it_names_one() {
    let account = "provider = 'losant'\ntoken = { env = 'X' }";
    let text = format!("[accounts.a]\n{account}\n[accounts.b]\n{account}\nqueue = 'shared'\n");
    let configuration = Configuration::parse(&text).unwrap();
    let accounts = configuration.accounts().iter();
    let queues: Vec<_> = accounts.map(crate::AccountConfiguration::queue).collect();
    assert_eq!(queues, ["a", "shared"]);
    let error = Configuration::parse(&format!("[accounts.a]\n{account}\nqueue = ' '")).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("line 4: accounts.a.queue must be a name"),
        "{text}"
    );
}

#[test]
fn an_account_that_runs_a_command_is_known_before_it_does() {
    let text = "[accounts.a]\nprovider = 'losant'\ntoken = { command = ['pass', 'show', 'x'] }\n\
                [accounts.b]\nprovider = 'losant'\ntoken = { env = 'X' }\n\
                [transport]\nproxy_password = { command = ['pass'] }";
    let configuration = Configuration::parse(text).unwrap();
    let runs: Vec<_> = (configuration.accounts().iter())
        .map(crate::AccountConfiguration::runs_commands)
        .collect();
    assert_eq!(runs, [true, false]);
    assert!(configuration.transport_settings().runs_commands());
    let json = r#"{"accounts": {"a": {"provider": "p", "token": {"command": ["pass"]}}}}"#;
    let configuration: Configuration = serde_json::from_str(json).unwrap();
    assert!(configuration.accounts()[0].runs_commands());
}
