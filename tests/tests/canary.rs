//! Secrets never leak into spans, events, metrics, errors, `Debug` outputs, cursors or serialised
//! tokens, whatever a platform is asked to do and whatever goes wrong there.

use std::fmt::{Debug, Display, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokenfleet_cloudsmith::{Login, LoginStep};
use tokenfleet_core::adapter::{PagePosition, PageRequest};
use tokenfleet_core::{
    Error, Operation, Query, RevokeOptions, Secret, TokenId, TokenProviderExt, TokenRef,
};
use tokenfleet_http::ReqwestTransport;
use tokenfleet_simulators::{Action, Canned, Churn, Fault, Hook, NewToken, RecordField, Server};
use tokenfleet_tests::{
    ACCOUNTS, CanaryAccount, LEAKED_SECRETS, PASSWORD, SecretRecordingTransport, Success,
    TOTP_CODE, Target, TelemetryRecorder, assert_every_action_is_tried, base_url, build, perform,
    printed_error, simulator_options,
};

/// An account, and everything that the library printed about it.
struct Scenario {
    account: CanaryAccount,
    printed: String,
}

impl Scenario {
    fn new((platform, acting): (&str, &str)) -> Self {
        let simulator = build(platform, simulator_options(platform, acting));
        Self::with(CanaryAccount::new(simulator, acting))
    }

    fn with(account: CanaryAccount) -> Self {
        let printed = String::new();
        Self { account, printed }
    }

    fn print(&mut self, value: &impl Debug) {
        write!(self.printed, "{value:?}\n{value:#?}\n").unwrap();
    }

    fn print_result<T: Debug>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => {
                self.print(&value);
                Some(value)
            }
            Err(error) => {
                self.printed += &printed_error(&error);
                None
            }
        }
    }

    fn print_json(&mut self, json: serde_json::Result<String>) {
        self.printed += &json.unwrap();
    }

    fn print_success(&mut self, success: Success) {
        let issued = match success {
            Success::Token(token) => return self.print_json(serde_json::to_string(&token)),
            Success::Identified(identity) => {
                return self.print_json(serde_json::to_string(&identity));
            }
            Success::Issued(issued) => Some(issued),
            Success::Revoked(revocation) => revocation.replacement,
            _ => None,
        };
        if let Some(issued) = issued {
            let secret = issued.secret.expose();
            self.account.secrets.plant("an issued token", secret);
            self.print_json(serde_json::to_string(&issued.token));
        }
    }

    /// Performs an operation on a token that exists, and with secrets in place of an id.
    async fn perform(&mut self, operation: Operation) {
        let provider = Arc::clone(&self.account.provider);
        let token = self.account.token.duplicate();
        let confused = Target {
            id: TokenId::new(token.secret.expose()),
            secret: Secret::new(LEAKED_SECRETS[0]),
        };
        if operation == Operation::List {
            self.list().await;
        } else if operation == Operation::Revoke {
            for token in [
                TokenRef::from(&token.secret),
                (&token.id).into(),
                (&confused.id).into(),
            ] {
                let options = RevokeOptions::accept_replacement();
                let revoked = provider.revoke(token, options).await;
                if let Some(revocation) = self.print_result(revoked) {
                    self.print_success(Success::Revoked(revocation));
                }
            }
        } else {
            let targets = match operation {
                Operation::Create | Operation::Renew => vec![token],
                _ => vec![token, confused],
            };
            for target in &targets {
                let result = perform(&*provider, operation, target, "renamed").await;
                if let Some(success) = self.print_result(result) {
                    self.print_success(success);
                }
            }
        }
        self.print(&provider);
    }

    async fn list(&mut self) {
        let provider = Arc::clone(&self.account.provider);
        for position in [PagePosition::First, PagePosition::Number(1)] {
            let request = PageRequest::first().position(position).size(2);
            let page = provider.list_page(request).await;
            if let Some(page) = self.print_result(page) {
                self.print_json(serde_json::to_string(&page.tokens));
            }
        }
        let listing = provider.list(Query::new().page_size(2));
        let Some(mut listing) = self.print_result(listing) else {
            return;
        };
        while let Some(token) = listing.next().await {
            self.print(&listing);
            self.print(&listing.cursor());
            self.printed += &listing.cursor().to_string();
            if self.print_result(token).is_none() {
                break;
            }
        }
    }

    /// Logs in with a right and a wrong password, each followed by a code where one is required.
    async fn log_in(&mut self) {
        let transport = SecretRecordingTransport {
            simulator: Arc::clone(&self.account.simulator),
            secrets: self.account.secrets.clone(),
        };
        let login = Login::new(base_url(), Arc::new(transport));
        for password in [PASSWORD, LEAKED_SECRETS[0]] {
            let password = Secret::new(password);
            let step = login.with_password("2fa@example.com", &password).await;
            self.print(&login);
            match self.print_result(step) {
                Some(LoginStep::TwoFactor(challenge)) => {
                    let key = login.with_code(challenge, &Secret::new(TOTP_CODE)).await;
                    self.print_result(key);
                }
                Some(LoginStep::Done(key)) => {
                    self.account.secrets.plant("key", key.expose());
                }
                _ => {}
            }
        }
    }

    /// Asserts that neither the telemetry nor anything printed shows a secret.
    fn assert_no_leaks(&mut self, case: &dyn Display, telemetry: &TelemetryRecorder) {
        let configuration = self.account.configuration.clone();
        self.print(&configuration);
        for (place, text) in [("telemetry", &telemetry.text()), ("printed", &self.printed)] {
            let leaks = self.account.leaks_in(text);
            assert!(leaks.is_empty(), "{case}: {place}: {leaks:#?}");
        }
    }
}

