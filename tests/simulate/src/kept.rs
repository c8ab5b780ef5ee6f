//! Seeds that have differed once: they are run first.

use std::fs::OpenOptions;
use std::io::{self, Write};

use crate::scenario::Size;
use crate::seed::Case;

const TEXT: &str = include_str!("../failing-seeds.txt");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/failing-seeds.txt");

/// The seeds of `failing-seeds.txt`.
///
/// # Errors
/// A line is none.
pub fn kept() -> Result<Vec<Case>, String> {
    let lines = TEXT
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(read).collect()
}

fn read(line: &str) -> Result<Case, String> {
    let wrong = || format!("{line:?} in failing-seeds.txt: expected a size and a seed");
    let (size, seed) = line.split_once(' ').ok_or_else(wrong)?;
    let size = match size {
        "full" => Size::Full,
        "small" => Size::Small,
        _ => return Err(wrong()),
    };
    let seed = seed.trim().parse().map_err(|_| wrong())?;
    Ok(Case::whole(seed, size))
}

/// Adds a seed to the file.
///
/// # Errors
/// The file cannot be written: this is not where it was built.
pub fn keep(case: &Case, why: &str) -> io::Result<()> {
    let size = match case.size {
        Size::Full => "full",
        Size::Small => "small",
    };
    let mut file = OpenOptions::new().append(true).open(PATH)?;
    writeln!(file, "{size} {}  # {why}", case.seed)
}
