//! Times the micro-benchmarks: `cargo bench -p tokenfleet-benches`.
#![allow(
    missing_docs,
    reason = "the macros of criterion generate undocumented items"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokenfleet_benches::{Amount, Micro};

fn micro(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("micro");
    for name in Micro::names() {
        let mut micro = Micro::by_name(name).expect("the name is known");
        let (Amount::Tokens(amount) | Amount::Times(amount)) = micro.amount;
        group.throughput(Throughput::Elements(amount));
        group.bench_function(name, |bencher| bencher.iter(|| micro.run()));
    }
    group.finish();
}

criterion_group!(benches, micro);
criterion_main!(benches);
