//! The table of figures; how to read it says the library's documentation.

use std::io::Write;

use anyhow::Result;
use clap::Parser;
use hissa_bench::heap::Counting;
use hissa_bench::measure::{self, Memory, Speed, Warm};

#[global_allocator]
static HEAP: Counting = Counting;

/// Measures a shard: rows a second beside a bare sum, and bytes of memory.
#[derive(Parser)]
struct Arguments {
    /// SIMs that are enrolled.
    #[arg(long, default_value_t = 1_000_000)]
    sims: usize,
    /// Samples of 100,000 rows.
    #[arg(long, default_value_t = 40)]
    samples: usize,
    /// Identities of one day.
    #[arg(long, default_value_t = 3_000_000)]
    identities: usize,
    /// Only times, or only bytes.
    #[arg(long)]
    only: Option<Only>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Speed,
    Memory,
}

#[derive(serde::Serialize)]
struct Figures {
    #[serde(flatten)]
    speed: Option<Speed>,
    memory: Option<Memory>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut figures = Figures {
        speed: None,
        memory: None,
    };
    if arguments.only != Some(Only::Memory) {
        let mut warm = Warm::new(arguments.sims)?;
        let speed = measure::speed(&mut warm, arguments.sims, arguments.samples)?;
        figures.speed = Some(speed);
    }
    if arguments.only != Some(Only::Speed) {
        figures.memory = Some(measure::memory(arguments.sims, arguments.identities)?);
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &figures)?;
        writeln!(out)?;
        return Ok(());
    }
    if let Some(speed) = figures.speed {
        write_speed(&mut out, &speed)?;
    }
    if let Some(memory) = figures.memory {
        write_memory(&mut out, &memory)?;
    }
    Ok(())
}

fn write_speed(out: &mut impl Write, speed: &Speed) -> std::io::Result<()> {
    let Speed { sims, rows, .. } = speed;
    writeln!(out, "{rows} education rows of {sims} SIMs, warm, one core")?;
    let line = |name, rows, ns| format!("  {name:<22}{rows:>12} rows/s {ns:>8.1} ns a row");
    writeln!(
        out,
        "{}\n{}",
        line("apply", speed.apply_rows_per_s, speed.apply_ns_per_row),
        line(
            "bare sum",
            speed.bare_sum_rows_per_s,
            speed.bare_sum_ns_per_row
        ),
    )?;
    writeln!(
        out,
        "  {:<22}{:>12.2} times   ({:.2} to {:.2}; target: at most 3)",
        "apply by bare sum", speed.ratio, speed.ratio_least, speed.ratio_most
    )
}

fn write_memory(out: &mut impl Write, memory: &Memory) -> std::io::Result<()> {
    writeln!(
        out,
        "memory: {} SIMs; {} identities of one day",
        memory.sims, memory.identities
    )?;
    let table = [
        ("SIM", memory.bytes_per_sim, 300),
        ("cell of the open day", memory.bytes_per_cell, 48),
        ("identity, filling", memory.bytes_per_filling_identity, 40),
        (
            "  at its worst",
            memory.bytes_per_filling_identity_worst,
            40,
        ),
        ("identity, past", memory.bytes_per_past_identity, 16),
    ];
    for (name, bytes, target) in table {
        writeln!(
            out,
            "  {name:<22}{bytes:>12.1} bytes   (target: at most {target})"
        )?;
    }
    Ok(())
}
