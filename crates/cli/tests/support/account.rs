//! An account that the program uses.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Run, Simulate, temporary_file, tokenfleet_with_env};

/// A configured account on a simulated platform, with its credentials in environment variables.
pub(crate) struct Account {
    pub(crate) simulate: Simulate,
    pub(crate) path: String,
    pub(crate) variables: Vec<(String, String)>,
}

impl Account {
    pub(crate) fn new(provider: &str) -> Self {
        Self::with_options(provider, &[])
    }

    /// Creates an account on a simulated platform with these options.
    pub(crate) fn with_options(provider: &str, options: &[&str]) -> Self {
        let simulate = Simulate::start(&[&[provider, "--tokens=1"], options].concat(), 1);
        let server = simulate.server(provider);
        let mut variables = Vec::new();
        let text = table("mine", server, &mut variables);
        Self {
            path: temporary_file(&text),
            simulate,
            variables,
        }
    }

    /// Sends a request to the control interface of the simulated platform.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Value {
        control(&self.simulate.servers[0], method, path, body)
    }

    /// Injects a fault into the next request with that method.
    pub(crate) fn inject_fault(&self, method: &str, action: &Value) {
        let fault = json!({"method": method, "actions": [action]}).to_string();
        self.control("POST", "/faults", &fault);
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.run_with_secret("", words)
    }

    /// Runs the program with a secret in `SECRET`. Asserts that it hides the account's credentials.
    pub(crate) fn run_with_secret(&self, secret: &str, words: &[&str]) -> Run {
        self.run_with(&[("SECRET", secret)], words)
    }

    /// Runs the program with more variables. Asserts that it hides the account's credentials.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], words: &[&str]) -> Run {
        let own = self.variables.iter();
        let own: Vec<_> = own.map(|(name, value)| (&**name, &**value)).collect();
        let variables = [&own, variables].concat();
        let mut words = words.to_vec();
        words.extend(["--config", &self.path]);
        let hidden: Vec<_> = self.variables.iter().map(|(_, value)| &**value).collect();
        tokenfleet_with_env(&variables, &words).hiding(&hidden)
    }

    /// Runs `verify` for a secret, asserts the exit code and returns the liveness.
    pub(crate) fn liveness(&self, secret: &str, code: i32) -> Value {
        let run = self.run_with_secret(secret, &["verify", "--secret-env=SECRET"]);
        let run = run.ends_with(code).hiding(&[secret]);
        run.json()["liveness"].clone()
    }
}

/// Returns the table that configures an account on a server, and adds its credentials to the
/// variables.
pub(crate) fn table(name: &str, server: &Value, variables: &mut Vec<(String, String)>) -> String {
    let (provider, url) = (&server["provider"], &server["url"]);
    let mut text = format!("[accounts.{name}]\nprovider = {provider}\nbase_url = {url}\n");
    if provider == "cloudsmith" {
        text += "accept_lockout = true\n";
    }
    let prefix = name.to_uppercase().replace('-', "_");
    for (key, value) in server["credentials"].as_object().unwrap() {
        if ["token", "api_key", "password"].contains(&key.as_str()) {
            let variable = format!("{prefix}_{}", key.to_uppercase());
            text += &format!("{key} = {{ env = '{variable}' }}\n");
            variables.push((variable, value.as_str().unwrap().to_owned()));
        } else {
            text += &format!("{key} = {value}\n");
        }
    }
    text
}

/// Sends a request to the control interface of a simulated platform.
pub(crate) fn control(server: &Value, method: &str, path: &str, body: &str) -> Value {
    let url = server["url"].as_str().unwrap();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} /__control{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let body = response.split("\r\n\r\n").nth(1).unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {response}"))
}
