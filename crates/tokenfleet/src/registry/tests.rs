use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::adapter::{Adapter, Page, PageRequest};
use crate::capability::{
    CreateCapability, ListCapability, RenewCapability, RevokeCapability, UpdateCapability,
};
use crate::config::{Settings, did_you_mean};
use crate::journal::{Intent, Journal, Outcome, Run};
use crate::test_doubles::{UncheckedProvider, assert_every_call_is_refused, unused_transport};
use crate::*;

#[test]
fn an_unknown_provider_is_refused_with_the_nearest_name() {
    let mut registry = Registry::empty();
    let open = |registry: &Registry, provider: &str| {
        let account = AccountConfiguration::new("mine", provider);
        registry
            .open(&account, unused_transport())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        open(&registry, "vault"),
        "mine (vault): unknown provider `vault`; no providers are registered",
    );
    registry.register("vault", |_, _, _| {
        Err::<Arc<dyn TokenProvider>, _>(Error::unsupported("left out"))
    });
    let advice = did_you_mean("valut", &["vault"]);
    assert!(advice.starts_with("did you mean"), "{advice}");
    assert_eq!(
        open(&registry, "valut"),
        format!("mine (valut): unknown provider `valut`; {advice}"),
    );
}

#[cfg(not(feature = "foreman"))]
#[test]
fn a_provider_that_is_not_compiled_in_is_named_with_its_feature() {
    let account = AccountConfiguration::new("infra", "foreman");
    let error = Registry::with_builtin().open(&account, unused_transport());
    assert_eq!(
        error.unwrap_err().to_string(),
        "infra (foreman): provider `foreman` is not compiled in; \
         rebuild with the Cargo feature `foreman` of tokenfleet",
    );
}

#[tokio::test]
async fn an_adapter_is_checked_once() {
    /// An adapter that counts how often its declaration is read.
    #[derive(Debug)]
    struct Counting(Account, Capabilities, Arc<AtomicUsize>);

    #[async_trait]
    impl Adapter for Counting {
        fn account(&self) -> &Account {
            &self.0
        }
        fn capabilities(&self) -> &Capabilities {
            self.2.fetch_add(1, Ordering::SeqCst);
            &self.1
        }
        async fn get(&self, id: &TokenId) -> Result<Token> {
            Ok(Token::new(id.clone(), TokenState::Active))
        }
    }

    let reads = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&reads);
    let adapter = move || {
        let account = Account::new("counting", "mine");
        Counting(
            account,
            Capabilities::none().with_get(),
            Arc::clone(&counter),
        )
    };
    let mut registry = Registry::empty();
    let register = adapter.clone();
    registry.register("counting", move |_, _: &mut Settings, _| Ok(register()));
    let register = adapter.clone();
    registry.register("shared", move |_, _: &mut Settings, _| {
        Ok(Arc::new(register()) as Arc<dyn TokenProvider>)
    });
    let open = |provider| {
        let account = AccountConfiguration::new("mine", provider);
        registry.open(&account, unused_transport()).unwrap()
    };
    let fleet = Fleet::new([open("counting"), open("shared"), Arc::new(adapter())]);
    for provider in fleet.providers() {
        reads.store(0, Ordering::SeqCst);
        provider.get(&TokenId::new("1")).await.unwrap();
        assert_eq!(reads.load(Ordering::SeqCst), 1, "{provider:?}");
    }
}

