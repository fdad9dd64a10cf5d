use std::time::Duration;

use tokenfleet::ConfigurationReader;
use tokenfleet_rotation::machine::{OldSecret, Preference};

use super::*;

const ACCOUNTS: &str = "
[accounts.iot]
provider = 'losant'
token = { env = 'TOKEN' }
[accounts.infra]
provider = 'losant'
token = { env = 'TOKEN' }
[sinks.ci]
kind = 'file'
path = '/run/{name}'
[sinks.one]
kind = 'file'
path = '/run/one'
[sinks.mine]
kind = 'file'
path = '/run/{account}/x'
";

fn read(text: &str) -> Result<Policies> {
    let reader = ConfigurationReader::new()
        .with_named_tables(tables::SINKS)
        .with_named_tables(tables::POLICIES);
    let configuration = reader.parse(&format!("{ACCOUNTS}{text}"))?;
    Policies::read(&configuration, &Sinks::read(&configuration)?)
}

#[test]
fn a_policy_has_what_its_table_says() {
    let text = r#"
        [policies.ci]
        account = "iot"
        where = "name ^= ci- and state = active"
        rotate_before_expiry = "14d"
        max_age = "90d"
        new_expiry = "120d"
        overlap = "0s"
        soak = "1h"
        rest = "12h"
        max_overlap = "3d"
        strategy = "in_place"
        old_secret = "let_expire"
        sinks = ["ci", "env-file:/srv/.env#X"]
        [policies.plain]
        account = "iot"
        sinks = "one"
    "#;
    let policies = read(text).unwrap();
    let names: Vec<_> = policies
        .for_account("iot")
        .map(ConfiguredPolicy::name)
        .collect();
    assert_eq!(names, ["ci", "plain"]);
    assert_eq!(policies.for_account("infra").count(), 0);
    let policy = policies.named("ci").unwrap();
    let (config, day) = (&policy.config, Duration::from_secs(86_400));
    assert!(policy.has_filter);
    assert_eq!(config.rotate_before_expiry, Some(day * 14));
    assert_eq!(config.max_age, Some(day * 90));
    assert_eq!(config.new_expiry, Some(day * 120));
    assert_eq!(config.overlap, Some(Duration::ZERO));
    assert_eq!(config.soak, Duration::from_secs(3600));
    assert_eq!(config.rest, Some(day / 2));
    assert_eq!(config.max_overlap, day * 3);
    assert_eq!(config.preference, Preference::InPlace);
    assert_eq!(config.old_secret, OldSecret::LetExpire);
    assert_eq!(config.sinks, ["ci/name={name}", "env-file:/srv/.env#X"]);
    let plain = policies.named("plain").unwrap();
    assert!(!plain.has_filter);
    assert_eq!(plain.config.overlap, None);
    let error = policies.named("cii").unwrap_err().to_string();
    assert!(
        error.contains("unknown policy `cii`; did you mean `ci`?"),
        "{error}"
    );
}

#[test]
fn mistakes_are_found_when_the_tables_are_read() {
    let of_iot = "account = 'iot'\nsinks = 'ci'\n";
    for (table, expected) in [
        ("sinks = 'ci'", "missing key `account` in policies.a"),
        (
            "acount = 'iot'",
            "unknown key `acount` in policies.a; did you mean `account`?",
        ),
        (
            "account = 'ito'\nsinks = 'ci'",
            "policies.a.account: unknown account `ito`; did you mean",
        ),
        ("account = 'iot'", "policies.a names no sink"),
        (
            "account = 'iot'\nsinks = 'cii'",
            "policies.a.sinks: unknown sink `cii`; did you mean `ci`?",
        ),
        ("account = 'iot'\nsinks = '/run/ci'", "expected file:PATH"),
        (
            "account = 'iot'\nsinks = 'ci/name=x'",
            "write its name alone",
        ),
        (
            "account = 'iot'\nsinks = ['ci', 'file:/run/{name}']",
            "policies.a writes the same place twice; name each place once",
        ),
        (&format!("{of_iot}where = 'nmae = 1'"), "policies.a.where: "),
        (
            &format!("{of_iot}overlap = 'soon'"),
            "policies.a.overlap must be a period",
        ),
        (
            &format!("{of_iot}max_age = '0s'"),
            "policies.a.max_age must be a period",
        ),
        (
            &format!("{of_iot}max_overlap = '1d'"),
            "has no effect without `rest`",
        ),
        (
            &format!("{of_iot}strategy = 'in-place'"),
            "did you mean `in_place`?",
        ),
        (
            &format!("{of_iot}old_secret = 'keep'"),
            "expected one of let_expire, revoke",
        ),
        (
            &format!("{of_iot}every = '1d'"),
            "unknown key `every` in policies.a",
        ),
    ] {
        let error = read(&format!("[policies.a]\n{table}\n"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{table}: {error}");
        assert!(error.contains("line "), "{table}: {error}");
    }
}

#[test]
fn two_policies_that_write_one_place_are_refused_however_it_is_written() {
    let pair = |one: &str, account: &str, other: &str| {
        read(&format!(
            "[policies.a]\naccount = 'iot'\nsinks = '{one}'\n\
             [policies.b]\naccount = '{account}'\nsinks = '{other}'\n"
        ))
    };
    for (one, account, other) in [
        ("one", "iot", "one"),
        ("one", "infra", "one"),
        ("one", "infra", "file:/run/./one"),
        ("mine", "iot", "file:/run/{account}/x"),
    ] {
        let error = pair(one, account, other).unwrap_err().to_string();
        assert!(
            error.contains("policies.b writes a place that policies.a writes too"),
            "{error}"
        );
    }
    for (one, account, other) in [
        // Tokens of two accounts may have one name.
        ("ci", "infra", "ci"),
        ("ci", "infra", "file:/run/{id}"),
        ("one", "infra", "ci"),
    ] {
        let error = pair(one, account, other).unwrap_err().to_string();
        let expected = "policies.b can write a place that policies.a, of another account";
        assert!(
            error.contains(expected) && error.contains("{account}"),
            "{error}"
        );
    }
    for (one, account, other) in [
        (
            "file:/run/{account}-{name}",
            "infra",
            "file:/run/{account}-{name}",
        ),
        // For each token it is another place.
        ("ci", "iot", "ci"),
        ("mine", "infra", "mine"),
        ("one", "iot", "file:/run/two"),
    ] {
        pair(one, account, other).unwrap();
    }
}
