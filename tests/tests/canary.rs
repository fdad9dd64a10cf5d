//! Planted secrets turn up nowhere: not in spans, events, metrics, errors, Debug outputs, cursors or serialised tokens, whatever is
//! asked of a platform and whatever goes wrong there.

use std::error::Error as _;
use std::fmt::{Debug, Display, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use tokenfleet::{AccountConfiguration, Registry, Setting};
use tokenfleet_cloudsmith::{Login, LoginStep};
use tokenfleet_core::{
    Argument, CreateToken, Error, IssuedToken, Operation, PagePosition, PageRequest, Query,
    RevokeOptions, Secret, TokenId, TokenProvider, TokenProviderExt, TokenRef, UpdateToken,
};
use tokenfleet_http::{Body, ReqwestTransport, SendPhase, Transport, TransportError};
use tokenfleet_simulators::{
    Action, Canned, Churn, Fault, Hook, NewToken, Server, Simulator, dispatch,
};
use tokenfleet_tests::{Heard, Planted, base_url, build, fixed};

/// Nobody told us of these: platforms name them in their errors, headers and addresses.
const FOREIGN: [&str; 2] = [
    "SK-PrjW98OTY1h8QTY9hUA",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0",
];
const PASSWORD: &str = "correct-horse-9b1f";
const CODE: &str = "918273645";
/// The members under which platforms put what is secret, one of them a hash.
const SECRET_MEMBERS: [&str; 5] = [
    "token",
    "token_value",
    "key",
    "AccessToken",
    "two_factor_token",
];

/// A simulated account: its platform, the settings that choose how to act there, and options of the simulator.
const ACCOUNTS: [(&str, &str); 5] = [
    ("losant", "token"),
    ("foreman", "token"),
    ("cloudsmith", "api_key"),
    ("cloudsmith", "password"),
    ("mindbody", "api_key"),
];

type Shared = Arc<Mutex<Planted>>;

fn lock(planted: &Shared) -> std::sync::MutexGuard<'_, Planted> {
    planted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The way to a simulator, on which every secret that the platform answers is written down.
struct Tap {
    simulator: Arc<dyn Simulator>,
    planted: Shared,
}

impl Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}

#[async_trait]
impl Transport for Tap {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let lost = |_| TransportError::new(SendPhase::MaybeSent, "connection lost");
        let response = dispatch(&*self.simulator, request).await.map_err(lost)?;
        if let Ok(body) = serde_json::from_slice(response.body()) {
            plant_members(&body, &mut lock(&self.planted));
        }
        Ok(response.map(Body::full))
    }
}

fn plant_members(value: &Value, planted: &mut Planted) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    // What is listed is masked, or begins with four characters of the key.
                    Value::String(text) if SECRET_MEMBERS.contains(&name.as_str()) => {
                        if text.len() > 4 && !text.contains(['*', '…']) {
                            planted.plant(name, text);
                        }
                    }
                    other => plant_members(other, planted),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| plant_members(item, planted)),
        _ => {}
    }
}

/// An account at a platform of its own, and all that must not be seen of it.
struct Scene {
    simulator: Arc<dyn Simulator>,
    provider: Arc<dyn TokenProvider>,
    configuration: AccountConfiguration,
    planted: Shared,
    /// A token that exists.
    id: TokenId,
    secret: Secret,
    shown: String,
}

impl Scene {
    fn new((platform, acting): (&str, &str)) -> Self {
        let simulator = build(platform, options(platform, acting));
        let planted = Shared::default();
        let tap = Tap {
            simulator: Arc::clone(&simulator),
            planted: Arc::clone(&planted),
        };
        let url = base_url().to_string();
        Self::over(Arc::new(tap), simulator, planted, acting, url)
    }

    fn over(
        transport: Arc<dyn Transport>,
        simulator: Arc<dyn Simulator>,
        planted: Shared,
        acting: &str,
        base_url: String,
    ) -> Self {
        let configuration = account(&simulator, acting, base_url, &planted);
        let provider = Registry::with_builtin()
            .open(&configuration, transport)
            .unwrap();
        let token = match simulator.provider() {
            "cloudsmith" => simulator.tokens().remove(0),
            _ => {
                let made = simulator.insert(NewToken::named("canary"));
                simulator.token(&made.id).unwrap()
            }
        };
        let scene = Self {
            id: TokenId::new(token.id),
            secret: Secret::new(token.secret),
            simulator,
            provider,
            configuration,
            planted,
            shown: String::new(),
        };
        for secret in FOREIGN {
            lock(&scene.planted).plant("a foreign token", secret);
        }
        scene
    }