#[tokio::test]
async fn undeclared_calls_never_reach_a_registered_provider_that_checks_nothing() {
    let (provider, calls) = UncheckedProvider::new("mine");
    let provider = Arc::new(provider);
    let mut registry = Registry::empty();
    registry.register("unchecked", move |_, _: &mut Settings, _| {
        Ok(Arc::clone(&provider))
    });
    let account = AccountConfiguration::new("mine", "unchecked");
    let opened = registry.open(&account, unused_transport()).unwrap();
    assert_every_call_is_refused(&*opened).await;
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

/// An adapter that can do everything, and keeps the creations and counts the writes it gets.
#[derive(Debug)]
struct Everything {
    account: Account,
    capabilities: Capabilities,
    log: Arc<Log>,
}

/// The requests that reached the platform, and the records of the journal.
#[derive(Debug, Default)]
struct Log {
    writes: AtomicUsize,
    created: Mutex<Vec<CreateToken>>,
    intents: Mutex<Vec<Intent>>,
    outcomes: AtomicUsize,
}

impl Everything {
    fn write(&self) -> Token {
        self.log.writes.fetch_add(1, Ordering::SeqCst);
        one()
    }
}

fn one() -> Token {
    let mut token = Token::new(TokenId::new("1"), TokenState::Active);
    token.name = Fact::Known("ci".to_owned());
    token
}

#[async_trait]
impl Adapter for Everything {
    fn account(&self) -> &Account {
        &self.account
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    async fn list_page(&self, _: PageRequest) -> Result<Page> {
        Ok(Page::last(vec![one()]))
    }
    async fn get(&self, _: &TokenId) -> Result<Token> {
        Ok(one())
    }
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let token = self.write();
        self.log.created.lock().unwrap().push(request);
        Ok(IssuedToken::new(token, Secret::new("a-secret-of-one")))
    }
    async fn update(&self, _: &TokenId, _: UpdateToken) -> Result<Token> {
        Ok(self.write())
    }
    async fn rotate(&self, _: &TokenId) -> Result<IssuedToken> {
        Ok(IssuedToken::new(self.write(), Secret::new("a-new-secret")))
    }
    async fn renew(&self, _: &Secret) -> Result<RenewedToken> {
        self.write();
        Err(Error::unsupported("the platform has refused it"))
    }
    async fn revoke_by_id(&self, id: &TokenId, _: RevokeOptions) -> Result<Revocation> {
        self.write();
        let effect = RevocationEffect::Deleted;
        Ok(Revocation::new(RevocationOutcome::Revoked, effect).with_id(id.clone()))
    }
    async fn verify(&self, _: &Secret) -> Result<Liveness> {
        Ok(Liveness::Alive)
    }
    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        if secret.expose() == "foreign" {
            return SecretShape::Impossible;
        }
        let id = Some(TokenId::new("1"));
        SecretShape::Recognized { id }
    }
    async fn whoami(&self) -> Result<Identity> {
        Ok(Identity::new(crate::model::Principal::new("somebody")))
    }
}

#[async_trait]
impl Journal for Log {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        self.intents.lock().unwrap().push(intent.clone());
        Ok(())
    }
    async fn record_outcome(&self, _: &Intent, _: &Outcome) {
        self.outcomes.fetch_add(1, Ordering::SeqCst);
    }
}

fn create_capability() -> CreateCapability {
    CreateCapability::new()
        .with_optional_name()
        .with_expiry()
        .with_scopes()
}

/// Returns a registry of one provider, and what reaches it.
fn everything(create: CreateCapability) -> (Registry, Arc<Log>) {
    let log = Arc::<Log>::default();
    let logged = Arc::clone(&log);
    let capabilities = Capabilities::none()
        .with_list(ListCapability::unpaged())
        .with_get()
        .with_create(create)
        .with_update(UpdateCapability::new().with_name(None))
        .with_rotate()
        .with_renew(RenewCapability::new(Duration::from_secs(60)))
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted))
        .with_verify()
        .with_whoami();
    let mut registry = Registry::empty();
    registry.register("everything", move |name, _: &mut Settings, _| {
        Ok(Everything {
            account: Account::new("everything", name),
            capabilities: capabilities.clone(),
            log: Arc::clone(&logged),
        })
    });
    (registry, log)
}

const WRITES: usize = 5;

/// Calls every write, and returns the kind of the error of each.
async fn write_all(provider: &dyn TokenProvider) -> [Option<ErrorKind>; WRITES] {
    let (id, secret) = (TokenId::new("1"), Secret::new("known"));
    let rename = UpdateToken::rename("ci");
    [
        provider.create(CreateToken::new("ci")).await.err(),
        provider.update(&id, rename).await.err(),
        provider.rotate(&id).await.err(),
        provider.renew(&secret).await.err(),
        provider
            .revoke((&id).into(), RevokeOptions::default())
            .await
            .err(),
    ]
    .map(|error| error.map(|error| error.kind()))
}

