//! Rotations into a real OpenBao: `bash tests/real-servers/run openbao`.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use support::rotating::{Rotating, assert_rotates};

/// Returns the fields of a secret as an administrator reads them.
fn fields(path: &str) -> Value {
    let address = env::var("TOKENFLEET_OPENBAO").unwrap();
    let address = address.strip_prefix("http://").unwrap();
    let root = env::var("TOKENFLEET_OPENBAO_TOKEN").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /v1/secret/data/{path} HTTP/1.0\r\nhost: {address}\r\nx-vault-token: {root}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["data"]["data"].clone()
}

#[test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
fn a_token_is_rotated_into_a_field_of_a_secret() {
    let address = env::var("TOKENFLEET_OPENBAO").unwrap();
    let root = env::var("TOKENFLEET_OPENBAO_TOKEN").unwrap();
    let mine = format!("program/{}", std::process::id());
    let tables = format!(
        "[sinks.vault]\nkind = 'kv2'\naddress = '{address}'\nmount = 'secret'\n\
         path = '{mine}/{{name}}'\nfield = 'token'\ntoken = {{ env = 'BAO_TOKEN' }}\n"
    );
    let held = |path: &str| fields(path)["token"].as_str().unwrap().to_owned();
    let variables = [("BAO_ADDR", &*address), ("BAO_TOKEN", &*root)];
    let short = format!("kv2:secret/{mine}/short#token");
    for (to, path) in [
        ("vault", format!("{mine}/ci")),
        (&*short, format!("{mine}/short")),
    ] {
        let rotating = Rotating::with("losant", &["--tokens=0"], &tables);
        assert_rotates(&rotating, &variables, to, || held(&path));
    }
}