    fn show(&mut self, value: &impl Debug) {
        write!(self.shown, "{value:?}\n{value:#?}\n").unwrap();
    }

    fn show_error(&mut self, error: &Error) {
        self.show(error);
        writeln!(self.shown, "{error}\n{error:#}").unwrap();
        let mut source = error.source();
        while let Some(cause) = source {
            writeln!(self.shown, "{cause} {cause:?} {cause:#?}").unwrap();
            source = cause.source();
        }
    }

    fn show_result<T: Debug>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => {
                self.show(&value);
                Some(value)
            }
            Err(error) => {
                self.show_error(&error);
                None
            }
        }
    }

    fn show_issued(&mut self, issued: Option<IssuedToken>) {
        if let Some(issued) = issued {
            lock(&self.planted).plant("an issued token", issued.secret.expose());
            self.shown += &serde_json::to_string(&issued.token).unwrap();
        }
    }

    /// Does what there is to do under an operation, with a token that exists and with a secret in the place of an id.
    async fn ask(&mut self, operation: Operation) {
        let provider = Arc::clone(&self.provider);
        let confused = TokenId::new(self.secret.expose());
        let (id, secret) = (self.id.clone(), self.secret.duplicate());
        match operation {
            Operation::List => self.list(&*provider).await,
            Operation::Get => {
                for id in [&id, &confused] {
                    let token = provider.get(id).await;
                    if let Some(token) = self.show_result(token) {
                        self.shown += &serde_json::to_string(&token).unwrap();
                    }
                }
            }
            Operation::Create => {
                let create = provider.capabilities().create.clone().unwrap_or_default();
                let request = match create.name {
                    Argument::Unsupported => CreateToken::unnamed(),
                    _ => CreateToken::named("made"),
                };
                let issued = provider.create(request).await;
                let issued = self.show_result(issued);
                self.show_issued(issued);
            }
            Operation::Update => {
                for id in [&id, &confused] {
                    let token = provider.update(id, UpdateToken::rename("renamed")).await;
                    self.show_result(token);
                }
            }
            Operation::Rotate => {
                for id in [&id, &confused] {
                    let issued = provider.rotate(id).await;
                    let issued = self.show_result(issued);
                    self.show_issued(issued);
                }
            }
            Operation::Renew => {
                let renewed = provider.renew(&secret).await;
                self.show_result(renewed);
            }
            Operation::Revoke => {
                for token in [TokenRef::from(&secret), (&id).into(), (&confused).into()] {
                    let options = RevokeOptions::accepting_replacement();
                    let revoked = provider.revoke(token, options).await;
                    let replacement = self.show_result(revoked).and_then(|done| done.replacement);
                    self.show_issued(replacement);
                }
            }
            Operation::Verify => {
                for secret in [&secret, &Secret::new(FOREIGN[0])] {
                    let liveness = provider.verify(secret).await;
                    self.show_result(liveness);
                }
            }
            other => panic!("{other} is not tried here"),
        }
        self.show(&provider);
    }

    async fn list(&mut self, provider: &dyn TokenProvider) {
        for position in [PagePosition::First, PagePosition::Number(1)] {
            let request = PageRequest::first().at(position).with_size(2);
            let page = provider.list_page(request).await;
            if let Some(page) = self.show_result(page) {
                self.shown += &serde_json::to_string(&page.tokens).unwrap();
            }
        }
        let Some(mut listing) = self.show_result(provider.list(Query::new().with_page_size(2)))
        else {
            return;
        };
        while let Some(token) = listing.next().await {
            self.show(&listing);
            self.show(&listing.cursor());
            self.shown += &listing.cursor().to_string();
            if self.show_result(token).is_none() {
                break;
            }
        }
    }

    /// Two steps of logging in, where a platform has that.
    async fn log_in(&mut self) {
        let tap = Tap {
            simulator: Arc::clone(&self.simulator),
            planted: Arc::clone(&self.planted),
        };
        let login = Login::new(base_url(), Arc::new(tap));
        for password in [PASSWORD, FOREIGN[0]] {
            let password = Secret::new(password);
            let step = login.with_password("2fa@example.com", &password).await;
            self.show(&login);
            match self.show_result(step) {
                Some(LoginStep::TwoFactor(challenge)) => {
                    let key = login.with_code(challenge, &Secret::new(CODE)).await;
                    self.show_result(key);
                }
                Some(LoginStep::Done(key)) => lock(&self.planted).plant("key", key.expose()),
                _ => {}
            }
        }
    }

    /// Everything that was told and shown, searched for everything that was planted.
    fn search(&mut self, case: &dyn Display, heard: &Heard) {
        let configuration = self.configuration.clone();
        self.show(&configuration);
        let mut planted = lock(&self.planted);
        for token in self.simulator.tokens() {
            planted.plant("an existing token", &token.secret);
        }
        for (place, text) in [("told", heard.text()), ("shown", self.shown.clone())] {
            let found = planted.found_in(&text);
            assert!(found.is_empty(), "{case}: {place}: {found:#?}");
        }
    }
}

