//! ClickHouse's own engine as a shared library (`libchdb`), through npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Sha512;

use crate::cache;
use crate::child::{self, TiedChild};
use crate::download::{Tool, digest_of};
use crate::error::StackError;
use crate::folders;
use crate::progress::{Progress, Report};

/// The pinned version.
pub const VERSION: &str = "26.7.3-stable.1";

const PACKAGE: &str = "@chdb/lib-linux-x64-gnu";

/// The registry's own integrity value of the package's archive.
const INTEGRITY: &str = "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==";

/// The library's size in bytes. A shared library that was cut short crashes its process when it is loaded, so the
/// cache is asked for this before each use.
const LIBRARY_BYTES: u64 = 566_330_096;

const WHAT: &str = "ClickHouse's engine";

const NPM: Tool = Tool {
    program: "npm",
    name: "npm",
    package: "npm",
    what: WHAT,
    megabytes: 178,
    boilerplate: &[
        "npm ERR! A complete log",
        "npm error A complete log",
        "npm ERR!     /",
        "npm error     /",
    ],
};

/// What the cache's disk must have free: the archive, the library, and npm's own copy of the archive.
const NEEDED_MB: u64 = 950;

/// The path of `libchdb.so`, fetched if need be.
///
/// # Errors
///
/// The machine is not the one the library is made for, npm is missing or fails, the archive is not the pinned one, or
/// the disk is full.
pub fn fetch(cache_folder: &Path, report: &Report) -> Result<PathBuf, StackError> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let found = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
        return Err(StackError::UnsupportedMachine { found });
    }
    let folder = cache::entry(
        cache_folder,
        &format!("chdb-{VERSION}"),
        WHAT,
        report,
        |folder| fs::metadata(library(folder)).is_ok_and(|file| file.len() == LIBRARY_BYTES),
        |folder| {
            folders::require_space(WHAT, cache_folder, NEEDED_MB, "XDG_CACHE_HOME")?;
            let started = Instant::now();
            fetch_into(folder, report)?;
            report.say(Progress::Fetched {
                what: WHAT.to_owned(),
                seconds: started.elapsed().as_secs_f64(),
            });
            Ok(())
        },
    )?;
    Ok(library(&folder))
}

fn library(folder: &Path) -> PathBuf {
    folder.join("libchdb.so")
}

fn fetch_into(folder: &Path, report: &Report) -> Result<(), StackError> {
    folders::make(folder)?;
    let mut command = Command::new(NPM.program);
    command
        // A folder of its own: npm reads the `.npmrc` of a project it is called in.
        .current_dir(folder)
        .arg("pack")
        .arg(format!("{PACKAGE}@{VERSION}"))
        .args([
            "--ignore-scripts",
            "--loglevel=error",
            "--update-notifier=false",
        ]);
    NPM.run(command, report)?;

    let archive = only_file_in(folder)?;
    verify(&archive)?;
    unpack(&archive, folder)?;
    fs::remove_file(&archive).map_err(StackError::file("removing", &archive))
}

/// npm says the archive's name on stdout, but also other things; the folder was empty before.
fn only_file_in(folder: &Path) -> Result<PathBuf, StackError> {
    let reading = "looking for npm's archive in";
    let mut archives = fs::read_dir(folder)
        .map_err(StackError::file(reading, folder))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "tgz"));
    archives
        .next()
        .ok_or_else(|| StackError::file(reading, folder)(std::io::ErrorKind::NotFound.into()))
}

fn verify(archive: &Path) -> Result<(), StackError> {
    let found = format!("sha512-{}", STANDARD.encode(digest_of::<Sha512>(archive)?));
    if found == INTEGRITY {
        return Ok(());
    }
    Err(StackError::NotThePinnedOne {
        what: WHAT,
        file: archive
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        expected: INTEGRITY.to_owned(),
        found,
    })
}

fn unpack(archive: &Path, folder: &Path) -> Result<(), StackError> {
    let mut command = Command::new("tar");
    command.args(["-xzf"]).arg(archive).arg("-C").arg(folder);
    command.args([
        "--strip-components=1",
        "--no-same-owner",
        "package/libchdb.so",
    ]);
    let failed = |source| StackError::Start {
        what: "tar",
        program: "tar".to_owned(),
        source,
    };
    let mut tar = TiedChild::spawn(command).map_err(failed)?;
    let status = tar.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let source = std::io::Error::other(format!("tar ended with {}", child::in_words(status)));
    Err(StackError::file("unpacking", archive)(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_is_not_the_pinned_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("other.tgz");
        fs::write(&archive, "something else").unwrap();
        let said = verify(&archive).unwrap_err().to_string();
        assert!(
            said.contains("other.tgz has sha512-") && said.contains(INTEGRITY),
            "{said}"
        );
    }
}
