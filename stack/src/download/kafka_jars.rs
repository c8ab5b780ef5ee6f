//! Apache Kafka's jars, through Maven.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::cache;
use crate::download::{Tool, digest_of};
use crate::error::StackError;
use crate::folders;
use crate::progress::{Progress, Report};

/// The version of Apache Kafka that `pom.xml` names.
pub const VERSION: &str = "4.3.1";

const POM: &str = include_str!("../../kafka/pom.xml");
const SHA256SUMS: &str = include_str!("../../kafka/SHA256SUMS");

const MAVEN: Tool = Tool {
    program: "mvn",
    name: "Maven",
    package: "maven",
    what: "Apache Kafka",
    megabytes: 44,
    boilerplate: &[
        "[ERROR] To see the full",
        "[ERROR] Re-run Maven",
        "[ERROR] For more information",
        "[ERROR] [Help",
    ],
};

/// What the cache's disk must have free: the jars here, their copy in Maven's own repository, and the plugin.
const NEEDED_MB: u64 = 150;

/// The folder with Kafka's jars, fetched if need be. Every jar is compared with the pinned list at each call, which
/// costs some 30 ms and finds a damaged cache.
///
/// # Errors
///
/// Maven is missing or fails, a jar is not the pinned one, or the disk is full.
pub fn fetch(cache_folder: &Path, report: &Report) -> Result<PathBuf, StackError> {
    cache::entry(
        cache_folder,
        &name(),
        "Apache Kafka",
        report,
        |folder| verify(folder, &pinned()).is_ok(),
        |folder| {
            folders::require_space("Apache Kafka", cache_folder, NEEDED_MB, "XDG_CACHE_HOME")?;
            let started = Instant::now();
            fetch_into(folder, report)?;
            report.say(Progress::Fetched {
                what: "Apache Kafka".to_owned(),
                seconds: started.elapsed().as_secs_f64(),
            });
            Ok(())
        },
    )
}

/// The jars as a class path, in a fixed order: the class-data archive holds only for the very same path.
pub(crate) fn class_path(folder: &Path) -> String {
    let jars: Vec<String> = pinned()
        .iter()
        .map(|(_, jar)| folder.join(jar).to_string_lossy().into_owned())
        .collect();
    jars.join(":")
}

/// The name in the cache holds the list's own digest, so that two versions of Hissa with other lists do not fetch
/// over each other.
fn name() -> String {
    let list = Sha256::digest(SHA256SUMS.as_bytes());
    let short: String = list
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("kafka-{VERSION}-{short}")
}

/// The pinned list: (SHA-256 in hexadecimal, file name), in the order of `sha256sum *.jar`.
fn pinned() -> Vec<(&'static str, &'static str)> {
    SHA256SUMS
        .lines()
        .filter_map(|line| line.split_once("  "))
        .collect()
}

fn fetch_into(folder: &Path, report: &Report) -> Result<(), StackError> {
    let project = tempfile::tempdir()
        .map_err(StackError::file("making a folder in", std::env::temp_dir()))?;
    let pom = project.path().join("pom.xml");
    fs::write(&pom, POM).map_err(StackError::file("writing", &pom))?;

    let mut command = Command::new(MAVEN.program);
    command
        .current_dir(project.path())
        .args([
            "-B",
            "-q",
            "-f",
            "pom.xml",
            // The plugin by its full name, so that no list of prefixes is needed; its version is in the pom.
            "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies",
            "-DincludeScope=runtime",
        ])
        .arg(format!("-DoutputDirectory={}", folder.display()));
    MAVEN.run(command, report)?;
    verify(folder, &pinned())
}

/// Compares the jars in `folder` with the list: each is there and has the pinned digest, and no other is there.
fn verify(folder: &Path, pinned: &[(&str, &str)]) -> Result<(), StackError> {
    let not_pinned = |file: &str, found: String, expected: &str| StackError::NotThePinnedOne {
        what: "Apache Kafka",
        file: file.to_owned(),
        expected: expected.to_owned(),
        found,
    };
    for (expected, jar) in pinned {
        let path = folder.join(jar);
        if !path.exists() {
            return Err(not_pinned(
                jar,
                "nothing (it is missing)".to_owned(),
                expected,
            ));
        }
        let digest = digest_of::<Sha256>(&path)?;
        let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if found != *expected {
            return Err(not_pinned(jar, found, expected));
        }
    }
    for entry in fs::read_dir(folder).map_err(StackError::file("reading", folder))? {
        let name = entry
            .map_err(StackError::file("reading", folder))?
            .file_name();
        let name = name.to_string_lossy();
        if !pinned.iter().any(|(_, jar)| *jar == name) {
            return Err(not_pinned(
                &name,
                "a file of that name".to_owned(),
                "no such file",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_list_names_kafka_and_its_log_backend_with_full_digests() {
        let pinned = pinned();
        assert_eq!(pinned.len(), SHA256SUMS.lines().count());
        assert!(
            pinned
                .iter()
                .all(|(digest, jar)| digest.len() == 64 && jar.ends_with(".jar"))
        );
        for jar in [
            format!("kafka_2.13-{VERSION}.jar"),
            "slf4j-simple-1.7.36.jar".to_owned(),
        ] {
            assert!(pinned.iter().any(|(_, name)| *name == jar), "{jar}");
        }
        assert!(POM.contains(&format!("<version>{VERSION}</version>")));
    }

    #[test]
    fn a_jar_that_is_missing_changed_or_added_is_refused_by_name() {
        let digest_of_right = "27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9";
        let pinned = [(digest_of_right, "a.jar")];
        for (files, expected) in [
            (vec![("a.jar", "right")], None),
            (vec![], Some("a.jar has nothing (it is missing)")),
            (
                vec![("a.jar", "wrong")],
                Some("a.jar has 8810ad581e59f2bc3928b261707a71308f7e139eb04820366dc4d5c18d980225"),
            ),
            (
                vec![("a.jar", "right"), ("b.jar", "")],
                Some("b.jar has a file of that name where no such file"),
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for (name, content) in &files {
                fs::write(folder.path().join(name), content).unwrap();
            }
            let said = verify(folder.path(), &pinned).map_err(|error| error.to_string());
            match expected {
                None => said.unwrap(),
                Some(part) => assert!(said.clone().unwrap_err().contains(part), "{said:?}"),
            }
        }
    }
}