fn options(platform: &str, acting: &str) -> &'static [&'static str] {
    match (platform, acting) {
        ("cloudsmith", _) => &["tokens=1", "password=correct-horse-9b1f", "totp=918273645"],
        ("foreman" | "mindbody", _) => &["tokens=3", "password=correct-horse-9b1f"],
        _ => &["tokens=3"],
    }
}

/// The account as a configuration has it, whose credentials are planted.
fn account(
    simulator: &Arc<dyn Simulator>,
    acting: &str,
    base_url: String,
    planted: &Shared,
) -> AccountConfiguration {
    let platform = simulator.provider();
    let mut credentials = simulator.credentials();
    if acting == "password" {
        credentials.remove("api_key");
        credentials.insert("email".to_owned(), "me@example.com".to_owned());
        credentials.insert("password".to_owned(), PASSWORD.to_owned());
    }
    let account =
        AccountConfiguration::new("main", platform).with("base_url", Setting::Text(base_url));
    let account = credentials
        .into_iter()
        .fold(account, |account, (key, value)| {
            let setting = match key.as_str() {
                "token" | "api_key" | "password" => {
                    lock(planted).plant("an acting credential", &value);
                    Setting::Credential(fixed(&value))
                }
                _ => Setting::Text(value),
            };
            account.with(key, setting)
        });
    lock(planted).plant("a code", CODE);
    lock(planted).plant("a password", PASSWORD);
    account
}

/// What a platform says that names secrets, in the shapes of all four.
fn indiscreet(status: u16, secrets: &[&str]) -> Canned {
    let named = secrets[0];
    let said = format!(
        "Key {}; \"x:{named}\" is refused ({named})",
        secrets.join(" of ")
    );
    let both = serde_json::json!({"message": said, "Message": said, "class": named, "Code": named, "details": said});
    let body = serde_json::json!({
        "type": named, "code": named, "message": said, "detail": said, "error": both, "Error": both,
    });
    Canned::json(status, body.to_string())
        .header("retry-after", "0")
        .header("x-request-id", named)
        .header("foreman_version", named)
        .header("www-authenticate", named)
}

/// Every fault that the simulators know, and answers of every sort that name secrets.
fn faults(scene: &Scene) -> Vec<Action> {
    let mut faults = vec![
        Action::AnswerAfterwards(indiscreet(503, &FOREIGN)),
        Action::Redirect(format!("https://elsewhere.example.com/{}", FOREIGN[0])),
        Action::Delay(Duration::from_secs(40)),
        Action::DelayAnswer(Duration::from_secs(40)),
        Action::ApplyLate(Duration::from_secs(40)),
        Action::CloseBefore,
        Action::CloseAfter,
        Action::CutBody(10),
        Action::Trickle {
            bytes: 100,
            millis: 1,
        },
        Action::ContentType(FOREIGN[0].to_owned()),
        Action::RepeatItems(1),
        Action::ReorderItems,
        Action::LieAboutTotals(5),
        Action::IgnorePage,
        Action::EndlessPages,
        Action::HugeBody(2 << 20),
        Action::DeepBody(200),
        Action::Churn(Churn::RemoveOldest(1)),
        Action::Run(Hook::new(|simulator| {
            simulator.insert(NewToken::named("meanwhile"));
        })),
    ];
    for status in [200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503] {
        let planted = lock(&scene.planted);
        let mut secrets = vec![scene.secret.expose(), FOREIGN[0], FOREIGN[1]];
        secrets.extend(planted.named("an acting credential"));
        // Each of them once as the platform's code.
        for place in 0..2 {
            secrets.rotate_left(place);
            faults.push(Action::Answer(indiscreet(status, &secrets)));
        }
    }
    faults
}

fn name(action: &Action) -> String {
    let text = format!("{action:?}");
    let end = text.find(|c: char| !c.is_ascii_alphabetic());
    text[..end.unwrap_or(text.len())].to_owned()
}

