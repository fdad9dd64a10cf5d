use tokenfleet::{ConfigurationReader, Fact, Token, TokenId, TokenState};
use tokenfleet_rotation::policy::SinkPlace;
use tokenfleet_rotation::sink::{Readable, Version};

use super::*;
use crate::configuration::NothingSent;

fn configuration(text: &str) -> Configuration {
    let reader = ConfigurationReader::new().with_named_tables(tables::SINKS);
    reader.parse(text).unwrap()
}

fn sinks(text: &str) -> Sinks {
    Sinks::read(&configuration(text)).unwrap()
}

fn token(id: &str, name: &str) -> Token {
    let mut token = Token::new(TokenId::new(id), TokenState::Active);
    token.name = Fact::Known(name.to_owned());
    token
}

fn transport() -> Arc<dyn Transport> {
    Arc::new(NothingSent)
}

fn written(text: &str) -> WrittenPlace {
    text.parse().unwrap()
}

/// Returns a place for a token.
fn place(sinks: &Sinks, place: &str, token: Option<&Token>) -> Result<SinkPlace> {
    SinkPlace::new(&sinks.template(&written(place))?, "iot", token)
}

/// Opens a place for a token as a rotation does: by the text that the ledger keeps.
async fn open(sinks: &Sinks, text: &str, token: &Token) -> Result<Arc<dyn SecretSink>> {
    let kept = place(sinks, text, Some(token))?;
    sinks.open(kept.as_str(), None, &transport()).await
}

const ALL: &str = r#"
[sinks.file]
kind = "file"
path = "/run/secrets/{account}/{name}"

[sinks.env]
kind = "env-file"
path = "/srv/app/.env"
variable = "TOKEN_{id}"
adopt = true

[sinks.deploy]
kind = "command"
run = ["/usr/local/bin/push-secret", "{name}"]
check = ["/usr/local/bin/show-stamp", "--name={name}"]
timeout = "10s"
adopt = true

[sinks.vault]
kind = "kv2"
address = "https://bao.example.com"
mount = "secret"
path = "iot/{name}"
field = "token"
token = { file = "/run/secrets/bao" }

[sinks.tenant]
kind = "kv2"
address = "https://bao.example.com"
namespace = "team"
mount = "secret"
path = "iot"
field = "token"
token = { file = "/run/secrets/bao" }

[sinks.ci]
kind = "kubernetes"
address = "https://10.0.0.1:6443"
namespace = "ci"
name = "losant-{name}"
key = "token"
token = { file = "/run/secrets/kubernetes" }
"#;

#[tokio::test]
async fn a_configured_sink_is_opened_by_what_the_ledger_keeps() {
    let (sinks, token) = (sinks(ALL), token("65f0", "build"));
    for (name, kept, expected) in [
        (
            "file",
            "file/account=iot/name=build",
            "file:/run/secrets/iot/build",
        ),
        ("env", "env/id=65f0", "env-file:/srv/app/.env#TOKEN_65f0"),
        (
            "vault",
            "vault/name=build",
            "kv2:https://bao.example.com/secret/iot/build#token",
        ),
        (
            "tenant",
            "tenant",
            "kv2:https://bao.example.com/team/secret/iot#token",
        ),
        (
            "ci",
            "ci/name=build",
            "kubernetes:https://10.0.0.1:6443/ci/losant-build#token",
        ),
    ] {
        let found = place(&sinks, name, Some(&token)).unwrap();
        assert_eq!(found.as_str(), kept);
        let sink = open(&sinks, name, &token).await.unwrap();
        assert_eq!(sink.place(), expected);
        assert_eq!(sink.capabilities().adopts, name == "env");
    }
    let sink = open(&sinks, "deploy", &token).await.unwrap();
    assert!(
        sink.place()
            .starts_with("command:/usr/local/bin/push-secret#")
    );
    assert_eq!(sink.capabilities().readable, Readable::Stamp);
}

