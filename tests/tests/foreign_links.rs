//! A link that leads elsewhere is not followed: pages are asked for at the configured origin.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_core::TokenProvider;
use tokenfleet_core::adapter::PageRequest;
use tokenfleet_http::{Body, Transport, TransportError};
use tokenfleet_tests::fixed;

/// Says of every page that the next one is at another origin.
#[derive(Debug, Default)]
struct Elsewhere(Mutex<Vec<String>>);

#[async_trait]
impl Transport for Elsewhere {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        self.0.lock().unwrap().push(request.uri().to_string());
        let link = "<https://attacker.example.com/user/tokens/?page=2>; rel=\"next\"";
        let body = r#"{"results": [{"slug_perm": "A8mbAfka2fGG", "key": "****"}]}"#;
        let mut answer = http::Response::new(Body::full(body));
        let link = http::HeaderValue::from_static(link);
        answer.headers_mut().insert("link", link);
        Ok(answer)
    }
}

#[tokio::test]
async fn the_next_page_is_asked_for_at_the_configured_origin_wherever_the_link_leads() {
    let transport = Arc::new(Elsewhere::default());
    let config = CloudsmithConfig::new(fixed("key"));
    let provider = Cloudsmith::new("packages", config, transport.clone());
    let first = provider.list_page(PageRequest::first()).await.unwrap();
    let next = first.next.expect("the link says that there is more");
    let second = PageRequest::first().position(next);
    provider.list_page(second).await.unwrap();
    assert_eq!(
        *transport.0.lock().unwrap(),
        [1, 2].map(|page| format!("https://api.cloudsmith.io/user/tokens/?page={page}"))
    );
}
