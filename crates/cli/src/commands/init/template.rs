//! The text of a new configuration. A commented-out setting has no space after its `#`.

use std::path::{Path, PathBuf};

use tokenfleet::{Error, Result};

use crate::arguments::InitArguments;
use crate::program_name;

/// A provider that `init` can write an account of.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) name: &'static str,
    /// The address of the platform, unless everybody has another one.
    pub(super) address: Option<&'static str>,
    /// The settings without which the account does not work.
    pub(super) keys: &'static [Key],
    /// The lines about what else can be set.
    options: &'static str,
}

/// A setting that an account needs.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// The name of the value in a question, such as "the login of a user".
    pub(super) question: &'static str,
    /// The variable that a credential is in unless another place is given.
    pub(super) default_variable: Option<&'static str>,
}

impl Key {
    const fn text(name: &'static str, question: &'static str) -> Self {
        Self {
            name,
            question,
            default_variable: None,
        }
    }

    const fn credential(
        name: &'static str,
        question: &'static str,
        variable: &'static str,
    ) -> Self {
        Self {
            name,
            question,
            default_variable: Some(variable),
        }
    }

    pub(super) fn is_credential(&self) -> bool {
        self.default_variable.is_some()
    }

    /// Returns the option that gives the setting.
    pub(super) fn option(&self) -> String {
        match self.name {
            "base_url" => "--base-url URL".to_owned(),
            name => format!("--set {name}=VALUE"),
        }
    }
}

pub(super) const PROVIDERS: [Provider; 4] = [
    Provider {
        name: "losant",
        address: Some("https://api.losant.com"),
        keys: &[Key::credential("token", "a user's token", "LOSANT_TOKEN")],
        options: "\
# The tokens of an application or { instance = \"…\" } instead of the user's own:
#resource = { application = \"575ec8687ae143cd83dc4a97\" }
",
    },
    Provider {
        name: "foreman",
        address: None,
        keys: &[
            Key::text("base_url", "the address of your Foreman"),
            Key::text("login", "the login of a user"),
            Key::text("user_id", "the number of the user whose tokens are managed"),
            Key::credential(
                "token",
                "a personal access token or the password of that login",
                "FOREMAN_TOKEN",
            ),
        ],
        options: "\
# The release; without it, it is learned from the first response:
#version = \"3.9\"
",
    },
    Provider {
        name: "cloudsmith",
        address: Some("https://api.cloudsmith.io"),
        keys: &[Key::credential(
            "api_key",
            "an API key",
            "CLOUDSMITH_API_KEY",
        )],
        options: "\
# The service accounts of an organization instead of the user's own key:
#resource = { organization = \"acme\" }
# Allow replacing the key that authenticates, which a lost response can lock out:
#accept_lockout = true
",
    },
    Provider {
        name: "mindbody",
        address: Some("https://api.mindbodyonline.com"),
        keys: &[
            Key::text("site_id", "the number of the site (-99 is the sandbox)"),
            Key::text("username", "the user name of a staff member"),
            Key::credential(
                "api_key",
                "the API key of your application",
                "MINDBODY_API_KEY",
            ),
            Key::credential(
                "password",
                "the password of that staff member",
                "MINDBODY_PASSWORD",
            ),
        ],
        options: "",
    },
];

/// The settings that every account may have.
const ACCOUNT_OPTIONS: &str = "\
# For --tag, brakes and defaults of new tokens:
#tags = [\"production\"]
#read_only = true
#default_expires_in = \"90d\"
# Retries:
#attempts = 4
#total_timeout = \"120s\"
";

const QUERIES: &str = "\
# A query with a name, for --query:
#[queries.stale]
#where = \"state = active and (last_used < now-90d or last_used is never)\"
#sort = \"last_used, name\"

# The network; every key is optional:
#[transport]
#proxy = \"http://proxy.example.com:3128\"
#connect_timeout = \"10s\"
";

/// A value of a setting.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Bare(String),
    Variable(String),
    File(PathBuf),
}

impl Value {
    fn in_toml(&self) -> String {
        match self {
            Self::Text(text) => string(text),
            Self::Bare(text) => text.clone(),
            Self::Variable(name) => format!("{{ env = {} }}", string(name)),
            Self::File(path) => format!("{{ file = {} }}", string(&path.to_string_lossy())),
        }
    }
}

/// The account to write.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) provider: &'static Provider,
    pub(super) account: String,
    /// The directory of the file, which relative paths in it start from.
    directory: PathBuf,
    settings: Vec<(String, Value)>,
}

