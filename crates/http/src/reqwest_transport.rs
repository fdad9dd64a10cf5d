//! The transport over reqwest.

use std::error::Error as _;
use std::iter;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http_body::Body as _;
use tokenfleet_core::Result;
use tokenfleet_core::config::cause_text;

use crate::attempt::AttemptStart;
use crate::reqwest_clients::{Clients, Lease};
use crate::reqwest_names::Names;
use crate::transport::CleanConnection;
use crate::{Body, FailedLogins, SendPhase, Transport, TransportError};

/// The operating system's codes for too many open files, in this process and in the system; 24 and
/// 23 on every Unix, 10024 on Windows.
const OUT_OF_DESCRIPTORS: [i32; 3] = [24, 23, 10024];

/// The HTTP library's words for a proxy's 407.
const PROXY_LOGIN_REFUSED: &str = "proxy authorization required";

/// The TLS library's words for an authority's certificate that a server shows, and ours.
const CA_AS_SERVER: (&str, &str) = (
    "Other(OtherError(CaUsedAsEndEntity))",
    "it is the certificate of an authority",
);

const PROXY_ADVICE: &str = "check `proxy` in [transport], the base URL, the network and the \
                            certificates";

const UNTRUSTED: &str = "nobody who is trusted here signed the server's certificate: name its \
                         authority in `authorities` of [transport]";

const OLD_TLS: &str = "the server has no TLS version or cipher in common with this program, which \
                       needs TLS 1.2: update the server";

const CLIENT_CERTIFICATE: &str = "the server does not accept client_certificate of [transport]: \
                                  check who issued it, and until when it is valid";

/// The words of libraries about a failure, each with what to do about it.
const ADVICE: [(&str, &str); 19] = [
    (
        CA_AS_SERVER.1,
        "the server shows the certificate of an authority as its own (self-signed, CA:TRUE): give \
         it one with CA:FALSE that the authority signed",
    ),
    ("UnknownIssuer", UNTRUSTED),
    ("BadSignature", UNTRUSTED),
    (
        "No CA certificates were loaded from the system",
        "install the system's CA certificates (ca-certificates), or name the server's authority in \
         `authorities` of [transport]",
    ),
    ("self-signed certificate", UNTRUSTED),
    ("unable to get local issuer certificate", UNTRUSTED),
    (
        "certificate expired",
        "renew the server's certificate, or correct the clock of this machine",
    ),
    (
        "certificate not valid yet",
        "correct the clock of this machine, or wait until the server's certificate is valid",
    ),
    (
        "not valid for name",
        "use a host name in base_url that the server's certificate is issued for",
    ),
    (
        "CertificateRequired",
        "the server asks for a client certificate: set client_certificate and client_key in \
         [transport]",
    ),
    ("fatal alert: UnknownCA", CLIENT_CERTIFICATE),
    ("fatal alert: BadCertificate", CLIENT_CERTIFICATE),
    ("fatal alert: CertificateExpired", CLIENT_CERTIFICATE),
    ("fatal alert: CertificateUnknown", CLIENT_CERTIFICATE),
    ("fatal alert: ProtocolVersion", OLD_TLS),
    ("fatal alert: HandshakeFailure", OLD_TLS),
    (
        "invalid HTTP version parsed",
        "the server does not speak HTTP at this port: check scheme and port of base_url",
    ),
    (
        "InvalidContentType",
        "the server does not speak TLS at this port: check scheme and port of base_url or proxy",
    ),
    (
        "tunnel error",
        "the proxy did not open the connection: check `proxy` in [transport], what it allows, and \
         whether the host belongs into `no_proxy`",
    ),
];

