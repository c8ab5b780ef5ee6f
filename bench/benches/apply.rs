//! Criterion's view of the two times: see the library's documentation.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hissa_bench::fleet::drain;
use hissa_bench::measure::Warm;

const SIMS: usize = 1_000_000;
const FRAMES: usize = 25;

fn apply(criterion: &mut Criterion) {
    let mut warm = match Warm::new(SIMS) {
        Ok(warm) => warm,
        Err(error) => panic!("{error}"),
    };
    let mut group = criterion.benchmark_group("education rows of 1M SIMs");
    let rows: usize = warm.traffic.frames(FRAMES).iter().map(Vec::len).sum();
    group.throughput(Throughput::Elements(rows as u64));
    group.sample_size(20);
    group.measurement_time(Duration::from_secs(10));
    for name in ["apply", "bare sum"] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let mut total = Duration::ZERO;
                for _ in 0..times {
                    // Identities are new each time, so rows are, too; neither they nor taking is measured.
                    drain(&mut warm.shard);
                    let frames = warm.traffic.frames(FRAMES);
                    total += match name {
                        "apply" => match warm.apply(&frames) {
                            Ok(time) => time,
                            Err(error) => panic!("{error}"),
                        },
                        _ => warm.sum(&frames),
                    };
                }
                total
            });
        });
    }
    group.finish();
}

criterion_group!(benches, apply);
criterion_main!(benches);
