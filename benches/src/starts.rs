//! The cost of starting clients.

use std::error::Error;

use crate::{Client, Cost, Median, Packages, Platform, Simulated, Table, Work};

/// The cost of a process of each client that only starts, loads the client and creates one.
#[derive(Debug)]
pub struct Starts(Vec<(Client, Vec<Cost>)>);

impl Starts {
    /// Starts each client once in each run.
    ///
    /// # Errors
    ///
    /// Returns an error if one fails.
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
                // The first process fills the caches that later ones use.
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

    /// Returns the processor time of a client, in seconds.
    ///
    /// # Panics
    ///
    /// Panics if the client was not measured.
    #[must_use]
    pub fn processor_time(&self, client: Client) -> f64 {
        let client = client.ignoring_page_size();
        let start = self.0.iter().find(|(each, _)| *each == client);
        let (_, costs) = start.expect("every client was measured");
        processor(costs).middle
    }

    /// Returns all costs as a table.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new(["client", "processor", "peak memory"]);
        for (client, costs) in &self.0 {
            let (processor, memory) = (
                processor(costs),
                Median::from_values(costs.iter().map(peak)),
            );
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
    Median::from_values(costs.iter().map(|cost| cost.processor))
}

/// Returns the peak memory in MiB.
fn peak(cost: &Cost) -> f64 {
    cost.peak_memory as f64 / 1024.0
}