#[test]
fn no_fault_is_left_out() {
    let source = include_str!("../../crates/simulators/src/faults/action.rs");
    let actions = source.split("pub enum Action {").nth(1).unwrap();
    let actions = actions.split("\n}\n").next().unwrap();
    let declared = actions.lines().filter_map(|line| line.strip_prefix("    "));
    let declared = declared.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let tried: Vec<_> = faults(&Scene::new(ACCOUNTS[0]))
        .iter()
        .map(|action| match action {
            Action::Run(_) => "Run".to_owned(),
            other => name(other),
        })
        .collect();
    let mut count = 0;
    for line in declared {
        let end = line.find(|c: char| !c.is_ascii_alphabetic()).unwrap();
        assert!(tried.contains(&line[..end].to_owned()), "{line}");
        count += 1;
    }
    assert!(count > 15, "{count}");
}

/// More requests than any operation here sends, but for a listing that never ends.
const ALL: u64 = 50;

/// Tries an account under every operation and every fault, which meets the first request or all.
async fn try_everything(account: (&str, &str)) -> Vec<String> {
    let mut hashes = Vec::new();
    let count = faults(&Scene::new(account)).len();
    for fault in 0..=count {
        for times in [1, ALL] {
            // Under no operation of the trait: logging in.
            for operation in Operation::ALL.into_iter().map(Some).chain([None]) {
                let mut scene = Scene::new(account);
                let action = faults(&scene).into_iter().nth(fault);
                let heard = Heard::default();
                let case = format!("{account:?} {operation:?} {action:?} {times} times");
                if let Some(action) = action {
                    let fault = Fault::new(action).times(times);
                    scene.simulator.faults().add(fault);
                }
                {
                    let _listening = heard.listen();
                    match operation {
                        Some(operation) => scene.ask(operation).await,
                        None if account.0 == "cloudsmith" => scene.log_in().await,
                        None => continue,
                    }
                }
                scene.search(&case, &heard);
                let planted = lock(&scene.planted);
                hashes.extend(planted.named("token").map(str::to_owned));
                hashes.extend(planted.named("two_factor_token").map(str::to_owned));
            }
        }
    }
    hashes
}

#[tokio::test(start_paused = true)]
async fn nothing_of_losant_is_seen() {
    try_everything(ACCOUNTS[0]).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_of_foreman_is_seen_nor_the_hash_that_it_leaks() {
    let planted = try_everything(ACCOUNTS[1]).await;
    assert!(planted.iter().any(|secret| secret.starts_with("$2a$04$")));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_cloudsmith_is_seen_nor_what_a_login_exchanges() {
    let planted = try_everything(ACCOUNTS[2]).await;
    assert!(planted.iter().any(|secret| secret.starts_with("tft-")));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_cloudsmith_with_a_password_is_seen() {
    try_everything(ACCOUNTS[3]).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_of_mindbody_is_seen() {
    try_everything(ACCOUNTS[4]).await;
}

/// What the libraries beneath say through the facade `log`.
struct Beneath(Mutex<String>);

static BENEATH: Beneath = Beneath(Mutex::new(String::new()));

impl log::Log for Beneath {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(text, "{} {}", record.target(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn nothing_is_seen_over_sockets_not_even_in_what_the_libraries_beneath_say() {
    log::set_logger(&BENEATH).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    for (platform, acting) in ACCOUNTS {
        for fault in [
            None,
            Some(Action::Redirect(format!(
                "https://elsewhere.example.com/{}",
                FOREIGN[0]
            ))),
            Some(Action::CutBody(10)),
            Some(Action::CloseBefore),
        ] {
            let simulator = build(platform, options(platform, acting));
            let server = Server::start_shared(simulator, "127.0.0.1:0")
                .await
                .unwrap();
            let simulator = server.simulator().to_arc();
            let transport = Arc::new(ReqwestTransport::new().unwrap());
            let planted = Shared::default();
            let mut scene = Scene::over(transport, simulator, planted, acting, server.url());
            let case = format!("{platform} with {acting} over sockets, {fault:?}");
            let heard = Heard::default();
            {
                let _listening = heard.listen();
                for operation in Operation::ALL {
                    if let Some(action) = &fault {
                        scene.simulator.faults().add(Fault::new(action.clone()));
                    }
                    scene.ask(operation).await;
                }
            }
            scene.shown += &BENEATH.0.lock().unwrap_or_else(PoisonError::into_inner);
            scene.search(&case, &heard);
            server.stop().await;
        }
    }
    let said = BENEATH.0.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(
        said.contains("reqwest"),
        "nothing was heard of the libraries beneath"
    );
}
