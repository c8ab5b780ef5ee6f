//! Files into checked values, for the commands that need one of them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::deployment::{self, Deployment};
use super::finding::{Finding, Findings, Source};
use super::programme::{self, ProgrammeFile};

/// Why a file yields no value. The command line ends with code 3.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {why}; give the path of a file that is there, and readable")]
    Unreadable { path: String, why: String },
    #[error(
        "{path} is not UTF-8: the first other byte is in line {line}; save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")"
    )]
    NotUtf8 { path: String, line: usize },
    #[error("no hissa.toml here, nor in /etc/hissa: name one with --config")]
    NoDeployment,
    #[error("{0}")]
    Incomplete(String),
    #[error("{}", summary(.0))]
    Findings(Vec<Finding>),
}

fn summary(findings: &[Finding]) -> String {
    let file = findings.first().map_or("the file", |f| f.file.as_str());
    match findings.len() {
        1 => format!("{file} has an error; nothing was done"),
        many => format!("{file} has {many} errors; nothing was done"),
    }
}

/// Reads a file, or stdin where the path is `-`.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub fn source(path: &Path) -> Result<Source, ConfigError> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let read = if name == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    read.map_err(|why| ConfigError::Unreadable {
        path: name.clone(),
        why: why.to_string(),
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(why) => {
            let good = &why.as_bytes()[..why.utf8_error().valid_up_to()];
            Err(ConfigError::NotUtf8 {
                path: name,
                line: good.iter().filter(|byte| **byte == b'\n').count() + 1,
            })
        }
    }
}

/// The deployment: of `--config`, else of the working directory, else of `/etc/hissa`.
///
/// # Errors
/// There is none, it cannot be read, or something in it is wrong.
pub fn deployment(given: Option<&Path>) -> Result<Deployment, ConfigError> {
    let places = [Path::new("hissa.toml"), Path::new("/etc/hissa/hissa.toml")];
    let path: PathBuf = match given {
        Some(path) => path.into(),
        None => places
            .into_iter()
            .find(|path| path.exists())
            .ok_or(ConfigError::NoDeployment)?
            .into(),
    };
    let source = source(&path)?;
    let findings = Findings::default();
    let folder = path.parent().unwrap_or(Path::new(""));
    value(deployment::read(&source, &findings, folder), findings)
}

/// The programme of that file.
///
/// # Errors
/// It cannot be read, or something in it is wrong.
pub fn programme(path: &Path) -> Result<ProgrammeFile, ConfigError> {
    let source = source(path)?;
    let findings = Findings::default();
    value(programme::read(&source, &findings).file, findings)
}

/// The value where there are no findings.
///
/// # Errors
/// The findings.
pub fn value<T>(read: Option<T>, findings: Findings) -> Result<T, ConfigError> {
    let findings = findings.into_sorted();
    match read {
        Some(value) if findings.is_empty() => Ok(value),
        _ => Err(ConfigError::Findings(findings)),
    }
}
