//! `judge FOLDER`: holds what `hissa demo --exit --keep FOLDER` left against the oracle.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use hissa_stack::{Report, Stack, StackOptions};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.context("name the folder that `hissa demo --exit --keep FOLDER` left")?;
    let options = StackOptions::in_folder(folder.join("stack"));
    let stack = Stack::up(options, Report::silent()).await?;
    let verdict = hissa_end_to_end::oracle::judge(&folder, &stack).await;
    stack.stop().await?;
    let verdict = verdict?;
    let mut out = std::io::stdout().lock();
    for (table, entries) in &verdict.compared {
        writeln!(out, "{table:<12}{entries:>9} entries of the oracle's")?;
    }
    for difference in &verdict.differences {
        writeln!(out, "{difference}")?;
    }
    writeln!(out, "{} differences", verdict.differences.len())?;
    Ok(ExitCode::from(u8::from(!verdict.differences.is_empty())))
}