#[tokio::test]
async fn a_place_of_the_command_line_is_the_same_place_everywhere() {
    let (sinks, token) = (sinks(ALL), token("65f0", "build"));
    for (text, kept) in [
        ("file:/run/a/./{name}", "file:/run/a/build"),
        ("env-file:/srv/.env#X", "env-file:/srv/.env#X"),
        ("command:push ci", "command:push ci"),
        (
            "kv2:secret/ci#token",
            "kv2:https://bao.example.com/secret/ci#token",
        ),
        (
            "kubernetes:ci/a#token",
            "kubernetes:https://10.0.0.1:6443/ci/a#token",
        ),
    ] {
        let found = place(&sinks, text, Some(&token)).unwrap();
        assert_eq!(found.as_str(), kept);
        sinks
            .open(found.as_str(), None, &transport())
            .await
            .unwrap();
    }
    let relative = place(&sinks, "file:token", None).unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(
        relative.as_str(),
        format!("file:{}", here.join("token").display())
    );
}

#[tokio::test]
async fn a_token_whose_name_would_lead_elsewhere_gets_no_sink() {
    let sinks = sinks(ALL);
    let names = [
        "", ".", "..", "a/b", "../build", "a\\b", "a#b", "a\nb", "a\0", "a{id}", "{name}", "a..b",
    ];
    for name in names {
        for place in ["file", "deploy", "vault", "ci", "file:/run/{name}"] {
            let opened = open(&sinks, place, &token("65f0", name)).await;
            assert!(opened.is_err(), "{place} with {name:?}");
        }
    }
    // As if somebody had changed the ledger.
    for place in [
        "ci/name=../x",
        "file/account=iot/name=a/b",
        "file/account=iot/name=",
        "file/account=iot/name=..",
        "file/name=build",
        "file/account=iot/id=1/name=build",
        "file/account=iot/name={name}",
        "file:/run/{name}",
        "nobody",
        "kv2:https://elsewhere.example.com/secret/ci#token",
    ] {
        assert!(
            sinks.open(place, None, &transport()).await.is_err(),
            "{place}"
        );
    }
}

#[tokio::test]
async fn a_token_whose_name_no_such_place_can_have_gets_no_sink() {
    let sinks = sinks(ALL);
    for (place, name, reason) in [
        ("deploy", "--delete", "does not get this {name}"),
        // For a shell behind the command.
        ("deploy", "x;curl evil", "does not get this {name}"),
        ("deploy", "$(id)", "does not get this {name}"),
        ("deploy", "`id`", "does not get this {name}"),
        ("deploy", "a'b", "does not get this {name}"),
        ("file", "build.stamp", ".stamp"),
        ("ci", "Build 1", "lower-case"),
    ] {
        let error = open(&sinks, place, &token("65f0", name)).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(reason) && text.starts_with("sinks."),
            "{text}"
        );
    }
    let error = open(&sinks, "env", &token("a-b", "build"))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("letters, digits and underscores"),
        "{error}"
    );
}

#[test]
fn mistakes_are_found_when_the_tables_are_read() {
    let command = "kind = 'command'\nrun";
    for (table, expected) in [
        ("path = 'x'", "missing key `kind` in sinks.a"),
        (
            "kind = 'fil'\npath = 'x'",
            "sinks.a.kind is an unknown kind `fil`; did you mean `file`?",
        ),
        (
            "kind = 'file'\npaht = 'x'",
            "unknown key `paht` in sinks.a; did you mean `path`?",
        ),
        ("kind = 'file'", "missing key `path`"),
        (
            "kind = 'file'\npath = '/'",
            "sinks.a.path must be the path of a file",
        ),
        (
            "kind = 'file'\npath = '/run/{nmae}'",
            "did you mean `name`?",
        ),
        (
            "kind = 'file'\npath = 'x'\nmode = '0600'",
            "unknown key `mode` in sinks.a",
        ),
        ("kind = 'env-file'\npath = 'x'", "missing key `variable`"),
        ("kind = 'command'", "needs the key `run`"),
        (
            &format!("{command} = ['']"),
            "must be a program and its arguments",
        ),
        (
            &format!("{command} = ['/bin/{{name}}']"),
            "chooses the program",
        ),
        (
            &format!("{command} = ['sh', '-c', 'push {{name}}']"),
            "in a script",
        ),
        (
            &format!("{command} = ['sh', '-c', 'push-{{name}}']"),
            "in a script",
        ),
        ("kind = 'kv2'", "missing key `address`"),
        (
            "kind = 'kv2'\naddress = 'http://bao.example.com'",
            "sinks.a.address",
        ),
        (
            "kind = 'kv2'\naddress = 'https://b.example'",
            "missing key `token`",
        ),
        (
            "kind = 'kubernetes'\naddress = 'https://b.example'",
            "missing key `token`",
        ),
        ("kind = 'kubernetes'\nnamespace = 'a'", "missing key `name`"),
    ] {
        let configuration = configuration(&format!("[sinks.a]\n{table}\n"));
        let error = Sinks::read(&configuration).unwrap_err().to_string();
        assert!(error.contains(expected), "{table}: {error}");
        assert!(error.contains("line "), "{table}: {error}");
    }
    let exposed = configuration(
        "[sinks.a]\nkind = 'kv2'\naddress = 'https://b.example'\ntoken = 's.5ecret-c0ffee'",
    );
    let error = Sinks::read(&exposed).unwrap_err().to_string();
    assert!(
        error.contains("plain text") && !error.contains("5ecret"),
        "{error}"
    );
    assert!(Sinks::read(&configuration("[sinks.'a/b']\nkind = 'file'\npath = 'x'")).is_err());
}

