//! The Java that runs Kafka.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::StackError;

/// Kafka 4 runs its broker on Java 17 or newer.
const OLDEST: u32 = 17;

/// A Java that is new enough.
#[derive(Debug)]
pub(crate) struct Java {
    pub program: PathBuf,
    /// All that `java -version` said: a class-data archive holds for exactly this Java.
    pub version_text: String,
}

/// Looks in JAVA_HOME, in PATH, and where Linux distributions install several side by side; takes the first that is
/// new enough.
pub(crate) fn find() -> Result<Java, StackError> {
    let mut too_old = None;
    for program in candidates() {
        let Some(version_text) = ask(&program) else {
            continue;
        };
        match major(&version_text) {
            Some(major) if major >= OLDEST => {
                return Ok(Java {
                    program,
                    version_text,
                });
            }
            _ => too_old = too_old.or(Some((program, first_line(&version_text)))),
        }
    }
    Err(match too_old {
        Some((java, found)) => StackError::JavaTooOld {
            needed: OLDEST,
            java,
            found,
        },
        None => StackError::JavaMissing { needed: OLDEST },
    })
}

fn candidates() -> Vec<PathBuf> {
    let home = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    let path = env::var_os("PATH");
    let in_path = path
        .iter()
        .flat_map(env::split_paths)
        .map(|folder| folder.join("java"));
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/jvm")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join("bin/java")))
        .collect();
    installed.sort();
    home.into_iter()
        .chain(in_path)
        .chain(installed)
        .filter(|program| program.is_file())
        .collect()
}

/// What `java -version` says, on stderr; `None` where it cannot be run.
fn ask(program: &Path) -> Option<String> {
    let output = Command::new(program)
        .arg("-version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The line with the version; a JAVA_TOOL_OPTIONS in the environment puts another before it.
fn first_line(version_text: &str) -> String {
    version_text
        .lines()
        .find(|line| line.contains(" version "))
        .unwrap_or("unknown")
        .to_owned()
}

/// The major version out of `openjdk version "17.0.15" 2025-04-15`; Java 8 calls itself 1.8.
fn major(version_text: &str) -> Option<u32> {
    let line = first_line(version_text);
    let quoted = line.split('"').nth(1)?;
    let mut numbers = quoted
        .split(['.', '-', '_', '+'])
        .map_while(|part| part.parse::<u32>().ok());
    match numbers.next()? {
        1 => numbers.next(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_javas_say() {
        for (said, expected) in [
            (
                "openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment",
                Some(17),
            ),
            ("openjdk version \"21\" 2023-09-19", Some(21)),
            ("openjdk version \"25-ea\" 2025-09-16", Some(25)),
            ("java version \"1.8.0_402\"", Some(8)),
            (
                "Picked up JAVA_TOOL_OPTIONS: -Dx=\"y\"\nopenjdk version \"11.0.2\" 2019-01-15",
                Some(11),
            ),
            ("something else", None),
        ] {
            assert_eq!(major(said), expected, "of {said:?}");
        }
    }
}
