//! Runs the binary `hissa` as a user would, and hands back what it printed.
//!
//! The binaries have to be built before: `./run test` does so.

pub mod oracle;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

/// The folder with the binaries: the parent of the folder of test binaries.
///
/// # Panics
/// The binary is not there.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let folder = test
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .unwrap_or_default();
    let binary = folder.join("hissa");
    assert!(
        binary.is_file(),
        "{} is missing: run `./run test`, which builds it first",
        binary.display()
    );
    binary
}

/// A demo that runs. Dropping it kills it, and its children with it.
pub struct Demo {
    child: Child,
}

/// How a demo ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// The last line, for machines.
    pub summary: Value,
    /// All of stdout.
    pub text: String,
}

impl Demo {
    /// Starts `hissa demo --exit --json` with more arguments.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Demo {
        let child = Command::new(binary())
            .args(["demo", "--exit", "--json"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match child {
            Ok(child) => Demo { child },
            Err(why) => panic!("starting the demo: {why}"),
        }
    }

    /// Reads its messages, each of which `heard` hears, until it ends.
    ///
    /// # Panics
    /// Its output cannot be read, or its last line is not JSON.
    #[must_use]
    pub fn finish(mut self, mut heard: impl FnMut(&str)) -> Ended {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let data = std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(mut stdout) = stdout {
                // What is not UTF-8 shows as a summary that is missing.
                let _ = stdout.read_to_string(&mut text);
            }
            text
        });
        let mut messages = String::new();
        for line in stderr
            .into_iter()
            .flat_map(|stderr| BufReader::new(stderr).lines())
            .map_while(Result::ok)
        {
            heard(&line);
            messages.push_str(&line);
            messages.push('\n');
        }
        let text = data.join().unwrap_or_default();
        let status = self
            .child
            .wait()
            .unwrap_or_else(|why| panic!("waiting for the demo: {why}"));
        let last = text.lines().last().unwrap_or_default();
        let Ok(summary) = serde_json::from_str(last) else {
            panic!(
                "the demo ended ({status}) without a summary. Its messages:\n{messages}\nIts output:\n{text}"
            );
        };
        Ended {
            status,
            summary,
            text,
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It has ended, in the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What every run of the demo has to say of itself, whatever happened on the way.
///
/// # Panics
/// It does not.
pub fn assert_right(ended: &Ended) {
    let summary = &ended.summary;
    assert_eq!(summary["broken"], serde_json::json!([]), "{}", ended.text);
    for comparison in summary["comparisons"].as_array().unwrap_or(&Vec::new()) {
        assert_eq!(comparison["differences"], 0, "{comparison}\n{}", ended.text);
        assert_ne!(
            comparison["expected"], 0,
            "nothing was compared: {comparison}"
        );
    }
    assert_eq!(summary["comparisons"].as_array().map(Vec::len), Some(12));
    assert_eq!(
        (&summary["balanced"], &summary["equals_truth"]),
        (&Value::Bool(true), &Value::Bool(true))
    );
    assert!(ended.status.success(), "{}: {}", ended.status, ended.text);
}
