//! Criterion's view of the two times, and their ratio: see the library's documentation.

use std::io::Write;
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
    let mut ratios = Vec::new();
    for name in ["apply", "bare sum"] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let (mut applied, mut summed) = (Duration::ZERO, Duration::ZERO);
                for time in 0..times {
                    // Identities are new each time, so rows are, too; neither they nor taking is measured.
                    drain(&mut warm.shard);
                    let frames = warm.traffic.frames(FRAMES);
                    let (apply, sum) = match warm.both(&frames, time % 2 == 0) {
                        Ok(both) => both,
                        Err(error) => panic!("{error}"),
                    };
                    applied += apply;
                    summed += sum;
                }
                ratios.push(applied.as_secs_f64() / summed.as_secs_f64());
                if name == "apply" { applied } else { summed }
            });
        });
    }
    group.finish();
    if !ratios.is_empty() {
        // Criterion compares a time with its own last run alone.
        let (samples, ratio) = (ratios.len(), median(&mut ratios));
        let said = format!(
            "apply by bare sum: {ratio:.2} times, of {samples} samples (target: at most 3)"
        );
        // A reader who has gone away needs no figure.
        let _ = writeln!(std::io::stdout(), "{said}");
    }
}

criterion_group!(benches, apply);
criterion_main!(benches);
