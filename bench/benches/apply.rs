//! Criterion's view of the two times: see the library's documentation.

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use hissa_bench::fleet::drain;
use hissa_bench::measure::{Warm, median};

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
    group.sampling_mode(SamplingMode::Flat);
    group.measurement_time(Duration::from_secs(10));
    let mut ns_per_row = [Vec::new(), Vec::new()];
    for (name, ns_per_row) in ["apply", "bare sum"].into_iter().zip(&mut ns_per_row) {
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
                ns_per_row.push(total.as_secs_f64() * 1e9 / (rows as f64 * times as f64));
                total
            });
        });
    }
    group.finish();
    // Criterion compares a time with its own last run alone; its warm-up is among these.
    let [apply, sum] = ns_per_row.map(|mut samples| median(&mut samples));
    let ratio = apply / sum;
    println!("apply {apply:.1} ns a row, bare sum {sum:.1}: {ratio:.2} times (target: at most 3)");
}

criterion_group!(benches, apply);
criterion_main!(benches);
