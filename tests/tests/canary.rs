//! Planted secrets turn up nowhere: not in spans, events, metrics, errors, Debug outputs, cursors or serialised tokens, whatever is
//! asked of a platform and whatever goes wrong there.

use std::fmt::{Debug, Display, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokenfleet::{AccountConfiguration, Registry};
use tokenfleet_cloudsmith::{Login, LoginStep};
use tokenfleet_core::adapter::{PagePosition, PageRequest};
use tokenfleet_core::capability::ArgumentSupport;
use tokenfleet_core::{
    CreateToken, Error, IssuedToken, Operation, Query, RevokeOptions, Secret, TokenId,
    TokenProvider, TokenProviderExt, TokenRef, UpdateToken,
};
use tokenfleet_http::{ReqwestTransport, Transport};
use tokenfleet_simulators::{Action, Canned, Churn, Fault, Hook, NewToken, Server, Simulator};
use tokenfleet_tests::{
    ACCOUNTS, CODE, FOREIGN, Heard, PASSWORD, SharedPlanted, Tap, account, account_options,
    action_name, base_url, build, declared_actions, lock, shown_of,
};

/// An account at a platform of its own, and all that must not be seen of it.
struct Scene {
    simulator: Arc<dyn Simulator>,
    provider: Arc<dyn TokenProvider>,
    configuration: AccountConfiguration,
    planted: SharedPlanted,
    /// A token that exists.
    id: TokenId,
    secret: Secret,
    shown: String,
}

impl Scene {
    fn new((platform, acting): (&str, &str)) -> Self {
        let simulator = build(platform, account_options(platform));
        let planted = SharedPlanted::default();
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
        planted: SharedPlanted,
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
        Self {
            id: TokenId::new(token.id),
            secret: Secret::new(token.secret),
            simulator,
            provider,
            configuration,
            planted,
            shown: String::new(),
        }
    }

    fn show(&mut self, value: &impl Debug) {
        write!(self.shown, "{value:?}\n{value:#?}\n").unwrap();
    }

    fn show_error(&mut self, error: &Error) {
        self.shown += &shown_of(error);
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
                    ArgumentSupport::Unsupported => CreateToken::unnamed(),
                    _ => CreateToken::new("made"),
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
                    let options = RevokeOptions::accept_replacement();
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
            let request = PageRequest::first().position(position).size(2);
            let page = provider.list_page(request).await;
            if let Some(page) = self.show_result(page) {
                self.shown += &serde_json::to_string(&page.tokens).unwrap();
            }
        }
        let Some(mut listing) = self.show_result(provider.list(Query::new().page_size(2))) else {
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

#[test]
fn no_fault_is_left_out() {
    let tried: Vec<_> = faults(&Scene::new(ACCOUNTS[0]))
        .iter()
        .map(action_name)
        .collect();
    for declared in declared_actions() {
        assert!(tried.iter().any(|tried| tried == declared), "{declared}");
    }
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
            let simulator = build(platform, account_options(platform));
            let server = Server::start_shared(simulator, "127.0.0.1:0")
                .await
                .unwrap();
            let simulator = server.simulator().to_arc();
            let transport = Arc::new(ReqwestTransport::new().unwrap());
            let planted = SharedPlanted::default();
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
