//! Servers that try to hold the program up.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use support::program;

/// Floods every connection with informational responses, and returns the base URL.
fn flooding_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            std::thread::spawn(move || {
                let heads = "HTTP/1.1 100 Continue\r\n\r\n".repeat(5000);
                let _ = socket.read(&mut [0; 4096]);
                while socket.write_all(heads.as_bytes()).is_ok() {}
            });
        }
    });
    base
}

#[test]
fn the_only_connection_ends_with_its_timeout_although_it_is_flooded() {
    let path = std::env::temp_dir().join(format!("tokenfleet-flood-{}", std::process::id()));
    let configuration = format!(
        "[accounts.iot]\nprovider = 'losant'\nbase_url = '{}'\ntoken = {{ env = 'IOT_TOKEN' }}\n\
         attempts = 1\nattempt_timeout = '1s'\ntotal_timeout = '2s'\n",
        flooding_server()
    );
    std::fs::write(&path, configuration).unwrap();
    let started = Instant::now();
    let output = program(&[])
        .args(["list", "--output=json", "--config"])
        .arg(&path)
        .env("IOT_TOKEN", "hunter2hunter2")
        .output()
        .unwrap();
    let elapsed = started.elapsed();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(elapsed < Duration::from_secs(6), "{elapsed:?}");
}
