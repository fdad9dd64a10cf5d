//! One client process: does the job that it is given as its argument and prints what it cost.

use tokenfleet_benches::Job;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1).ok_or("a job is missing")?;
    let job: Job = serde_json::from_str(&argument)?;
    println!("{}", serde_json::to_string(&job.run().await?)?);
    Ok(())
}