/// Returns a response that names secrets, in the shapes of all four platforms.
fn leaking_response(status: u16, secrets: &[&str]) -> Canned {
    let secret = secrets[0];
    let message = format!(
        "Key {}; \"x:{secret}\" is refused ({secret})",
        secrets.join(" of ")
    );
    let error = serde_json::json!({
        "message": message, "Message": message, "class": secret, "Code": secret,
        "details": message,
    });
    let body = serde_json::json!({
        "type": secret, "code": secret, "message": message, "detail": message, "error": error,
        "Error": error,
    });
    Canned::json(status, body.to_string())
        .header("retry-after", "0")
        .header("x-request-id", secret)
        .header("foreman_version", secret)
        .header("www-authenticate", secret)
}

/// Returns every fault that the simulators know, and responses of every status that name secrets.
fn faults(account: &CanaryAccount) -> Vec<Action> {
    let leaked = LEAKED_SECRETS[0];
    let mut faults = vec![
        Action::AnswerAfterwards(leaking_response(503, &LEAKED_SECRETS)),
        Action::Redirect(format!("https://elsewhere.example.com/{leaked}")),
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
        Action::ContentType(leaked.to_owned()),
        Action::RepeatItems(1),
        Action::ReorderItems,
        Action::LieAboutTotals(5),
        Action::IgnorePage,
        Action::EndlessPages,
        Action::ByteOrderMark,
        Action::Header("x-leaked".to_owned(), leaked.to_owned()),
        Action::ManyValues(10),
        Action::Gzip,
        Action::GzipMembers,
        Action::Member("leaked".to_owned(), format!("\"{leaked}\"")),
        Action::HugeBody(2 << 20),
        Action::DeepBody(200),
        Action::RepeatSecret,
        Action::EchoCredential,
        Action::AnswerTwice,
        Action::InformationalFlood,
        Action::SpoilCredentials,
        Action::Status(200),
        Action::VaryWords,
        Action::Churn(Churn::RemoveOldest(1)),
        Action::Run(Hook::new(|simulator| {
            simulator.insert(NewToken::named("meanwhile"));
        })),
    ];
    for field in [RecordField::Expiry, RecordField::Created] {
        for json in [
            format!("\"{leaked} \\ud83d\""),
            format!("{{\"x\":\"{leaked}\"}}"),
        ] {
            faults.push(Action::Falsify { field, json });
        }
    }
    for status in [200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503] {
        let acting = account.secrets.labelled("an acting credential");
        let mut secrets = vec![account.token.secret.expose(), leaked, LEAKED_SECRETS[1]];
        secrets.extend(acting.iter().map(String::as_str));
        // Two of them take turns as the platform's error code.
        for place in 0..2 {
            secrets.rotate_left(place);
            faults.push(Action::Answer(leaking_response(status, &secrets)));
        }
    }
    faults
}

#[test]
fn every_fault_action_is_tried() {
    assert_every_action_is_tried(&faults(&Scenario::new(ACCOUNTS[0]).account));
}

