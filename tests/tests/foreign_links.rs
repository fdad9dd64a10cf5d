//! Pages are requested from the configured origin, even if a link leads elsewhere.

use std::sync::{Arc, Mutex};

use http::{HeaderValue, Request};
use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_core::TokenProvider;
use tokenfleet_core::adapter::PageRequest;
use tokenfleet_tests::{FnTransport, fixed_credential, response};

#[tokio::test]
async fn the_next_page_is_requested_from_the_configured_origin_wherever_the_link_leads() {
    let requested = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&requested);
    let transport = FnTransport(move |request: Request<_>| {
        log.lock().unwrap().push(request.uri().to_string());
        let link = "<https://attacker.example.com/user/tokens/?page=2>; rel=\"next\"";
        let body = r#"{"results": [{"slug_perm": "A8mbAfka2fGG", "key": "****"}]}"#;
        let mut response = response(200, body);
        let link = HeaderValue::from_static(link);
        response.headers_mut().insert("link", link);
        Ok(response)
    });
    let config = CloudsmithConfig::new(fixed_credential("key"));
    let provider = Cloudsmith::new("packages", config, Arc::new(transport));
    let first = provider.list_page(PageRequest::first()).await.unwrap();
    let next = first.next.expect("the link announces another page");
    let second = PageRequest::first().position(next);
    provider.list_page(second).await.unwrap();
    assert_eq!(
        *requested.lock().unwrap(),
        [1, 2].map(|page| format!("https://api.cloudsmith.io/user/tokens/?page={page}"))
    );
}
