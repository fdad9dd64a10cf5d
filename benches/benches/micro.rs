//! Times the small pieces of work: `cargo bench -p tokenfleet-benches`.
#![allow(
    missing_docs,
    reason = "the macros of criterion make items without any"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use tokenfleet_benches::Micro;

fn micro(criterion: &mut Criterion) {
    for name in Micro::names() {
        let mut group = criterion.benchmark_group("micro");
        // Made ready only if it is among those that were asked for.
        let mut micro = None;
        group.bench_function(name, |bencher| {
            let micro =
                micro.get_or_insert_with(|| Micro::of_name(name).expect("it has that name"));
            bencher.iter(|| micro.run());
        });
        group.finish();
    }
}

criterion_group!(benches, micro);
criterion_main!(benches);