/// More requests than any operation here sends, except a listing that never ends.
const EVERY_REQUEST: u64 = 50;

/// Tries every operation of an account under every fault, on the first request or on every one.
///
/// Returns the secrets that the platform revealed unasked.
async fn try_everything(account: (&str, &str)) -> Vec<String> {
    let mut revealed = Vec::new();
    let count = faults(&Scenario::new(account).account).len();
    for index in 0..=count {
        for times in [1, EVERY_REQUEST] {
            // `None` is logging in, which is no operation of the trait.
            for operation in Operation::ALL.into_iter().map(Some).chain([None]) {
                let mut scenario = Scenario::new(account);
                let action = faults(&scenario.account).into_iter().nth(index);
                let telemetry = TelemetryRecorder::default();
                let case = format!("{account:?} {operation:?} {action:?} {times} times");
                if let Some(action) = action {
                    let fault = Fault::new(action).times(times);
                    scenario.account.simulator.faults().add(fault);
                }
                {
                    let _recording = telemetry.start();
                    match operation {
                        Some(operation) => scenario.perform(operation).await,
                        None if account.0 == "cloudsmith" => scenario.log_in().await,
                        None => continue,
                    }
                }
                scenario.assert_no_leaks(&case, &telemetry);
                let secrets = &scenario.account.secrets;
                revealed.extend(secrets.labelled("token"));
                revealed.extend(secrets.labelled("two_factor_token"));
            }
        }
    }
    revealed
}

#[tokio::test(start_paused = true)]
async fn losant_leaks_no_secret() {
    try_everything(ACCOUNTS[0]).await;
}

#[tokio::test(start_paused = true)]
async fn foreman_leaks_no_secret_nor_the_hash_that_it_reveals() {
    let revealed = try_everything(ACCOUNTS[1]).await;
    assert!(revealed.iter().any(|secret| secret.starts_with("$2a$04$")));
}

#[tokio::test(start_paused = true)]
async fn cloudsmith_leaks_no_secret_nor_what_a_login_exchanges() {
    let revealed = try_everything(ACCOUNTS[2]).await;
    assert!(revealed.iter().any(|secret| secret.starts_with("tft-")));
}

#[tokio::test(start_paused = true)]
async fn cloudsmith_with_a_password_leaks_no_secret() {
    try_everything(ACCOUNTS[3]).await;
}

#[tokio::test(start_paused = true)]
async fn cloudsmiths_service_accounts_leak_no_secret() {
    try_everything(ACCOUNTS[4]).await;
}

#[tokio::test(start_paused = true)]
async fn mindbody_leaks_no_secret() {
    try_everything(ACCOUNTS[5]).await;
}

/// Collects what the libraries below tokenfleet log through the facade `log`.
struct LogCollector(Mutex<String>);

static LOG: LogCollector = LogCollector(Mutex::new(String::new()));

impl log::Log for LogCollector {
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
async fn no_secret_leaks_over_sockets_nor_into_the_logs_of_the_libraries_below() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    for (platform, acting) in ACCOUNTS {
        for fault in [
            None,
            Some(Action::Redirect(format!(
                "https://elsewhere.example.com/{}",
                LEAKED_SECRETS[0]
            ))),
            Some(Action::CutBody(10)),
            Some(Action::CloseBefore),
        ] {
            let simulator = build(platform, simulator_options(platform, acting));
            let server = Server::start_shared(simulator, "127.0.0.1:0")
                .await
                .unwrap();
            let simulator = server.simulator().to_arc();
            let transport = Arc::new(ReqwestTransport::new().unwrap());
            let account = CanaryAccount::over(simulator, acting, transport, server.url());
            let mut scenario = Scenario::with(account);
            let case = format!("{platform} with {acting} over sockets, {fault:?}");
            let telemetry = TelemetryRecorder::default();
            {
                let _recording = telemetry.start();
                for operation in Operation::ALL {
                    if let Some(action) = &fault {
                        let fault = Fault::new(action.clone());
                        scenario.account.simulator.faults().add(fault);
                    }
                    scenario.perform(operation).await;
                }
            }
            scenario.printed += &LOG.0.lock().unwrap_or_else(PoisonError::into_inner);
            scenario.assert_no_leaks(&case, &telemetry);
            server.stop().await;
        }
    }
    let logged = LOG.0.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(
        logged.contains("reqwest"),
        "the libraries below logged nothing"
    );
}
