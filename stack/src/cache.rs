//! The cache of downloads: a name in it is either absent or complete.
//!
//! What is fetched or computed goes into a temporary neighbour first and is renamed when it is verified; a lock file
//! lets one process work and the others wait for its result.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::StackError;
use crate::folders;
use crate::progress::{Progress, Report};

/// Returns `<cache>/<name>` once `complete` says so of it; else lets `fill` make it in a temporary place.
///
/// `fill` gets a path that does not exist yet, on the same file system, and leaves a file or a folder there.
pub(crate) fn entry(
    cache: &Path,
    name: &str,
    what: &str,
    report: &Report,
    complete: impl Fn(&Path) -> bool,
    fill: impl FnOnce(&Path) -> Result<(), StackError>,
) -> Result<PathBuf, StackError> {
    let path = cache.join(name);
    if complete(&path) {
        return Ok(path);
    }
    folders::make(cache)?;
    let _lock = lock(&cache.join(format!(".{name}.lock")), what, report)?;
    // Another process may have made it while this one waited.
    if complete(&path) {
        return Ok(path);
    }
    // Whoever left this behind was killed: the lock is ours, so nobody works on it now.
    let temporary = cache.join(format!(".{name}.incomplete"));
    remove(&temporary)?;
    let filled = fill(&temporary);
    if filled.is_err() {
        remove(&temporary)?;
        filled?;
    }
    remove(&path)?;
    fs::rename(&temporary, &path).map_err(StackError::file("putting in place", &path))?;
    Ok(path)
}

/// Waits for the lock on `path`; it is given back when the file is dropped.
fn lock(path: &Path, what: &str, report: &Report) -> Result<File, StackError> {
    let doing = "locking";
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(StackError::file(doing, path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            report.say(Progress::WaitingForOther {
                what: what.to_owned(),
            });
            file.lock().map_err(StackError::file(doing, path))?;
        }
        Err(fs::TryLockError::Error(source)) => return Err(StackError::file(doing, path)(source)),
    }
    Ok(file)
}

/// Removes a file or a folder with all that is in it, if it is there.
fn remove(path: &Path) -> Result<(), StackError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(StackError::file("removing", path)(source))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn two_at_once_make_an_entry_once_and_both_see_it_whole() {
        let cache = tempfile::tempdir().unwrap();
        let made = AtomicU32::new(0);
        let get = || {
            entry(
                cache.path(),
                "thing",
                "a thing",
                &Report::silent(),
                Path::exists,
                |temporary| {
                    made.fetch_add(1, Ordering::SeqCst);
                    fs::create_dir(temporary).unwrap();
                    fs::write(temporary.join("part"), "whole").unwrap();
                    Ok(())
                },
            )
            .unwrap()
        };
        thread::scope(|scope| {
            let both = [scope.spawn(get), scope.spawn(get)];
            for path in both.map(|thread| thread.join().unwrap()) {
                assert_eq!(fs::read_to_string(path.join("part")).unwrap(), "whole");
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_failed_fill_leaves_no_entry_and_the_next_one_starts_clean() {
        let cache = tempfile::tempdir().unwrap();
        let failing = |temporary: &Path| {
            fs::create_dir(temporary).unwrap();
            fs::write(temporary.join("half"), "").unwrap();
            Err(StackError::Supervisor("no network".to_owned()))
        };
        entry(
            cache.path(),
            "thing",
            "a thing",
            &Report::silent(),
            Path::exists,
            failing,
        )
        .unwrap_err();
        assert!(!cache.path().join("thing").exists());

        // A process killed in the middle leaves its temporary folder; it must not leak into the next result.
        fs::create_dir(cache.path().join(".thing.incomplete")).unwrap();
        fs::write(cache.path().join(".thing.incomplete/half"), "").unwrap();
        let path = entry(
            cache.path(),
            "thing",
            "a thing",
            &Report::silent(),
            Path::exists,
            |temporary| {
                fs::create_dir(temporary).unwrap();
                Ok(())
            },
        )
        .unwrap();
        assert!(!path.join("half").exists());
    }
}
