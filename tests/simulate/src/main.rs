//! `simulate --seeds N`: runs seeds, and ends with `N seeds, D differences`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use clap::Parser;
use simulate::coverage::Coverage;
use simulate::faults::Faults;
use simulate::scenario::Size;
use simulate::seed::Case;
use simulate::sort::sort;
use simulate::{kept, runs, small};

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
    threads: usize,
    /// Everything as one JSON object.
    #[arg(long)]
    json: bool,
    /// Smaller runs, as the tests have them.
    #[arg(long)]
    small: bool,
    /// Add seeds that differ to failing-seeds.txt.
    #[arg(long)]
    keep: bool,
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

/// What runs came to.
#[derive(Default)]
struct Sum {
    seeds: u64,
    differences: u64,
    coverage: Coverage,
    /// Seeds by sort of difference.
    sorts: BTreeMap<String, Vec<u64>>,
    /// Seeds and what they differ in, kept only for JSON.
    told: Vec<(u64, String)>,
}

fn run(args: &Args) -> ExitCode {
    // Of ranges that are run apart, the one from 0 begins with the seeds that have differed before.
    let kept = match (args.first, &args.faults) {
        (0, None) => kept::kept(),
        _ => Ok(Vec::new()),
    };
    let kept = match kept {
        Ok(kept) => kept,
        Err(why) => return fail(&why),
    };
    let before = run_cases(args, &kept, "kept seeds");
    let cases: Vec<Case> = (args.first..args.first + args.seeds)
        .map(|seed| args.case(seed))
        .collect();
    let sum = run_cases(args, &cases, "seeds");
    let differences = before.differences + sum.differences;
    match args.json {
        true => report_json(&before, &sum),
        false => report(&before, &sum),
    }
    match differences {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command that reports to its user"
)]
fn run_cases(args: &Args, cases: &[Case], what: &str) -> Sum {
    let (began, all) = (Instant::now(), cases.len());
    let sum: Mutex<Sum> = Mutex::default();
    runs::run(cases, args.threads, |case, verdict| {
        let Ok(mut sum) = sum.lock() else {
            return;
        };
        sum.seeds += 1;
        sum.differences += u64::from(!verdict.differences.is_empty());
        sum.coverage.join(&verdict.coverage);
        if args.digests && !args.json {
            println!("seed {}: {:016x}", verdict.seed, verdict.digest);
        }
        for difference in &verdict.differences {
            match args.json {
                true => sum.told.push((verdict.seed, difference.clone())),
                false => println!("seed {}: {difference}", verdict.seed),
            }
            sum.sorts
                .entry(sort(difference))
                .or_default()
                .push(verdict.seed);
        }
        if args.keep
            && what == "seeds"
            && let Some(first) = verdict.differences.first()
            && let Err(why) = kept::keep(case, &sort(first))
        {
            eprintln!("seed {} is not kept: {why}", verdict.seed);
        }
        if sum.seeds.is_multiple_of(50) || sum.seeds == all as u64 {
            let pace = sum.seeds as f64 / began.elapsed().as_secs_f64();
            eprintln!(
                "{} of {all} {what}, {} differences, {pace:.1} seeds/s",
                sum.seeds, sum.differences
            );
        }
    });
    sum.into_inner().unwrap_or_default()
}

#[allow(clippy::print_stdout, reason = "a command that reports to its user")]
fn report(before: &Sum, sum: &Sum) {
    table(&sum.coverage);
    for (sort, seeds) in &sum.sorts {
        println!(
            "{} times {sort}: seeds {:?}",
            seeds.len(),
            &seeds[..seeds.len().min(6)]
        );
    }
    let least = Coverage::least(sum.seeds);
    let below = sum.coverage.below(least);
    println!("reached less than {least} times: {}", below.len());
    for told in below {
        println!("  {told}");
    }
    let differences = before.differences + sum.differences;
    println!("{} seeds, {differences} differences", sum.seeds);
}

#[allow(clippy::print_stdout, reason = "a command that reports to its user")]
fn report_json(before: &Sum, sum: &Sum) {
    let least = Coverage::least(sum.seeds);
    let told = before.told.iter().chain(&sum.told);
    let told = told.map(|(seed, what)| serde_json::json!({"seed": seed, "difference": what}));
    let report = serde_json::json!({
        "seeds": sum.seeds,
        "differences": before.differences + sum.differences,
        "differing": told.collect::<Vec<_>>(),
        "coverage": json(&sum.coverage),
        "least": least,
        "below_least": sum.coverage.below(least),
    });
    println!("{report}");
}

#[allow(clippy::print_stderr, reason = "a command that reports to its user")]
fn fail(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
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