impl Answers {
    /// Takes what the options say.
    pub(super) fn new(provider: &'static Provider, arguments: &InitArguments) -> Result<Self> {
        let directory = arguments.file.parent().unwrap_or(Path::new(""));
        let mut answers = Self {
            provider,
            account: arguments.name.clone().unwrap_or(provider.name.to_owned()),
            directory: directory.to_owned(),
            settings: Vec::new(),
        };
        if let Some(url) = &arguments.base_url {
            answers.add("base_url", Value::Text(url.clone()));
        }
        let credentials = provider.keys.iter().filter(|key| key.is_credential());
        let names: Vec<_> = credentials.map(|key| key.name).collect();
        let of_password = names.iter().position(|name| *name == "password");
        if of_password.is_none()
            && (arguments.password_env.is_some() || arguments.password_file.is_some())
        {
            let message = format!("{} takes no password here", provider.name);
            return Err(
                Error::invalid_input(message).with_advice("use --token-env or --token-file")
            );
        }
        for (key, variable, file) in [
            (names.first(), &arguments.token_env, &arguments.token_file),
            (
                of_password.map(|index| &names[index]),
                &arguments.password_env,
                &arguments.password_file,
            ),
        ] {
            match (key, variable, file) {
                (Some(key), Some(name), _) => answers.add(key, Value::Variable(name.clone())),
                (Some(key), None, Some(path)) => {
                    let path = answers.file(path);
                    answers.add(key, path);
                }
                _ => {}
            }
        }
        for setting in &arguments.settings {
            let Some((key, value)) = setting.split_once('=') else {
                return Err(Error::invalid_input("--set must have the form KEY=VALUE"));
            };
            let known = provider.keys.iter().find(|known| known.name == key);
            if known.is_some_and(Key::is_credential) {
                return Err(Error::invalid_input(format!(
                    "--set {key}=… would write a credential into the configuration"
                ))
                .with_advice("say where it is with --token-env, --token-file or --password-env"));
            }
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if key.is_empty() || !key.chars().all(is_word) {
                return Err(Error::invalid_input("--set must have the form KEY=VALUE"));
            }
            if answers.has(key) {
                return Err(Error::invalid_input(format!("{key} is given twice")));
            }
            let is_bare = matches!(value, "true" | "false") || value.parse::<i64>().is_ok();
            let value = value.to_owned();
            answers.add(
                key,
                if is_bare && known.is_none() {
                    Value::Bare(value)
                } else {
                    Value::Text(value)
                },
            );
        }
        Ok(answers)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.settings.iter().any(|(known, _)| known == key)
    }

    pub(super) fn add(&mut self, key: &str, value: Value) {
        self.settings.push((key.to_owned(), value));
    }

    /// Returns a reference to a file, which works from the directory of the configuration.
    pub(super) fn file(&self, path: &Path) -> Value {
        if self.directory.as_os_str().is_empty() {
            return Value::File(path.to_owned());
        }
        Value::File(std::path::absolute(path).unwrap_or(path.to_owned()))
    }
}

/// Returns the configuration of one account.
pub(super) fn for_account(answers: &Answers) -> String {
    let mut text = header();
    text += &account(answers, "");
    text + "\n" + QUERIES
}

/// Returns a configuration in which everything is commented out.
pub(super) fn for_every_provider() -> String {
    let mut text = header();
    for provider in &PROVIDERS {
        let mut answers = Answers {
            provider,
            account: format!("my-{}", provider.name),
            directory: PathBuf::new(),
            settings: Vec::new(),
        };
        for key in provider.keys {
            let value = match (key.default_variable, key.name) {
                (Some(variable), _) => Value::Variable(variable.to_owned()),
                (None, "base_url") => Value::Text("https://foreman.example.com".to_owned()),
                (None, "user_id") => Value::Text("4".to_owned()),
                (None, "site_id") => Value::Text("-99".to_owned()),
                (None, _) => Value::Text("admin".to_owned()),
            };
            answers.add(key.name, value);
        }
        text += &account(&answers, "#");
        text += "\n";
    }
    text + QUERIES
}

fn header() -> String {
    format!(
        "# The accounts of {program}. `{program} doctor` checks this file.\n\
         #\n\
         # A credential is never written here, only where it is: {{ env = \"NAME\" }}, or\n\
         # {{ file = \"PATH\" }} with a path that starts from the directory of this file.\n\n",
        program = program_name::get()
    )
}

fn account(answers: &Answers, sign: &str) -> String {
    let provider = answers.provider;
    let mut text = format!(
        "{sign}[accounts.{}]\n{sign}provider = {}\n",
        key(&answers.account),
        string(provider.name)
    );
    for (name, value) in &answers.settings {
        text += &format!("{sign}{name} = {}\n", value.in_toml());
    }
    let is_set = |line: &str| {
        let name = line.trim_start_matches('#').split(' ').next();
        line.starts_with('#') && name.is_some_and(|name| answers.has(name))
    };
    if let Some(address) = provider.address.filter(|_| !answers.has("base_url")) {
        text += &format!(
            "# The address, if it is another one:\n#base_url = {}\n",
            string(address)
        );
    }
    let options = provider.options.lines().chain(ACCOUNT_OPTIONS.lines());
    for line in options.filter(|line| !is_set(line)) {
        text += line;
        text += "\n";
    }
    text
}

/// Returns a string of TOML, which is written like one of JSON.
fn string(text: &str) -> String {
    let text = serde_json::Value::from(text).to_string();
    text.replace('\u{7f}', "\\u007F")
}

/// Returns a key of TOML.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        string(name)
    }
}
