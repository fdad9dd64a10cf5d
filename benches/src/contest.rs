//! Several clients at the same work, by turns.

use std::error::Error;

use crate::{Client, Cost, Job, Median, Packages, Simulated, Table};

/// What each client's runs cost, which took turns. The first client is the one that the others are compared with.
#[derive(Debug)]
pub struct Contest {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    client: Client,
    /// Seconds of processor time of a process that does nothing.
    start: f64,
    costs: Vec<Cost>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Seconds from the first request to the last token.
    Wall,
    /// Seconds of processor time of the whole process.
    Processor,
    /// The same without those of a process that does nothing.
    BeyondStart,
    /// The most memory that the process ever held, in KiB.
    PeakMemory,
}

impl Measure {
    const ALL: [Self; 4] = [
        Self::Wall,
        Self::Processor,
        Self::BeyondStart,
        Self::PeakMemory,
    ];

    fn of(self, entry: &Entry, cost: &Cost) -> f64 {
        match self {
            Self::Wall => cost.wall,
            Self::Processor => cost.processor,
            Self::BeyondStart => cost.processor - entry.start,
            Self::PeakMemory => cost.peak_memory as f64,
        }
    }

    fn shown(self, value: f64) -> String {
        match self {
            Self::Wall | Self::Processor | Self::BeyondStart => format!("{value:.3} s"),
            Self::PeakMemory => format!("{:.1} MiB", value / 1024.0),
        }
    }
}

impl Contest {
    /// Has each client do its job in each run; what a process that does nothing costs is known by `start`. Jobs may be
    /// named after the text that is given with each, which never comes twice.
    ///
    /// # Errors
    ///
    /// When a client fails, or saw something else than the first one.
    pub async fn hold(
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
            // None is always the first, nor works where the others have left most behind.
            let (later, sooner) = entries.split_at_mut(run % clients.len().max(1));
            for Entry { client, costs, .. } in sooner.iter_mut().chain(later) {
                let before = simulated.requests();
                let job = job(*client, names.next().unwrap_or_default());
                let mut cost = client.run(packages, &job).await?;
                cost.requests = simulated.requests() - before;
                costs.push(cost);
            }
        }
        let contest = Self { entries };
        contest.make_sure_that_all_saw_the_same()?;
        Ok(contest)
    }

    fn make_sure_that_all_saw_the_same(&self) -> Result<(), Box<dyn Error>> {
        let ours = &self.entries[0].costs[0];
        for entry in self.entries.iter().filter(|entry| entry.client.looks()) {
            for cost in &entry.costs {
                // JavaScript counts some letters twice.
                let more = match entry.client {
                    Client::LosantNpm => ours.letters / 100,
                    _ => 0,
                };
                let alike = (ours.letters..=ours.letters + more).contains(&cost.letters);
                if cost.tokens != ours.tokens || !alike {
                    let saw = |cost: &Cost| {
                        format!("{} tokens with {} letters", cost.tokens, cost.letters)
                    };
                    let (name, first) = (entry.client.name(), self.entries[0].client.name());
                    return Err(
                        format!("{name} saw {}, and {first} {}", saw(cost), saw(ours)).into(),
                    );
                }
            }
        }
        Ok(())
    }

    /// What a client's runs cost.
    #[must_use]
    pub fn median(&self, client: Client, measure: Measure) -> Median {
        let entries = self.entries.iter().filter(|entry| entry.client == client);
        let costs = |entry| Entry::measured(entry, measure);
        Median::of(entries.flat_map(costs))
    }

    /// How many times the figure of the first client that of the best official one is, run by run.
    #[must_use]
    pub fn best_official(&self, measure: Measure) -> Median {
        let first = self.entries[0].measured(measure);
        Median::of(first.enumerate().map(|(run, ours)| {
            let official = self
                .entries
                .iter()
                .filter(|entry| entry.client.is_official());
            let theirs = official.map(|entry| measure.of(entry, &entry.costs[run]));
            theirs.fold(f64::INFINITY, f64::min) / ours
        }))
    }

    /// All figures of all clients.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::of([
            "client",
            "requests",
            "wall",
            "processor",
            "beyond its start",
            "peak memory",
        ]);
        for entry in &self.entries {
            let requests = Median::of(entry.costs.iter().map(|cost| cost.requests as f64));
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

    /// A figure, with its spread at the first client, and with how many times that of the first it is at the others.
    fn cell(&self, entry: &Entry, measure: Measure) -> String {
        let figure = Median::of(entry.measured(measure));
        let first = &self.entries[0];
        let shown = measure.shown(figure.middle);
        if entry.client == first.client {
            return format!("{shown} ± {}", measure.shown(figure.spread));
        }
        let runs = entry.measured(measure).zip(first.measured(measure));
        let times = Median::of(runs.map(|(theirs, ours)| theirs / ours));
        format!("{shown}, × {times}")
    }
}

impl Entry {
    fn measured(&self, measure: Measure) -> impl Iterator<Item = f64> {
        self.costs.iter().map(move |cost| measure.of(self, cost))
    }
}
