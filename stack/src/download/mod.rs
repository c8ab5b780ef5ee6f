//! Downloads through the ordinary clients of the registries (Maven, npm), so that their mirrors, proxies and caches
//! are honoured; each result is compared with a pinned checksum.

pub mod chdb;
pub mod kafka_jars;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::Digest;

use crate::child::{self, TiedChild};
use crate::error::StackError;
use crate::log_tail;
use crate::progress::{Progress, Report};

/// How often a person hears that a download still runs.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A registry's client program and how to get it.
pub(crate) struct Tool {
    pub program: &'static str,
    pub name: &'static str,
    pub package: &'static str,
    /// What it fetches, for messages.
    pub what: &'static str,
    pub megabytes: u32,
    /// How the lines begin that it says at each failure, whatever the reason.
    pub boilerplate: &'static [&'static str],
}

impl Tool {
    /// Runs `command`, a call of this tool, to its end.
    fn run(&self, mut command: Command, report: &Report) -> Result<(), StackError> {
        report.say(Progress::Fetching {
            what: self.what.to_owned(),
            megabytes: self.megabytes,
        });
        let output = tempfile::tempfile()
            .map_err(StackError::file("making a file in", std::env::temp_dir()))?;
        let clone = || {
            output
                .try_clone()
                .map_err(StackError::file("making a file in", std::env::temp_dir()))
        };
        command
            .stdin(Stdio::null())
            .stdout(clone()?)
            .stderr(clone()?);
        let shown = shown(&command);

        let started = Instant::now();
        let mut child = TiedChild::spawn(command).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StackError::ToolMissing {
                tool: self.name,
                what: self.what,
                package: self.package,
            },
            _ => StackError::Start {
                what: self.name,
                program: self.program.to_owned(),
                source,
            },
        })?;
        let waiting = |source| StackError::Start {
            what: self.name,
            program: self.program.to_owned(),
            source,
        };
        let status = loop {
            match child.wait_for(HEARTBEAT).map_err(waiting)? {
                Some(status) => break status,
                None => report.say(Progress::StillFetching {
                    what: self.what.to_owned(),
                    seconds: started.elapsed().as_secs(),
                }),
            }
        };
        if status.success() {
            return Ok(());
        }
        Err(StackError::Fetch {
            what: self.what,
            tool: self.name,
            command: shown,
            status: child::in_words(status),
            said: log_tail::of_open_file(output, 5, self.boilerplate),
        })
    }
}

/// A command line as a person would type it, near enough for a message.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

/// The digest of a file's content.
pub(crate) fn digest_of<D: Digest>(path: &Path) -> Result<Vec<u8>, StackError> {
    let reading = "reading";
    let mut file = File::open(path).map_err(StackError::file(reading, path))?;
    file.seek(SeekFrom::Start(0))
        .map_err(StackError::file(reading, path))?;
    let mut digest = D::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file
            .read(&mut buffer)
            .map_err(StackError::file(reading, path))?;
        if count == 0 {
            return Ok(digest.finalize().to_vec());
        }
        digest.update(&buffer[..count]);
    }
}
