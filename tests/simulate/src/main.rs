//! `simulate --seeds N`: runs seeds, and ends with `N seeds, D differences`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use simulate::coverage::Coverage;
use simulate::faults::Faults;
use simulate::scenario::Size;
use simulate::seed::{Case, Verdict};
use simulate::small;
use simulate::sort::sort;

/// Seeded runs of the real core, worker and publisher, with faults.
#[derive(Parser)]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// The coverage as JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Smaller runs, as the tests have them.
    #[arg(long)]
    small: bool,
    /// Say the digest of every seed.
    #[arg(long)]
    digests: bool,
    /// Run every seed with these faults instead of its own: `120 owner-crash 0 3 0; ...`.
    #[arg(long)]
    faults: Option<Faults>,
    /// Find the few faults, commands and messages that make this seed differ.
    #[arg(long, value_name = "SEED")]
    shrink: Option<u64>,
    /// With `--shrink`: follow the first difference of a sort that has this in it.
    #[arg(long, default_value = "")]
    like: String,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.shrink {
        Some(seed) => shrink_seed(&args.case(seed), &args.like),
        None => run(&args),
    }
}

impl Args {
    fn case(&self, seed: u64) -> Case {
        let size = match self.small {
            true => Size::Small,
            false => Size::Full,
        };
        Case {
            faults: self.faults.clone(),
            ..Case::whole(seed, size)
        }
    }
}

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command that reports to its user"
)]
fn run(args: &Args) -> ExitCode {
    let began = Instant::now();
    let next = AtomicU64::new(args.first);
    let end = args.first + args.seeds;
    let sum = Mutex::new((0u64, 0u64, Coverage::default()));
    let sorts: Mutex<BTreeMap<String, Vec<u64>>> = Mutex::default();
    let take = |verdict: Verdict| {
        let Ok(mut sum) = sum.lock() else {
            return;
        };
        sum.0 += 1;
        sum.1 += u64::from(!verdict.differences.is_empty());
        sum.2.join(&verdict.coverage);
        if args.digests {
            println!("seed {}: {:016x}", verdict.seed, verdict.digest);
        }
        for difference in &verdict.differences {
            println!("seed {}: {difference}", verdict.seed);
            if let Ok(mut sorts) = sorts.lock() {
                sorts
                    .entry(sort(difference))
                    .or_default()
                    .push(verdict.seed);
            }
        }
        if sum.0.is_multiple_of(50) || sum.0 == args.seeds {
            let pace = sum.0 as f64 / began.elapsed().as_secs_f64();
            eprintln!(
                "{} of {} seeds, {} differences, {pace:.1} seeds/s",
                sum.0, args.seeds, sum.1
            );
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..args.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    take(args.case(seed).run());
                }
            });
        }
    });
    let Ok((seeds, differences, coverage)) = sum.into_inner() else {
        return ExitCode::FAILURE;
    };
    match args.json {
        true => println!("{}", json(&coverage)),
        false => table(&coverage),
    }
    for (sort, seeds) in sorts.into_inner().unwrap_or_default() {
        println!(
            "{} times {sort}: seeds {:?}",
            seeds.len(),
            &seeds[..seeds.len().min(6)]
        );
    }
    println!("{seeds} seeds, {differences} differences");
    match differences {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

#[allow(clippy::print_stdout, reason = "a command that reports to its user")]
fn table(coverage: &Coverage) {
    let mut last = "";
    for ((group, name), count) in &coverage.counts {
        if *group != last {
            println!("{group}");
            last = group;
        }
        println!("  {name:<34} {count:>14}");
    }
}

fn json(coverage: &Coverage) -> serde_json::Value {
    let mut groups = serde_json::Map::new();
    for ((group, name), count) in &coverage.counts {
        let group = groups
            .entry(*group)
            .or_insert_with(|| serde_json::json!({}));
        group[name] = (*count).into();
    }
    groups.into()
}

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command that reports to its user"
)]
fn shrink_seed(case: &Case, like: &str) -> ExitCode {
    let Some((case, differences)) = small::small(case, like, |told| eprintln!("{told}")) else {
        println!("seed {} does not differ", case.seed);
        return ExitCode::SUCCESS;
    };
    let shape = &case.scenario().shape;
    println!(
        "zone {}, {} partitions, held at most {}, played {}",
        shape.zone,
        shape.partitions.count(),
        shape.held_sims_max,
        shape.played
    );
    println!("{}--faults \"{}\"", case.scenario().told(), case.faults());
    for difference in differences {
        println!("{difference}");
    }
    ExitCode::FAILURE
}
