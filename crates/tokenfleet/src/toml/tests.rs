use crate::Configuration;

fn error_text(text: &str) -> String {
    let error = Configuration::parse(text).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn accounts_keep_the_order_of_the_file() {
    let text = "[accounts.z]\nprovider = 'b'\n\
        [accounts.a]\nprovider = 'a'\n\
        [accounts.m]\nprovider = 'c'";
    let configuration = Configuration::parse(text).unwrap();
    let names: Vec<_> = configuration.accounts().iter().map(|a| a.name()).collect();
    assert_eq!(names, ["z", "a", "m"]);
    assert!(Configuration::parse("").unwrap().accounts().is_empty());
}

#[test]
fn every_mistake_names_its_line_and_shows_no_value() {
    for (text, expected) in [
        (
            "\n[acounts.iot]",
            "line 2: unknown key `acounts`; did you mean `accounts`?",
        ),
        (
            "[querys.stale]",
            "line 1: unknown key `querys`; did you mean `queries`?",
        ),
        (
            "[queries.stale]\nwhere = 'nmae = hunter2'",
            "line 2: queries.stale.where: at character 1: unknown field; did you mean `name`?",
        ),
        (
            "[queries.stale]\nwhere = 'hunter2'",
            "line 2: queries.stale.where: at character 1: unknown field; expected one of name, state, owner, created_at, expiry, last_used, updated_at, id, description, scopes, provider, account, attribute.…, annotation.…",
        ),
        (
            "[queries.stale]\n\nsort = 'id, hunter2'",
            "line 3: queries.stale.sort: at character 5: unknown sort key; expected one of id, name, state, created_at, updated_at, expiry, last_used",
        ),
        (
            "[queries.stale]\nwhre = 'hunter2'",
            "line 2: unknown key `whre` in queries.stale; did you mean `where`?",
        ),
        (
            "[queries.stale]\nlimit = 'hunter2'",
            "line 2: queries.stale.limit must be a whole number",
        ),
        (
            "[transports]",
            "line 1: unknown key `transports`; did you mean `transport`?",
        ),
        (
            "transport = 'hunter2'",
            "line 1: transport must be a table; write [transport]",
        ),
        (
            "accounts = 'hunter2'",
            "line 1: accounts must be a table; write [accounts.NAME]",
        ),
        (
            "[accounts]\niot = 'hunter2'",
            "line 2: accounts.iot must be a table; write [accounts.iot]",
        ),
        (
            "[accounts.iot]\ntoken = 'hunter2'",
            "line 1: missing key `provider` in accounts.iot; write provider = \"…\"",
        ),
        (
            "[accounts.iot]\nprovidr = 'losant'",
            "line 2: unknown key `providr` in accounts.iot; did you mean `provider`?",
        ),
        (
            "[accounts.iot]\nprovider = ['hunter2']",
            "line 2: accounts.iot.provider must be a quoted string",
        ),
        (
            "[accounts.iot]\nprovider = 'a'\nlogin = 'hunter2'\nlogin = 'b'",
            "line 4: duplicate key `login`",
        ),
    ] {
        assert_eq!(error_text(text), expected);
    }
}

#[test]
fn a_syntax_error_names_its_line_and_shows_nothing_of_the_content() {
    for text in [
        "[accounts.iot]\nprovider = 'losant'\ntoken = \"hunter2",
        "[accounts.iot]\nprovider = 'losant'\ntoken = hunter2",
        "[accounts.iot]\nprovider = 'losant'\ntoken: hunter2",
    ] {
        assert!(
            error_text(text).starts_with("line 3: "),
            "{}",
            error_text(text)
        );
    }
    let twice = "[accounts.iot]\nprovider = 'a'\n[accounts.iot]\nprovider = 'b'";
    assert!(error_text(twice).starts_with("line 3: "));
}

#[cfg(unix)]
#[test]
fn a_missing_file_is_named_with_the_cause_and_the_remedy() {
    let error = Configuration::read("there-is-none.toml").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read there-is-none.toml: No such file or directory; create it"
    );
}

