use super::*;
use crate::config::Credential;
use crate::error::did_you_mean;
use crate::model::Secret;

#[test]
fn a_misspelled_key_explains_a_missing_one() {
    let mut settings = Settings::new("accounts.iot");
    settings.insert("tokne", Setting::Text("hunter2".into()), Some(3));
    assert!(settings.required_credential("token").is_err());
    assert_eq!(
        settings.misspelled_key().unwrap().to_string(),
        "line 3: unknown key `tokne` in accounts.iot; did you mean `token`?"
    );
}

#[test]
fn a_program_can_pass_a_credential_that_it_holds() {
    let mut settings = Settings::new("accounts.iot");
    let held = Credential::from_secret(Secret::new("hunter2"));
    settings.insert("token", Setting::Credential(held), None);
    assert!(settings.required_credential("token").is_ok());
    assert!(settings.finish().is_ok());
}

/// A platform refuses each of these like a dead token.
#[test]
fn what_no_token_holds_is_refused_where_a_token_belongs_and_not_in_a_password() {
    let directory = std::env::temp_dir();
    let path = directory.join(format!("tokenfleet-token-{}", std::process::id()));
    for (content, problem) in [
        ("\"hunter2\"", "begins with a quotation mark (U+0022)"),
        ("Bearer hunter2", "begins with \"Bearer\""),
        ("TOKEN=hunter2", "contains a character that no token has"),
        ("${TOKEN}", "begins with a character that no token has"),
        ("<your token>", "is a mask or a placeholder"),
        ("hun\u{a0}ter2", "contains a blank (U+00A0)"),
    ] {
        std::fs::write(&path, content).unwrap();
        let file = || table("file", path.to_str().unwrap());
        let command = || {
            let words = ["cat", path.to_str().unwrap()].map(str::to_owned);
            Setting::from([("command", Setting::Texts(words.into()))])
        };
        for source in [file(), command()] {
            let mut settings = Settings::new("accounts.iot");
            settings.insert("token", source.clone(), Some(3));
            settings.insert("password", source, Some(4));
            let token = settings.required_token("token").unwrap();
            let error = futures_executor::block_on(token.secret()).unwrap_err();
            let error = error.to_string();
            assert!(error.starts_with("line 3: accounts.iot.token: "), "{error}");
            assert!(
                error.contains(problem) && !error.contains("ter2"),
                "{error}"
            );
            let password = settings.required_credential("password").unwrap();
            let password = futures_executor::block_on(password.secret()).unwrap();
            assert_eq!(password.expose(), content);
        }
    }
    std::fs::remove_file(path).unwrap();
}

fn table(key: &str, value: &str) -> Setting {
    Setting::from([(key, value)])
}

/// Returns everything that is shown when a credential cannot be read from this value.
fn shown_texts(value: Setting) -> String {
    let mut settings = Settings::new("accounts.iot").with_line(Some(2));
    settings.insert("token", value, Some(3));
    let shown = format!("{settings:?}");
    let error = settings.required_credential("token").unwrap_err();
    format!("{error} {error:?} {shown}")
}

#[test]
fn a_credential_in_plain_text_is_never_repeated() {
    let secret = "SK-PrjW98OTY1h8QTY9hUA";
    for value in [
        Setting::Text(secret.to_owned()),
        table("env", secret),
        table(secret, "x"),
        table("value", secret),
    ] {
        assert_eq!(format!("{value:?}").split('(').nth(1), Some("..)"));
        let text = shown_texts(value);
        assert!(!text.contains("PrjW98"), "{text}");
        assert!(text.starts_with("line 3: accounts.iot.token "), "{text}");
    }
}

#[test]
fn every_error_names_its_line() {
    let mut settings = Settings::new("accounts.iot").with_line(Some(2));
    settings.insert("number", Setting::Boolean(true), Some(4));
    let texts = [
        settings.number("number").unwrap_err().to_string(),
        settings.required_text("name").unwrap_err().to_string(),
        settings
            .required_credential("token")
            .unwrap_err()
            .to_string(),
        settings.place("number"),
        settings.place("name"),
    ];
    assert_eq!(
        texts,
        [
            "line 4: accounts.iot.number must be a whole number",
            "line 2: missing key `name` in accounts.iot; write name = \"…\"",
            "line 2: missing key `token` in accounts.iot; \
             write token = { env = \"…\" } or token = { file = \"…\" }",
            "line 4: accounts.iot.number",
            "line 2: accounts.iot.name",
        ]
    );
}

#[test]
fn a_word_that_would_be_replaced_entirely_is_not_a_misspelling() {
    for word in ["", "x"] {
        assert_eq!(did_you_mean(word, &["a", "id"]), "expected one of a, id");
    }
    assert_eq!(did_you_mean("it", &["id"]), "did you mean `id`?");
}

#[test]
fn an_identifier_may_be_a_number() {
    for (value, expected) in [
        (Setting::Text("4".into()), "4"),
        (Setting::Integer(4), "4"),
        (Setting::Integer(-99), "-99"),
    ] {
        let mut settings = Settings::new("accounts.mine");
        settings.insert("user_id", value, None);
        assert_eq!(settings.required_identifier("user_id").unwrap(), expected);
    }
    let mut settings = Settings::new("accounts.mine");
    assert_eq!(settings.identifier("user_id").unwrap(), None);
    settings.insert("user_id", Setting::Boolean(true), None);
    assert!(settings.identifier("user_id").is_err());
}

#[test]
fn a_version_is_read_as_it_is_written() {
    for (value, expected) in [
        (Setting::Text("3.10".into()), "3.10"),
        (Setting::Decimal("3.10".into()), "3.10"),
        (Setting::Integer(6), "6"),
    ] {
        let mut settings = Settings::new("accounts.mine");
        settings.insert("version", value, None);
        assert_eq!(settings.version("version").unwrap().unwrap(), expected);
    }
    let mut settings = Settings::new("accounts.mine");
    assert_eq!(settings.version("version").unwrap(), None);
    settings.insert("version", Setting::Boolean(true), Some(3));
    let error = settings.version("version").unwrap_err().to_string();
    let expected = "line 3: accounts.mine.version must be a version, such as 3.10 or \"3.10\"";
    assert_eq!(error, expected);
}

#[test]
fn a_key_that_may_be_a_credential_is_not_repeated() {
    for key in ["SK-PrjW98OTY1h8QTY9hUA", "hunter2", "AKIAIOSFODNN7EXAMPLE"] {
        let mut settings = Settings::new("accounts.mine").with_line(Some(1));
        settings.insert(key, Setting::Text("token".into()), Some(2));
        settings.insert("resource", [(key, "x")].into(), Some(3));
        let choice = settings.choice("resource", &["application"]).unwrap_err();
        let unknown = settings.finish().unwrap_err();
        for error in [choice, unknown] {
            let error = error.to_string();
            assert!(error.contains("unknown key in accounts.mine"), "{error}");
            assert!(!error.contains(key), "{error}");
        }
    }
}
