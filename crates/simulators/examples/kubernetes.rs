//! Serves the simulated cluster on loopback until standard input is closed.

use std::io::Read;

use tokenfleet_simulators::{Server, Simulator, kubernetes::Kubernetes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Kubernetes::new();
    let server = Server::start(cluster.clone(), "127.0.0.1:0").await?;
    let line = serde_json::json!({
        "url": server.url(),
        "control": server.control_url(),
        "credentials": cluster.credentials(),
    });
    #[allow(clippy::print_stdout)]
    {
        println!("{line}");
    }
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    closed.await??;
    server.stop().await;
    Ok(())
}
