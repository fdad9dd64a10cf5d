//! Measures the cost of depending on a library: builds a small program with each from scratch,
//! which takes minutes, and prints the table of `docs/PERFORMANCE.md`; with `--write` it writes it
//! there.
//!
//! `cargo run --release -p tokenfleet-benches --bin dependence`

use std::error::Error;

use tokenfleet_benches::{
    Arguments, Built, Conditions, Consumer, Figures, Headline, Median, Table, compiler, write,
};

/// Lists the tokens of an account at Losant.
const LOSANT: &str = r#"
            use tokenfleet::TokenProviderExt;
            let token = tokenfleet::Credential::from_env("TOKEN");
            let transport = std::sync::Arc::new(tokenfleet::transport::ReqwestTransport::new()?);
            let config = tokenfleet::losant::LosantConfig::new(token);
            let losant = tokenfleet::losant::Losant::new("main", config, transport);
            let mut tokens = losant.list(tokenfleet::Query::new())?;
            while let Some(token) = tokens.next().await { println!("{:?}", token?); }
        "#;

const CONSUMERS: [Consumer; 6] = [
    Consumer {
        library: "tokenfleet",
        with: "`losant`, `rustls`",
        dependency: r#"tokenfleet = { path = "{root}/crates/tokenfleet", default-features = false, features = ["losant", "rustls"] }"#,
        main: LOSANT,
    },
    Consumer {
        library: "tokenfleet",
        with: "its default features",
        dependency: r#"tokenfleet = { path = "{root}/crates/tokenfleet" }"#,
        main: LOSANT,
    },
    Consumer {
        library: "octocrab",
        with: "its default features",
        dependency: r#"octocrab = "0.54""#,
        main: r#"
            let token = std::env::var("TOKEN")?;
            let octocrab = octocrab::OctocrabBuilder::default().personal_token(token).build()?;
            let found = octocrab.current().list_repos_for_authenticated_user().send().await?;
            for repository in found.items { println!("{:?}", repository.name); }
        "#,
    },
    Consumer {
        library: "object_store",
        with: "`aws`",
        dependency: r#"object_store = { version = "0.14", default-features = false, features = ["aws"] }"#,
        main: r#"
            use object_store::ObjectStore;
            let store = object_store::aws::AmazonS3Builder::from_env().build()?;
            let found = store.list_with_delimiter(None).await?;
            for object in found.objects { println!("{object:?}"); }
        "#,
    },
    Consumer {
        library: "opendal",
        with: "`services-s3`, `executors-tokio`, `http-transport-reqwest-rustls`",
        dependency: r#"opendal = { version = "0.59", default-features = false, features = ["services-s3", "executors-tokio", "http-transport-reqwest-rustls"] }"#,
        main: r#"
            let bucket = std::env::var("BUCKET")?;
            let service = opendal::services::S3::default().bucket(&bucket);
            let operator = opendal::Operator::new(service)?;
            for entry in operator.list("/").await? { println!("{entry:?}"); }
        "#,
    },
    Consumer {
        library: "reqwest",
        with: "`rustls` alone",
        dependency: r#"reqwest = { version = "0.13", default-features = false, features = ["rustls"] }"#,
        main: r#"
            let url = std::env::var("URL")?;
            println!("{}", reqwest::Client::new().get(url).send().await?.text().await?);
        "#,
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_env(1)?;
    let conditions = Conditions::now()?;
    let mut recorded = Figures::recorded()?;
    // The first consumer has one provider.
    let mut crates = None;
    let mut table = Table::new([
        "library",
        "features",
        "crates",
        "build from nothing",
        "processor",
        "program",
    ]);
    for consumer in CONSUMERS {
        eprintln!("{}", consumer.library);
        let mut runs = Vec::new();
        for _ in 0..arguments.runs {
            runs.push(consumer.build()?);
        }
        let Some(built) = runs.last() else { continue };
        crates.get_or_insert(built.crates);
        let seconds = |figure: fn(&Built) -> f64| {
            let time = Median::from_values(runs.iter().map(figure));
            match runs.len() {
                1 => format!("{:.0} s", time.middle),
                _ => format!("{:.0} s ± {:.0} s", time.middle, time.spread),
            }
        };
        table.add([
            format!("{} {}", consumer.library, built.version),
            consumer.with.to_owned(),
            built.crates.to_string(),
            seconds(|built| built.wall),
            seconds(|built| built.processor),
            format!("{:.2} MiB", built.bytes as f64 / (1 << 20) as f64),
        ]);
    }
    let figures = format!(
        "{} {}.\n\n{table}",
        conditions.after(arguments.runs)?,
        compiler()?
    );
    print!("{figures}");
    if arguments.write {
        write("dependence", &figures)?;
        if let Some(crates) = crates {
            recorded.set(Headline::Crates, crates.to_string());
        }
        recorded.write()?;
    }
    Ok(())
}
