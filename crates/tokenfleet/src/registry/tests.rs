use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use crate::adapter::Adapter;
use crate::config::{Settings, did_you_mean};
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
