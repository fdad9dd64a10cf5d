//! A program outside the workspace depends on the facade alone, and selects its platform by feature
//! and configuration.

use std::path::{Path, PathBuf};
use std::process::Command;

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
    let manifest = program.join("Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer");
    for (provider, listed, revoked) in [
        ("losant", "listed 3 Complete", "revoked deleted"),
        ("foreman", "listed 3 Complete", "revoked marked"),
        ("cloudsmith", "listed 0 Complete", "revoked replaced"),
        ("mindbody", "cannot be listed", "revoked deleted"),
    ] {
        let folder = target.join(provider);
        std::fs::create_dir_all(&folder).unwrap();
        let (server, environment) = account(provider, &folder).await;
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--features", provider, "--manifest-path"])
            .arg(&manifest)
            .arg("--target-dir")
            .arg(&target)
            .arg("--")
            .arg(folder.join("tokenfleet.toml"))
            .envs(environment)
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{provider}: {stdout}{stderr}");
        let lines: Vec<_> = stdout.lines().collect();
        assert!(lines[0].starts_with(listed), "{provider}: {stdout}");
        assert!(lines[1].starts_with("created "), "{provider}: {stdout}");
        assert_eq!(lines[2], revoked, "{provider}: {stdout}");
        server.stop().await;
    }
}
