//! What clients cost by being there.

use std::error::Error;

use crate::{Client, Cost, Median, Packages, Platform, Simulated, Table, Work};

/// What a process of each client costs that does nothing but start, load the client and make one.
#[derive(Debug)]
pub struct Starts(Vec<(Client, Vec<Cost>)>);

impl Starts {
    /// Has each of them start in each run.
    ///
    /// # Errors
    ///
    /// When one fails.
    pub async fn measure(packages: &Packages, runs: usize) -> Result<Self, Box<dyn Error>> {
        let places = [
            (
                Platform::Losant,
                &[
                    Client::Tokenfleet,
                    Client::ByHand,
                    Client::Skip,
                    Client::Discard,
                    Client::LosantNpm,
                    Client::LosantPypi,
                ][..],
            ),
            (Platform::Foreman39, &[Client::Apypie]),
            (Platform::Cloudsmith, &[Client::CloudsmithApi]),
        ];
        let (mut simulators, mut starts) = (Vec::new(), Vec::new());
        for (platform, clients) in places {
            let simulated = Simulated::start(platform, 1).await?;
            let job = simulated.job(Work::Nothing);
            for client in clients {
                // The first process of all learns and keeps what later ones need.
                client.run(packages, &job).await?;
                starts.push((*client, job.clone(), Vec::new()));
            }
            simulators.push(simulated);
        }
        for _ in 0..runs {
            for (client, job, costs) in &mut starts {
                costs.push(client.run(packages, job).await?);
            }
        }
        let costs = starts.into_iter().map(|(client, _, costs)| (client, costs));
        Ok(Self(costs.collect()))
    }

    /// The processor time of that client, in seconds.
    ///
    /// # Panics
    ///
    /// For a client that was not measured.
    #[must_use]
    pub fn of(&self, client: Client) -> f64 {
        let same = client.whatever_its_pages();
        let start = self.0.iter().find(|(each, _)| *each == same);
        let (_, costs) = start.expect("every client was started");
        processor(costs).middle
    }

    /// All of them.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::of(["client", "processor", "peak memory"]);
        for (client, costs) in &self.0 {
            let (processor, memory) = (processor(costs), Median::of(costs.iter().map(peak)));
            table.add([
                client.name().to_owned(),
                format!("{:.3} s ± {:.3} s", processor.middle, processor.spread),
                format!("{:.1} MiB ± {:.1} MiB", memory.middle, memory.spread),
            ]);
        }
        table
    }
}

fn processor(costs: &[Cost]) -> Median {
    Median::of(costs.iter().map(|cost| cost.processor))
}

/// In MiB.
fn peak(cost: &Cost) -> f64 {
    cost.peak_memory as f64 / 1024.0
}