#[test]
fn a_place_whose_server_is_not_known_is_refused_with_advice() {
    let none = sinks("");
    for (text, advice) in [
        ("kv2:secret/ci#token", "BAO_ADDR"),
        ("kubernetes:ci/a#token", "kind = \"kubernetes\""),
        ("ci", "[sinks.NAME]"),
        ("ci/name=build", "write its name alone"),
    ] {
        let error = none.template(&written(text)).unwrap_err().to_string();
        assert!(error.contains(advice), "{error}");
    }
    let error = sinks(ALL)
        .template(&written("valut"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("unknown sink `valut`; did you mean `vault`?"),
        "{error}"
    );
    let error = sinks(ALL)
        .template(&written("command:push {name}"))
        .unwrap_err();
    assert!(error.to_string().contains("takes no variables"), "{error}");
    let error = sinks(ALL)
        .template(&written("file:/run/{nmae}"))
        .unwrap_err();
    assert!(
        error.to_string().contains("did you mean `name`?"),
        "{error}"
    );
    let several = format!(
        "{ALL}{}",
        ALL.replace("[sinks.", "[sinks.x").replace("bao.", "x.")
    );
    let error = sinks(&several)
        .template(&written("kv2:secret/ci#token"))
        .unwrap_err();
    assert!(error.to_string().contains("several servers"), "{error}");
}

#[test]
fn the_servers_of_the_environment_are_those_that_their_own_programs_use() {
    let variables = |pairs: &'static [(&str, &str)]| {
        move |name: &str| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    };
    let vault = Server::of_vault(variables(&[
        ("VAULT_ADDR", "https://vault.example.com:8200"),
        ("VAULT_TOKEN", "x"),
    ]));
    assert_eq!(
        vault.unwrap().unwrap().to_string(),
        "https://vault.example.com:8200"
    );
    assert!(Server::of_vault(variables(&[])).unwrap().is_none());
    for refused in [
        &[("BAO_ADDR", "https://b.example")] as &[_],
        &[("BAO_ADDR", "http://b.example"), ("BAO_TOKEN", "x")],
        &[
            ("BAO_ADDR", "https://b.example"),
            ("BAO_TOKEN", "x"),
            ("VAULT_NAMESPACE", "n"),
        ],
    ] {
        assert!(Server::of_vault(variables(refused)).is_err(), "{refused:?}");
    }
    for (host, address) in [
        ("10.0.0.1", "https://10.0.0.1:443"),
        ("fd00::1", "https://[fd00::1]:443"),
    ] {
        let lookup = |name: &str| match name {
            "KUBERNETES_SERVICE_HOST" => Some(host.to_owned()),
            "KUBERNETES_SERVICE_PORT" => Some("443".to_owned()),
            _ => None,
        };
        // The port that everybody has is not written.
        let expected = address.trim_end_matches(":443");
        assert_eq!(Server::of_cluster(lookup).unwrap().to_string(), expected);
    }
    assert!(Server::of_cluster(|_| None).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_gets_no_variable_with_a_credential() {
    // Every process of cargo has it.
    let text = "[accounts.a]\nprovider = 'losant'\ntoken = { env = 'CARGO_MANIFEST_DIR' }\n\
                [sinks.a]\nkind = 'command'\nrun = ['true']\n\
                check = ['sh', '-c', 'test -z \"$CARGO_MANIFEST_DIR\"']\n";
    let sink = sinks(text).open("a", None, &transport()).await.unwrap();
    let state = sink.read().await.unwrap();
    assert_ne!(state.version, Version::new("unknown"));
}

#[tokio::test]
async fn adoption_is_what_the_table_says_unless_a_rotation_says_otherwise() {
    let sinks = sinks(ALL);
    for (place, adopts, expected) in [
        ("env/id=1", None, true),
        ("env/id=1", Some(false), false),
        ("file/account=a/name=b", None, false),
        ("file/account=a/name=b", Some(true), true),
        ("file:/run/a", None, false),
        ("file:/run/a", Some(true), true),
    ] {
        let sink = sinks.open(place, adopts, &transport()).await.unwrap();
        assert_eq!(sink.capabilities().adopts, expected, "{place} {adopts:?}");
    }
}

#[test]
fn two_templates_of_one_place_have_one_identity() {
    let text = format!("{ALL}\n[sinks.same]\nkind = 'file'\npath = '/run//./secrets/ci'\n");
    let sinks = sinks(&text);
    let identity = |place: &str| {
        let template = sinks.template(&written(place)).unwrap();
        sinks.identity(&template).unwrap()
    };
    assert_eq!(identity("same"), identity("file:/run/secrets/ci"));
    assert_eq!(identity("vault"), identity("kv2:secret/iot/{name}#token"));
    assert_eq!(
        identity("ci"),
        identity("kubernetes:ci/losant-{name}#token")
    );
    assert_ne!(identity("tenant"), identity("kv2:secret/iot#token"));
    assert_ne!(identity("vault"), identity("kv2:secret/iot/{id}#token"));
}

#[test]
fn the_location_of_a_place_changes_with_its_table_and_names_no_argument() {
    let text = "
[sinks.a]
kind = 'file'
path = '/run/DIR/{name}'

[sinks.b]
kind = 'kv2'
address = 'https://DIR.example.com'
token = { env = 'BAO_TOKEN' }
mount = 'secret'
path = 'iot'
field = 'token'

[sinks.c]
kind = 'command'
run = ['/usr/local/bin/push', '--key=DIR']
";
    let at = |folder: &str, place: &str| {
        let sinks = sinks(&text.replace("DIR", folder));
        sinks.location(place).unwrap()
    };
    assert_eq!(at("x", "a/name=ci"), "file:/run/x/ci");
    assert_eq!(at("x", "b"), "kv2:https://x.example.com/secret/iot#token");
    for place in ["a/name=ci", "b", "c"] {
        assert_eq!(at("x", place), at("x", place), "{place}");
        assert_ne!(at("x", place), at("y", place), "{place}");
    }
    let command = at("canary", "c");
    assert!(
        command.contains("push") && !command.contains("canary"),
        "{command}"
    );
    // It is never run or asked: whoever writes a ledger could choose it.
    assert!(!sinks(text).is_readable(&command));
}

#[tokio::test]
async fn the_authorities_of_a_server_are_read_when_its_sink_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    let opened = async |content: Option<&str>| {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let text = format!(
            "[sinks.a]\nkind = 'kv2'\naddress = 'https://bao.example.com'\nmount = 'a'\n\
             path = 'b'\nfield = 'c'\ntoken = {{ env = 'TOKEN' }}\n\
             exclusive_authorities = true\nauthorities = '{}'\n",
            path.display()
        );
        sinks(&text).open("a", None, &transport()).await
    };
    let place = "sinks.a: line 9: sinks.a.authorities";
    let error = opened(None).await.unwrap_err().to_string();
    assert!(
        error.starts_with(place) && error.contains("authority.pem cannot be read"),
        "{error}"
    );
    let error = opened(Some("no certificate"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(place), "{error}");
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["bao.example.com".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    opened(Some(&certificate)).await.unwrap();
}
