//! A client process that does the job in its argument through tokenfleet and prints its cost.

use tokenfleet_benches::adapter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let argument = std::env::args().nth(1).ok_or("a job is missing")?;
    let cost = adapter::run(&serde_json::from_str(&argument)?).await?;
    println!("{}", serde_json::to_string(&cost)?);
    Ok(())
}
