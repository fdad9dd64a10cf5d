//! When the configured certificates expire.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokenfleet::{Configuration, Timestamp};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::finding::{Check, Finding, Status};

/// The settings of `[transport]` that name certificates.
const AUTHORITIES: &str = "authorities";
const CLIENT_CERTIFICATE: &str = "client_certificate";

/// The maximum size of a file of certificates.
const MAX_FILE_SIZE: u64 = 16 << 20;

/// The number of seconds in a day.
const DAY: i64 = 86_400;

/// The number of days before the expiry of a certificate from which on it is a warning.
const SOON: i64 = 30;

/// Checks when the certificates of `[transport]` expire. What cannot be read is found elsewhere.
pub(super) fn check(configuration: &Configuration, now: Timestamp) -> Vec<Finding> {
    let mut settings = configuration.transport_settings().clone();
    let mut files = Vec::new();
    let authorities = settings.texts(AUTHORITIES).unwrap_or_default();
    files.extend(authorities.into_iter().map(|path| (AUTHORITIES, path)));
    let client = settings.text(CLIENT_CERTIFICATE).unwrap_or_default();
    files.extend(client.map(|path| (CLIENT_CERTIFICATE, path)));
    let expiries = files.into_iter().filter_map(|(key, path)| {
        let mut expiries = expiries(&configuration.file_path(&path)).into_iter();
        let expiry = match key {
            // The certificate itself comes first. Those behind it may be alternatives.
            CLIENT_CERTIFICATE => expiries.next(),
            _ => expiries.min(),
        };
        let expiry = expiry?;
        Some(finding(key, &path, expiry, now))
    });
    expiries.collect()
}

/// Returns when each of the certificates in a file expires, in their order.
fn expiries(path: &Path) -> Vec<Timestamp> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_SIZE).read_to_end(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    // A byte-order mark would hide the first certificate.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let certificates = CertificateDer::pem_slice_iter(text).filter_map(Result::ok);
    let expiries = certificates.filter_map(|der| {
        let certificate = Certificate::from_der(&der).ok()?;
        let expiry = certificate.tbs_certificate().validity().not_after;
        Timestamp::from_unix_seconds(expiry.to_unix_duration().as_secs().try_into().ok()?)
    });
    expiries.collect()
}

fn finding(key: &str, path: &str, expiry: Timestamp, now: Timestamp) -> Finding {
    let left = expiry.unix_seconds() - now.unix_seconds();
    let days = left / DAY;
    let plural = if days == 1 { "" } else { "s" };
    let when = if left < 0 {
        format!("expired on {expiry}")
    } else {
        format!("expires in {days} day{plural}, on {expiry}")
    };
    let message = format!("transport.{key}: a certificate in {path} {when}");
    let status = match (left < 0, days < SOON) {
        // A server may have a certificate of another authority.
        (true, _) if key == CLIENT_CERTIFICATE => Status::Failed,
        (_, true) => Status::Warning,
        _ => Status::Ok,
    };
    let finding = Finding::new(Check::Certificates, status, message);
    match status {
        Status::Ok => finding,
        _ => finding.with_advice("replace it before it expires, or remove it from the file"),
    }
}
