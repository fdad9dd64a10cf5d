//! A comparison of several clients that take turns at the same work.

use std::error::Error;

use crate::{Client, Cost, Job, Median, Packages, Series, Simulated, Table};

/// The costs of clients that took turns; the others are compared with the first.
#[derive(Debug)]
pub struct Contest {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    client: Client,
    /// The processor time in seconds of a process that does nothing.
    start: f64,
    costs: Vec<Cost>,
}

/// A figure that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The seconds from the first request to the last token.
    Wall,
    /// The processor time of the whole process in seconds.
    Processor,
    /// The processor time without that of a process that does nothing.
    BeyondStart,
    /// The peak memory of the process, in KiB.
    PeakMemory,
}

impl Measure {
    const ALL: [Self; 4] = [
        Self::Wall,
        Self::Processor,
        Self::BeyondStart,
        Self::PeakMemory,
    ];

    fn value(self, entry: &Entry, cost: &Cost) -> f64 {
        match self {
            Self::Wall => cost.wall,
            Self::Processor => cost.processor,
            Self::BeyondStart => cost.processor - entry.start,
            Self::PeakMemory => cost.peak_memory as f64,
        }
    }

    fn format(self, value: f64) -> String {
        match self {
            Self::Wall | Self::Processor | Self::BeyondStart => format!("{value:.3} s"),
            Self::PeakMemory => format!("{:.1} MiB", value / 1024.0),
        }
    }
}

impl Contest {
    /// Lets each client do its job once in each run.
    ///
    /// `start` returns the processor time of a process that does nothing, and `job` gets a text
    /// that is unique to the job.
    ///
    /// # Errors
    ///
    /// Returns an error if a client fails or reads other tokens than the first one.
    pub async fn run(
        clients: &[Client],
        packages: &Packages,
        runs: usize,
        simulated: &Simulated,
        start: impl Fn(Client) -> f64,
        job: impl Fn(Client, String) -> Job,
    ) -> Result<Self, Box<dyn Error>> {
        let entry = |client: &Client| Entry {
            client: *client,
            start: start(*client),
            costs: Vec::new(),
        };
        let mut entries = Vec::from_iter(clients.iter().map(entry));
        let mut names = (0..).map(|number| format!("turn-{number:04}"));
        for run in 0..runs {
            // No client always goes first, or always works on what the others left behind.
            let (second, first) = entries.split_at_mut(run % clients.len().max(1));
            for Entry { client, costs, .. } in first.iter_mut().chain(second) {
                let before = simulated.requests();
                let job = job(*client, names.next().unwrap_or_default());
                let mut cost = client.run(packages, &job).await?;
                cost.requests = simulated.requests() - before;
                costs.push(cost);
            }
        }
        let contest = Self { entries };
        contest.check_same_tokens()?;
        Ok(contest)
    }

    fn check_same_tokens(&self) -> Result<(), Box<dyn Error>> {
        let ours = &self.entries[0].costs[0];
        for entry in self
            .entries
            .iter()
            .filter(|entry| entry.client.decodes_tokens())
        {
            for cost in &entry.costs {
                // JavaScript counts some letters twice.
                let tolerance = match entry.client {
                    Client::LosantNpm => ours.letters / 100,
                    _ => 0,
                };
                let matches = (ours.letters..=ours.letters + tolerance).contains(&cost.letters);
                if cost.tokens != ours.tokens || !matches {
                    let tokens = |cost: &Cost| {
                        format!("{} tokens with {} letters", cost.tokens, cost.letters)
                    };
                    let (name, first) = (entry.client.name(), self.entries[0].client.name());
                    return Err(format!(
                        "{name} read {}, but {first} read {}",
                        tokens(cost),
                        tokens(ours)
                    )
                    .into());
                }
            }
        }
        Ok(())
    }

    /// Returns the median of a client's runs.
    #[must_use]
    pub fn median(&self, client: Client, measure: Measure) -> Median {
        let entries = self.entries.iter().filter(|entry| entry.client == client);
        let costs = |entry| Entry::measured(entry, measure);
        Median::from_values(entries.flat_map(costs))
    }

    /// Returns the figure of the best official client as a multiple of that of the first client,
    /// run by run.
    #[must_use]
    pub fn best_official(&self, measure: Measure) -> Median {
        let first = self.entries[0].measured(measure);
        Median::from_values(first.enumerate().map(|(run, ours)| {
            let official = self
                .entries
                .iter()
                .filter(|entry| entry.client.is_official());
            let theirs = official.map(|entry| measure.value(entry, &entry.costs[run]));
            theirs.fold(f64::INFINITY, f64::min) / ours
        }))
    }

    /// Returns the median of each client.
    #[must_use]
    pub fn series(&self, measure: Measure) -> Series {
        let median = |entry: &Entry| {
            let middle = Median::from_values(entry.measured(measure)).middle;
            (entry.client.name().to_owned(), middle)
        };
        self.entries.iter().map(median).collect()
    }

    /// Returns all figures of all clients as a table.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new([
            "client",
            "requests",
            "wall",
            "processor",
            "beyond its start",
            "peak memory",
        ]);
        for entry in &self.entries {
            let requests = Median::from_values(entry.costs.iter().map(|cost| cost.requests as f64));
            let [wall, processor, beyond_start, peak_memory] =
                Measure::ALL.map(|measure| self.cell(entry, measure));
            table.add([
                entry.client.name().to_owned(),
                requests.middle.to_string(),
                wall,
                processor,
                beyond_start,
                peak_memory,
            ]);
        }
        table
    }

    /// Returns a figure, with its spread for the first client and as a multiple of the first for
    /// the others.
    fn cell(&self, entry: &Entry, measure: Measure) -> String {
        let figure = Median::from_values(entry.measured(measure));
        let first = &self.entries[0];
        let text = measure.format(figure.middle);
        if entry.client == first.client {
            return format!("{text} ± {}", measure.format(figure.spread));
        }
        let runs = entry.measured(measure).zip(first.measured(measure));
        let times = Median::from_values(runs.map(|(theirs, ours)| theirs / ours));
        format!("{text}, × {times}")
    }
}

impl Entry {
    fn measured(&self, measure: Measure) -> impl Iterator<Item = f64> {
        self.costs.iter().map(move |cost| measure.value(self, cost))
    }
}