/// A transport over reqwest: HTTP/1.1, with TLS using the feature `rustls` or `native-tls`.
///
/// It does not follow redirects, keep cookies, take proxies from the environment, retry, or request
/// compression. Retries belong to the [`ApiClient`](crate::ApiClient); the rest is never done.
///
/// Pages of listings share kept-alive connections. Everything else, whose response must belong to
/// its request beyond doubt, gets a connection of its own (decision 0017). There are at most half
/// as many connections as files that the process may open; further requests wait for one (decision
/// 0043).
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    pub(crate) clients: Arc<Clients>,
    pub(crate) names: Names,
    pub(crate) has_proxy: bool,
    pub(crate) failed_logins: FailedLogins,
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let authority = request.uri().authority().map(http::uri::Authority::as_str);
        let kept_for = match request.extensions().get() {
            Some(CleanConnection) => None,
            None => authority,
        };
        let start = request.extensions().get::<AttemptStart>().cloned();
        if let Some(start) = &start {
            start.postpone();
        }
        let lease = self.clients.lease(kept_for).await?;
        if let Some(start) = &start {
            start.begin();
        }
        let uri = request.uri().clone();
        let passes_proxy = self.has_proxy && request.uri().scheme_str() == Some("https");
        let request = reqwest::Request::try_from(request).map_err(convert_error)?;
        let sent = lease.client.execute(request).await.map_err(convert_error);
        let response = sent.map_err(|error| {
            if error.phase() == SendPhase::NotSent && !error.is_out_of_descriptors() {
                self.names.forget(uri.host().unwrap_or_default());
            }
            if passes_proxy && error.phase() == SendPhase::NotSent && error.advice().is_none() {
                // Which of the two could not be reached is not known here.
                error.with_advice(PROXY_ADVICE)
            } else {
                error
            }
        })?;
        if response.version() == http::Version::HTTP_09 {
            // A builder of the caller may allow it. It has no status, so anything would be success.
            return Err(TransportError::maybe_sent("the response is not HTTP/1"));
        }
        let response = http::Response::from(response);
        Ok(response.map(|body| {
            Body::from_stream(Chunks {
                body,
                _lease: lease,
            })
        }))
    }

    fn failed_logins(&self) -> Option<&FailedLogins> {
        Some(&self.failed_logins)
    }
}

/// The data chunks of reqwest's body, with our error type.
struct Chunks {
    body: reqwest::Body,
    /// The connection is in use until the body was read.
    _lease: Lease,
}

impl Stream for Chunks {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = Pin::new(&mut self.body).poll_frame(context);
            return Poll::Ready(match ready!(frame) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) => Some(Ok(chunk)),
                    // Trailers say nothing about a token.
                    Err(_) => continue,
                },
                Some(Err(error)) => Some(Err(convert_error(error))),
                None => None,
            });
        }
    }
}

/// Converts an error of reqwest: finds out the phase, and strips the URL, whose query may contain
/// private data.
fn convert_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let (phase, message) = if error.is_builder() {
        (SendPhase::NotSent, "the request cannot be built")
    } else if error.is_connect() {
        (SendPhase::NotSent, "no connection")
    } else if error.is_timeout() {
        (SendPhase::MaybeSent, "no response in time")
    } else {
        (SendPhase::MaybeSent, "connection lost")
    };
    let root = root_cause(&error);
    let message = match &root {
        Some(cause) => format!(
            "{message}: {}",
            cause.replace(CA_AS_SERVER.0, CA_AS_SERVER.1)
        ),
        None => message.to_owned(),
    };
    let proxy_login_refused = root
        .as_deref()
        .is_some_and(|cause: &str| cause.contains(PROXY_LOGIN_REFUSED));
    let advice = ADVICE.iter().find(|(sign, _)| message.contains(sign));
    let out_of_descriptors = error.is_connect() && has_no_descriptor_left(&error);
    let timed_out = error.is_timeout();
    let mut converted = TransportError::new(phase, message).with_source(error);
    if timed_out {
        converted = converted.timed_out();
    }
    if proxy_login_refused {
        converted = converted.proxy_login_refused();
    }
    if out_of_descriptors {
        converted = converted.out_of_descriptors();
    }
    match advice {
        Some((_, advice)) => converted.with_advice(advice),
        None => converted,
    }
}

/// Returns the text of the root cause, such as "Connection refused", which says most to people.
fn root_cause(error: &reqwest::Error) -> Option<String> {
    causes(error).last().map(cause_text)
}

/// Returns the causes of an error, the root last.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    iter::successors(
        error.source(),
        |cause: &&(dyn std::error::Error + 'static)| (*cause).source(),
    )
}

/// Returns `true` if the operating system gave this process no socket.
fn has_no_descriptor_left(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>()?.raw_os_error())
        .any(|code| OUT_OF_DESCRIPTORS.contains(&code))
}