#[test]
fn a_credential_in_the_place_of_a_key_or_a_name_is_not_repeated() {
    for text in [
        "hunter2 = 'x'",
        "[hunter2]",
        "[accounts]\nhunter2 = 'x'",
        "[queries]\nhunter2 = 'x'",
        "[accounts.iot]\nhunter2 = 1\nhunter2 = 2",
        "[accounts.iot]\nhunter2 = 1",
    ] {
        error_text(text);
    }
    let configuration = Configuration::parse("[accounts.iot]\nprovider = 'losant'").unwrap();
    for error in [
        configuration.account("hunter2").unwrap_err(),
        configuration.query("hunter2").unwrap_err(),
    ] {
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_without_end_is_given_up() {
    let error = Configuration::read("/dev/zero").unwrap_err().to_string();
    assert_eq!(error, "cannot read /dev/zero: it is larger than 16 MiB");
}

#[test]
fn relative_paths_start_from_the_directory_of_the_file() {
    let directory = std::env::temp_dir().join(format!("tokenfleet-toml-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("tokenfleet.toml");
    let text = "[accounts.iot]\nprovider = 'losant'\ntoken = { file = 'key' }\n\
        [transport]\nauthorities = 'ca.pem'";
    std::fs::write(&path, text).unwrap();
    std::fs::write(directory.join("key"), "secret\r\n").unwrap();
    let configuration = Configuration::read(&path).unwrap();
    let credential = configuration.accounts()[0].credential("token").unwrap();
    let read = futures_util::FutureExt::now_or_never(credential.secret());
    assert_eq!(read.unwrap().unwrap().expose(), "secret");
    let certificate = configuration.transport_settings().file_path("ca.pem");
    assert_eq!(certificate, directory.join("ca.pem"));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn no_typing_error_leaks_a_value_into_an_error_text() {
    let text = "[accounts.iot]\nprovider = \"losant\"\ntoken = \"hunter2\"\nuser_id = 'hunter2'\n";
    let typos = [
        "", "\"", "'", "\\", "=", ".", "[", "]", "{", "}", "#", "\n", ",", "1",
    ];
    for at in 0..text.len() {
        for typo in typos {
            let mistyped = format!("{}{typo}{}", &text[..at], &text[at + 1..]);
            if let Err(error) = Configuration::parse(&mistyped) {
                let error = error.to_string();
                assert!(!error.contains("hunter"), "{mistyped}: {error}");
                assert!(!error.contains('\n'), "{mistyped}: {error}");
            }
        }
    }
}

#[test]
fn settings_of_every_account_are_read_before_the_providers() {
    let configuration = Configuration::parse(
        "[accounts.a]\nprovider = 'p'\ntags = ['production', 'eu']\nread_only = true\n\
         default_expires_in = '30d'\ndefault_scopes = 'all.User.read'\n\
         [accounts.b]\nprovider = 'p'",
    )
    .unwrap();
    let account = configuration.account("a").unwrap();
    assert_eq!(account.tags(), ["production", "eu"]);
    assert!(account.is_read_only());
    let lifetime = std::time::Duration::from_secs(30 * 86_400);
    assert_eq!(account.default_expires_in(), Some(lifetime));
    assert_eq!(account.default_scopes(), ["all.User.read"]);
    account.settings().clone().finish().unwrap();
    let other = configuration.account("b").unwrap();
    assert!(other.tags().is_empty() && !other.is_read_only());
    for (line, expected) in [
        (
            "tags = ['']",
            "line 3: accounts.a.tags contains an empty tag",
        ),
        (
            "read_only = 'yes'",
            "line 3: accounts.a.read_only must be true or false",
        ),
        (
            "default_expires_in = '0d'",
            "line 3: accounts.a.default_expires_in must be a period",
        ),
        (
            "default_expires_in = 30",
            "line 3: accounts.a.default_expires_in must be a period",
        ),
    ] {
        let text = format!("[accounts.a]\nprovider = 'p'\n{line}");
        let error = Configuration::parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_table_of_the_program_is_an_unknown_key_unless_it_is_declared() {
    let text = "[audit]\nfile = 'x'\n[checks.b]\n[checks.a]";
    let error = Configuration::parse(text).unwrap_err().to_string();
    assert!(error.contains("line 1: unknown key `audit`"), "{error}");
    let reader = crate::ConfigurationReader::new()
        .with_table("audit")
        .with_named_tables("checks");
    let configuration = reader.parse(text).unwrap();
    assert_eq!(configuration.table("audit").unwrap().path(), "audit");
    let names: Vec<_> = configuration
        .named_tables("checks")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["b", "a"]);
    assert!(configuration.table("other").is_none());
    for (text, expected) in [
        ("audit = 1", "write [audit]"),
        ("checks = 1", "write [checks.NAME]"),
        ("[chekcs.a]", "did you mean `checks`?"),
    ] {
        let error = reader.parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
