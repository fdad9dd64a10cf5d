//! An account on a simulated platform, whose tokens a policy rotates into files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokenfleet_simulators::{Action, Fault, NewToken, Server, Simulator, State};

use crate::RUNTIME;
use crate::consumer::Consumer;
use crate::random::Random;
use crate::support::account::table;
use crate::support::home::set_mode;

/// The number of tokens that are rotated in an account where tokens have names.
const TOKENS: usize = 3;

/// A token that a person made by hand, and put into a file.
pub(crate) struct Original {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) file: PathBuf,
    /// Whoever uses what the file holds.
    pub(crate) consumer: Consumer,
}

/// An account, its platform and its tokens.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) simulator: Arc<dyn Simulator>,
    _server: Server,
    /// The tokens that are rotated.
    pub(crate) originals: Vec<Original>,
    /// The states of the tokens that are none of the policy's business.
    pub(crate) foreign: BTreeMap<String, State>,
    /// The tables of the account and its policy.
    pub(crate) text: String,
    /// The credentials, in environment variables.
    pub(crate) variables: Vec<(String, String)>,
}

impl Account {
    pub(crate) fn new(provider: &str, name: &str, secrets: &Path, random: &mut Random) -> Self {
        let options: &[&str] = match provider {
            // A user has one key, which is rotated.
            "cloudsmith" => &["tokens=0", "rate_limit=none"],
            _ => &["tokens=3"],
        };
        let simulator = tokenfleet_simulators::build(provider, options).unwrap();
        let tokens = simulator.tokens().into_iter();
        let mut foreign: BTreeMap<_, _> = tokens.map(|token| (token.id, token.state)).collect();
        if provider != "cloudsmith" {
            let other = simulator.insert(NewToken::named("other").scopes(["all.User.read"]));
            foreign.insert(other.id, State::Active);
        }
        let has_names = ["losant", "foreman"].contains(&provider);
        let originals = (0..if has_names { TOKENS } else { 1 }).map(|number| {
            let created = "2020-01-01T00:00:00Z".parse().unwrap();
            let mut token = NewToken::named(format!("rotated-{number}")).scopes(["all.User.read"]);
            // A secret of Mindbody lives for a day.
            if provider != "mindbody" {
                token = token.created(created);
            }
            let inserted = simulator.insert(token);
            let file = if has_names {
                secrets.join(format!("{name}-rotated-{number}"))
            } else {
                secrets.join(name)
            };
            std::fs::write(&file, &inserted.secret).unwrap();
            set_mode(&file, 0o600);
            Original {
                consumer: Consumer::start(&simulator, &file),
                id: inserted.id,
                secret: inserted.secret,
                file,
            }
        });
        let originals = originals.collect();
        // So that a fault can come before the answer.
        let latency = Duration::from_millis(5 + random.below(40));
        let latency = Fault::new(Action::DelayAnswer(latency)).always();
        simulator.faults().add(latency);
        let start = Server::start_shared(Arc::clone(&simulator), "127.0.0.1:0");
        let server = RUNTIME.block_on(start).unwrap();
        let (text, variables) = tables(provider, name, &server, &*simulator, random);
        Self {
            name: name.to_owned(),
            simulator,
            _server: server,
            originals,
            foreign,
            text,
            variables,
        }
    }
}

/// Returns the tables of an account and its policy, and the credentials.
fn tables(
    provider: &str,
    name: &str,
    server: &Server,
    simulator: &dyn Simulator,
    random: &mut Random,
) -> (String, Vec<(String, String)>) {
    let mut credentials = json!(simulator.credentials());
    if provider == "cloudsmith" {
        // What acts is not what is rotated.
        let defaults = tokenfleet_simulators::cloudsmith::Options::default();
        credentials = json!({"email": defaults.email, "password": defaults.password});
    }
    let server = json!({
        "provider": provider,
        "url": server.url(),
        "credentials": credentials,
    });
    let mut variables = Vec::new();
    let account = table(name, &server, &mut variables).replace("accept_lockout = true\n", "");
    let overlap = ["overlap = '0s'", "overlap = '1m'"][usize::try_from(random.below(2)).unwrap()];
    let soak = ["", "soak = '1m'"][usize::try_from(random.below(2)).unwrap()];
    let policy = match provider {
        "losant" => format!(
            "where = 'name ^= rotated-'\nmax_age = '30d'\nnew_expiry = '90d'\n{overlap}\n{soak}"
        ),
        "foreman" => {
            format!("where = 'name ^= rotated-'\nmax_age = '30d'\nnew_expiry = '90d'\n{overlap}")
        }
        "cloudsmith" => "where = 'state = active'\nmax_age = '30d'".to_owned(),
        _ => "max_age = '20h'".to_owned(),
    };
    let text = format!(
        "{account}\n[policies.{name}]\naccount = '{name}'\nsinks = ['files']\n{policy}\n\n"
    );
    (text, variables)
}
