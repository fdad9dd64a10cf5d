//! A program outside the workspace depends on the facade alone, and selects its platform by feature
//! and configuration.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use tokenfleet_simulators::{Server, build};

/// Copies the program to where tests may write, and points its dependency to the real facade.
fn copy_program() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer-source");
    std::fs::create_dir_all(copy.join("src")).unwrap();
    let manifest = std::fs::read_to_string(source.join("consumer/Cargo.toml")).unwrap();
    let relative = "../../crates/tokenfleet";
    assert!(manifest.contains(relative));
    let facade = source.join("../crates/tokenfleet").canonicalize().unwrap();
    // A TOML literal has no escapes: backslashes stay as they are.
    let path = format!("'{}'", facade.display());
    let manifest = manifest.replace(&format!("\"{relative}\""), &path);
    std::fs::write(copy.join("Cargo.toml"), manifest).unwrap();
    std::fs::copy(
        source.join("consumer/src/main.rs"),
        copy.join("src/main.rs"),
    )
    .unwrap();
    // With the versions of the workspace, nothing else is downloaded.
    std::fs::copy(source.join("../Cargo.lock"), copy.join("Cargo.lock")).unwrap();
    copy
}

/// Returns the target directory of the program.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer")
}

/// Returns a command that runs the program with one platform built in.
fn consumer(program: &Path, provider: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    // The variables of this package are a change to some build scripts, after which everything is
    // compiled again.
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
        .args(["run", "--quiet", "--features", provider, "--manifest-path"])
        .arg(program.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target())
        .arg("--");
    command
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Starts a simulator and writes the configuration of an account there, with credentials from the
/// environment.
async fn account(provider: &str, folder: &Path) -> (Server, Vec<(String, String)>) {
    // Cloudsmith holds only the one token that the program creates.
    let tokens = if provider == "cloudsmith" {
        "tokens=0"
    } else {
        "tokens=3"
    };
    let simulator = build(provider, &[tokens]).unwrap();
    let server = Server::start_shared(simulator, "127.0.0.1:0")
        .await
        .unwrap();
    let mut toml = format!(
        "[accounts.it]\nprovider = \"{provider}\"\nbase_url = \"{}\"\n",
        server.url()
    );
    if provider == "cloudsmith" {
        toml.push_str("accept_lockout = true\n");
    }
    let mut environment = Vec::new();
    for (key, value) in server.simulator().credentials() {
        if matches!(key.as_str(), "token" | "api_key" | "password") {
            let variable = format!("CONSUMER_{}", key.to_uppercase());
            toml.push_str(&format!("{key} = {{ env = \"{variable}\" }}\n"));
            environment.push((variable, value));
        } else {
            toml.push_str(&format!("{key} = \"{value}\"\n"));
        }
    }
    std::fs::write(folder.join("tokenfleet.toml"), toml).unwrap();
    (server, environment)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_program_lists_creates_and_revokes_on_every_platform() {
    let program = copy_program();
    let target = target();
    for (provider, listed, revoked) in [
        ("losant", "listed 3 Complete", "revoked deleted"),
        ("foreman", "listed 3 Complete", "revoked marked"),
        ("cloudsmith", "listed 0 Complete", "revoked replaced"),
        ("mindbody", "cannot be listed", "revoked deleted"),
    ] {
        let folder = target.join(provider);
        std::fs::create_dir_all(&folder).unwrap();
        let (server, environment) = account(provider, &folder).await;
        let mut command = consumer(&program, provider);
        command.arg(folder.join("tokenfleet.toml"));
        let output = command.envs(environment).output().unwrap();
        let (stdout, stderr) = texts(&output);
        assert!(output.status.success(), "{provider}: {stdout}{stderr}");
        let lines: Vec<_> = stdout.lines().collect();
        assert!(lines[0].starts_with(listed), "{provider}: {stdout}");
        let count: String = listed.chars().filter(char::is_ascii_digit).collect();
        let saved = format!("saved {}", if count.is_empty() { "0" } else { &count });
        assert_eq!(lines[1], saved, "{provider}: {stdout}");
        assert!(lines[2].starts_with("created "), "{provider}: {stdout}");
        assert_eq!(lines[3], revoked, "{provider}: {stdout}");
        server.stop().await;
    }
    nothing_of_its_client_breaks_law_8(&program);
    an_error_of_its_main_is_one_line(&program);
}

fn nothing_of_its_client_breaks_law_8(program: &Path) {
    let server = Trap::start();
    let mut command = consumer(program, "losant");
    // Whoever takes a proxy from the environment gets nowhere.
    command.env("HTTP_PROXY", "http://127.0.0.1:1");
    command.env("http_proxy", "http://127.0.0.1:1");
    let output = command.args(["--probe", &server.base]).output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert!(output.status.success(), "{stdout}{stderr}");
    // The bytes of the requests are not among what is logged.
    assert_eq!(
        stdout,
        "the reqwest::ClientBuilder has default headers, which every platform would get; add \
         headers in a Transport that wraps this one\n\
         GET /banner the response is not HTTP/1\nGET /cookie 200\nGET /redirect 302\nGET /busy 503\nGET /last 200\n"
    );
    let requests = server.requests.lock().unwrap();
    let lines: Vec<_> = requests.iter().map(|head| head.lines().next()).collect();
    let expected = ["/cookie", "/redirect", "/busy", "/banner", "/last"]
        .map(|path| format!("GET {path} HTTP/1.1"));
    assert_eq!(lines, expected.each_ref().map(|line| Some(line.as_str())));
    for request in requests.iter() {
        let request = request.to_lowercase();
        // Its client it is, but without what law 8 forbids.
        assert!(request.contains("user-agent: consumer/1.0"), "{request}");
        for header in ["authorization:", "cookie:", "referer:", "accept-encoding:"] {
            assert!(!request.contains(header), "{request}");
        }
    }
}

fn an_error_of_its_main_is_one_line(program: &Path) {
    let output = consumer(program, "losant")
        .arg("missing.toml")
        .output()
        .unwrap();
    let (_, stderr) = texts(&output);
    assert!(
        stderr.starts_with("Error: cannot read missing.toml: "),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("; create it\n") && stderr.lines().count() == 1,
        "{stderr}"
    );
}

/// A server that sets a cookie with every response, redirects from `/redirect`, is unavailable
/// at `/busy`, and does not speak HTTP at `/banner`.
struct Trap {
    base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Trap {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                kept.lock().unwrap().push(respond(stream.unwrap()));
            }
        });
        Self { base, requests }
    }
}

/// Answers one request, and returns its head.
fn respond(mut stream: TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    if head.starts_with("GET /banner ") {
        stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").unwrap();
        return head;
    }
    let status = if head.starts_with("GET /redirect ") {
        "302 Found\r\nLocation: /elsewhere"
    } else if head.starts_with("GET /busy ") {
        "503 Service Unavailable"
    } else {
        "200 OK"
    };
    let response = format!(
        "HTTP/1.1 {status}\r\nSet-Cookie: session=1; Path=/\r\nConnection: close\r\n\
         Content-Length: 2\r\n\r\n{{}}"
    );
    stream.write_all(response.as_bytes()).unwrap();
    head
}
