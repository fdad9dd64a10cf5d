//! A client process that receives the pages of a listing, discards them and prints its cost.

use tokenfleet_benches::by_hand;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1).ok_or("a job is missing")?;
    let cost = by_hand::discard(&serde_json::from_str(&argument)?).await?;
    println!("{}", serde_json::to_string(&cost)?);
    Ok(())
}
