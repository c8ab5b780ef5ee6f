//! One start of the broker's process: files, command line, readiness.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::child::{self, TiedChild};
use crate::error::StackError;
use crate::folders;
use crate::kafka::java::Java;
use crate::kafka::{probe, settings};
use crate::log_tail;

/// A broker that has not answered after this long will not.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How many lines of the log an error shows.
const LINES_SHOWN: usize = 12;

/// What every start of a broker needs.
pub(crate) struct Broker<'a> {
    pub java: &'a Java,
    pub class_path: &'a str,
    /// Further JVM flags: the class-data archive to use, or to write.
    pub archive_flag: Option<String>,
    /// The broker's own folder: its log, its settings, its temporary files.
    pub folder: &'a Path,
}

impl Broker<'_> {
    /// The file that receives all that the broker says.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("kafka.log")
    }

    /// Formats the storage, once in the life of a data folder.
    pub(crate) fn format_once(&self) -> Result<(), StackError> {
        let storage = self.storage();
        if storage.join("meta.properties").exists() {
            return Ok(());
        }
        // Formatted aside and renamed: a format that was killed in the middle is made again, not half trusted.
        let aside = self.folder.join("storage.incomplete");
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(StackError::file("removing", &aside))?;
        }
        let properties = self.folder.join("format.properties");
        // The ports are not looked at here.
        write(
            &properties,
            &settings::server_properties(&aside, 9092, 9093),
        )?;
        let mut command = self.java()?;
        command
            .args([
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                CLUSTER_ID,
                "--config",
            ])
            .arg(&properties);
        let mut format = self.spawn(command)?;
        let status = format.wait().map_err(|source| self.cannot_start(source))?;
        if !status.success() {
            return Err(self.died(status));
        }
        fs::rename(&aside, &storage).map_err(StackError::file("putting in place", &storage))
    }

    /// Starts the broker and waits until it answers a metadata request.
    pub(crate) fn start(&self, port: u16, controller_port: u16) -> Result<TiedChild, StackError> {
        let properties = self.folder.join("server.properties");
        write(
            &properties,
            &settings::server_properties(&self.storage(), port, controller_port),
        )?;
        let mut command = self.java()?;
        command.arg("kafka.Kafka").arg(&properties);
        let mut broker = self.spawn(command)?;

        let bootstrap = format!("127.0.0.1:{port}");
        let started = Instant::now();
        let answer = probe::wait_until_it_answers(&bootstrap, READY_WITHIN, || {
            match broker.ended().map_err(|source| self.cannot_start(source))? {
                Some(status) => Err(self.died(status)),
                None => Ok(()),
            }
        })?;
        answer
            .map(|()| broker)
            .map_err(|said| StackError::NotAnswering {
                what: "Kafka",
                address: bootstrap,
                after: started.elapsed(),
                said,
                log: log_tail::of(&self.log(), LINES_SHOWN),
            })
    }

    /// The error for a broker that ended with `status`.
    pub(crate) fn died(&self, status: std::process::ExitStatus) -> StackError {
        died(&self.log(), status)
    }

    fn storage(&self) -> PathBuf {
        self.folder.join("storage")
    }

    /// A command line up to the main class.
    fn java(&self) -> Result<Command, StackError> {
        // Kafka's compression libraries unpack themselves there; after a kill they would pile up in /tmp.
        let temporary = self.folder.join("tmp");
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(StackError::file("removing", &temporary))?;
        }
        folders::make(&temporary)?;
        let mut command = Command::new(&self.java.program);
        command
            .args(settings::JVM)
            .args(&self.archive_flag)
            .arg("-Xlog:disable")
            .arg("-Xlog:all=error:stderr")
            .arg(format!("-Djava.io.tmpdir={}", temporary.display()))
            .arg(format!(
                "-XX:ErrorFile={}/jvm-crash.log",
                self.folder.display()
            ))
            .args(["-cp", self.class_path])
            // Variables by which Kafka's or the user's own scripts change a JVM are not meant for this one.
            .env_remove("JAVA_TOOL_OPTIONS")
            .env_remove("JDK_JAVA_OPTIONS")
            .env_remove("CLASSPATH")
            .current_dir(self.folder);
        Ok(command)
    }

    /// Starts `command` with its output in the log; the log of the run before is kept beside it.
    fn spawn(&self, mut command: Command) -> Result<TiedChild, StackError> {
        let log = self.log();
        if log.exists() {
            let previous = log.with_extension("previous.log");
            fs::rename(&log, &previous).map_err(StackError::file("renaming", &log))?;
        }
        let file = File::create(&log).map_err(StackError::file("writing", &log))?;
        let copy = file
            .try_clone()
            .map_err(StackError::file("writing", &log))?;
        command.stdin(Stdio::null()).stdout(file).stderr(copy);
        TiedChild::spawn(command).map_err(|source| self.cannot_start(source))
    }

    fn cannot_start(&self, source: io::Error) -> StackError {
        StackError::Start {
            what: "Kafka",
            program: self.java.program.display().to_string(),
            source,
        }
    }
}

/// Every one-machine cluster has the same name; sixteen bytes in base64, as Kafka wants it.
const CLUSTER_ID: &str = "aGlzc2Etb24tbWFjaGluZQ";

/// The error for a broker that ended with `status` and wrote to `log`; the remedy goes by what it said.
pub(crate) fn died(log: &Path, status: std::process::ExitStatus) -> StackError {
    let log = log_tail::of(log, LINES_SHOWN);
    StackError::Died {
        what: "Kafka",
        how: child::in_words(status),
        remedy: remedy(&log.lines),
        log,
    }
}

fn remedy(tail: &str) -> &'static str {
    const REMEDIES: [(&str, &str); 6] = [
        (
            "No space left on device",
            "The disk is full: make room and start again; nothing that was acknowledged is lost.",
        ),
        (
            "OutOfMemoryError",
            "Its heap was too small for the load: send smaller messages or fewer at once, and start again.",
        ),
        (
            "Could not reserve enough space",
            "The machine has too little free memory: end other programs and start again.",
        ),
        (
            "Cannot allocate memory",
            "The machine has too little free memory: end other programs and start again.",
        ),
        (
            LOCKED,
            "Another Kafka uses this data folder: stop that one, or choose another data folder.",
        ),
        (
            PORT_TAKEN,
            "Another process took its port: start again, or choose another port.",
        ),
    ];
    REMEDIES
        .iter()
        .find(|(sign, _)| tail.contains(sign))
        .map_or("Start it again; if it ends so each time, choose a new data folder and keep this one for a bug report.", |(_, remedy)| remedy)
}

/// What Kafka says when another one holds its data folder.
pub(crate) const LOCKED: &str = "Failed to acquire lock on file";
/// What Kafka says when somebody else listens on one of its ports.
pub(crate) const PORT_TAKEN: &str = "Address already in use";

fn write(path: &Path, text: &str) -> Result<(), StackError> {
    fs::write(path, text).map_err(StackError::file("writing", path))
}
