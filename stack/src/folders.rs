//! Where things are kept on this machine, by the XDG base directory rules.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::StackError;

/// Downloads and what is computed from them: `$XDG_CACHE_HOME/hissa`, by default `~/.cache/hissa`.
///
/// # Errors
///
/// Neither variable is set, or the folder cannot be made.
pub fn cache() -> Result<PathBuf, StackError> {
    folder("downloads", "XDG_CACHE_HOME", ".cache", "hissa")
}

/// The state of `hissa stack up`: `$XDG_STATE_HOME/hissa/stack`, by default `~/.local/state/hissa/stack`.
///
/// # Errors
///
/// Neither variable is set, or the folder cannot be made.
pub fn state() -> Result<PathBuf, StackError> {
    folder(
        "the stack's state",
        "XDG_STATE_HOME",
        ".local/state",
        "hissa/stack",
    )
}

fn folder(
    what: &'static str,
    variable: &'static str,
    below_home: &str,
    name: &str,
) -> Result<PathBuf, StackError> {
    // The rules say that a relative path in such a variable is to be ignored.
    let set = env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let base = match set {
        Some(base) => base,
        None => env::var_os("HOME")
            .map(|home| Path::new(&home).join(below_home))
            .ok_or(StackError::NoHome { what, variable })?,
    };
    let folder = base.join(name);
    make(&folder)?;
    Ok(folder)
}

/// Makes `folder` and those above it.
pub(crate) fn make(folder: &Path) -> Result<(), StackError> {
    fs::create_dir_all(folder).map_err(StackError::file("making the folder", folder))
}

/// Refuses to begin what a full disk would end: `folder` must have `needed_mb` free.
pub(crate) fn require_space(
    what: &'static str,
    folder: &Path,
    needed_mb: u64,
    variable: &'static str,
) -> Result<(), StackError> {
    let disk = rustix::fs::statvfs(folder)
        .map_err(|errno| StackError::file("asking for free space in", folder)(errno.into()))?;
    let free_mb = disk.f_bavail.saturating_mul(disk.f_frsize) / 1_000_000;
    if free_mb < needed_mb {
        return Err(StackError::NoSpace {
            what,
            folder: folder.to_owned(),
            needed_mb,
            free_mb,
            variable,
        });
    }
    Ok(())
}