#[tokio::test]
async fn every_method_works_in_every_combination_of_wrappers() {
    for combination in 0..16_u8 {
        let has = |bit: u8| combination & (1 << bit) != 0;
        let (is_journaled, is_read_only, is_annotated, has_defaults) =
            (has(0), has(1), has(2), has(3));
        let (mut registry, log) = everything(create_capability());
        if is_journaled {
            registry = registry.with_journal(log.clone(), Run::new());
        }
        if is_read_only {
            registry = registry.with_read_only("the brake");
        }
        if is_annotated {
            registry = registry.with_annotations(annotations());
        }
        let mut account = AccountConfiguration::new("mine", "everything");
        if has_defaults {
            account = account.with_default_scopes(["read"]);
        }
        let provider = registry.open(&account, unused_transport()).unwrap();

        // Reading.
        let (id, secret) = (TokenId::new("1"), Secret::new("known"));
        let page = provider.list_page(PageRequest::first()).await.unwrap();
        let found = provider.token_of(&secret).await.unwrap().unwrap();
        let read = provider.get(&id).await.unwrap();
        for token in [&page.tokens[0], &found, &read] {
            let team = token.attributes.get("annotation.team");
            assert_eq!(team.is_some(), is_annotated, "{combination:#b}");
        }
        assert_eq!(provider.verify(&secret).await.unwrap(), Liveness::Alive);
        assert_eq!(provider.whoami().await.unwrap().principal.id(), "somebody");
        let shape = provider.secret_shape(&secret);
        assert_eq!(shape.as_str(), "recognized", "{combination:#b}");
        let shape = provider.secret_shape(&Secret::new("foreign"));
        assert_eq!(shape, SecretShape::Impossible, "{combination:#b}");
        assert_eq!(log.intents.lock().unwrap().len(), 0, "reading is no write");

        // Writing.
        let kinds = write_all(&*provider).await;
        let expected = if is_read_only {
            [Some(ErrorKind::Configuration); WRITES]
        } else {
            let refused = Some(ErrorKind::Unsupported);
            [None, None, None, refused, None]
        };
        assert_eq!(kinds, expected, "{combination:#b}");
        let written = if is_read_only { 0 } else { WRITES };
        let recorded = if is_journaled { written } else { 0 };
        assert_eq!(log.writes.load(Ordering::SeqCst), written);
        assert_eq!(log.intents.lock().unwrap().len(), recorded);
        assert_eq!(log.outcomes.load(Ordering::SeqCst), recorded);
        if !is_read_only {
            let scopes = has_defaults.then(|| vec!["read".to_owned()]);
            assert_eq!(log.created.lock().unwrap()[0].scopes, scopes);
        }
    }
}

fn annotations() -> Annotations {
    let mut annotation = Annotation::new("mine", crate::AnnotatedToken::Name("ci".to_owned()));
    annotation.team = Some("platform".to_owned());
    [annotation].into_iter().collect()
}

#[tokio::test]
async fn the_defaults_of_an_account_apply_to_every_creation_that_requests_nothing_else() {
    let month = Duration::from_secs(30 * 86_400);
    let accounts = [
        AccountConfiguration::new("mine", "everything")
            .with_default_expires_in(month)
            .with_default_scopes(["read"]),
        // As in a file.
        AccountConfiguration::new("mine", "everything")
            .with("default_expires_in", "30d")
            .with("default_scopes", "read"),
    ];
    for account in accounts {
        assert_eq!(account.default_expires_in(), Some(month));
        let (registry, log) = everything(create_capability());
        let provider = registry.open(&account, unused_transport()).unwrap();
        for request in [
            CreateToken::new("ci"),
            CreateToken::new("ci").without_expiry().with_scope("write"),
        ] {
            let _ = provider.create(request).await;
        }
        let created = log.created.lock().unwrap();
        let sent: Vec<_> = created
            .iter()
            .map(|sent| (sent.expiry, sent.scopes.clone()))
            .collect();
        assert!(
            matches!(sent[0].0, RequestedExpiry::In(_) | RequestedExpiry::At(_)),
            "{sent:?}"
        );
        assert_eq!(sent[0].1, Some(vec!["read".to_owned()]));
        assert_eq!(sent[1].1, Some(vec!["write".to_owned()]));
        assert_eq!(sent[1].0, RequestedExpiry::Never);
    }
}

#[tokio::test]
async fn a_default_that_the_platform_cannot_apply_refuses_the_creation() {
    let account = || AccountConfiguration::new("mine", "everything");
    let day = Duration::from_secs(86_400);
    for (account, message) in [
        (
            account().with_default_expires_in(day),
            "accounts.mine.default_expires_in: the platform takes no expiry",
        ),
        (
            account().with_default_scopes(["read"]),
            "accounts.mine.default_scopes: the platform takes no scopes",
        ),
    ] {
        let (registry, log) = everything(CreateCapability::new().with_optional_name());
        let provider = registry.open(&account, unused_transport()).unwrap();
        let error = provider.create(CreateToken::new("ci")).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.fate()),
            (ErrorKind::Configuration, Fate::NotSent)
        );
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(log.writes.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn an_option_that_is_set_in_code_means_what_it_means_in_a_file() {
    let (registry, log) = everything(create_capability());
    let account = AccountConfiguration::new("mine", "everything")
        .with("read_only", true)
        .with("tags", ["production"]);
    assert!(account.is_read_only());
    assert_eq!(account.tags(), ["production"]);
    let provider = registry.open(&account, unused_transport()).unwrap();
    let kinds = write_all(&*provider).await;
    assert_eq!(kinds, [Some(ErrorKind::Configuration); WRITES]);
    assert_eq!(log.writes.load(Ordering::SeqCst), 0);
    let account = AccountConfiguration::new("mine", "everything").with("read_only", "yes");
    let error = registry.open(&account, unused_transport()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("accounts.mine.read_only must be true or false"),
        "{error}"
    );
}
