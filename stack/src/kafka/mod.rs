//! Apache Kafka, one node in KRaft mode, as a child process on the loopback interface.
//!
//! [`Kafka::launch`] fetches what is missing, formats the data folder on first use, starts the broker, and returns when
//! a metadata request was answered and the first producer and the first group will not have to wait.

mod archive;
mod broker;
mod java;
pub mod probe;
mod settings;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::TiedChild;
use crate::download::kafka_jars;
use crate::error::StackError;
use crate::folders;
use crate::kafka::broker::{Broker, LOCKED, PORT_TAKEN};
use crate::kafka::java::Java;
use crate::ports;
use crate::progress::{Progress, Report};

/// A broker that was asked to end gets this long to close its files.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// The warm-up gives up after this long; the first user then waits himself.
const WARM_WITHIN: Duration = Duration::from_secs(15);

/// Starts are tried this often: a port may be snatched away, a predecessor that was killed may still hold its folder.
const TRIES_MAX: u32 = 6;

/// What the data folder's disk must have free before a start.
const NEEDED_MB: u64 = 500;

/// How to start Kafka.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// The broker's own folder; made if need be, kept for the next start.
    pub folder: PathBuf,
    /// The cache of downloads, usually [`crate::folders::cache`].
    pub cache: PathBuf,
    /// The port on 127.0.0.1; a free one where `None`.
    pub port: Option<u16>,
}

/// A running broker; dropping it kills it.
#[derive(Debug)]
pub struct Kafka {
    child: TiedChild,
    port: u16,
    log: PathBuf,
}

impl Kafka {
    /// Fetches and prepares all that a launch needs, without one.
    ///
    /// # Errors
    ///
    /// No Java, no Maven, a download that failed or is not the pinned one, no space.
    pub fn fetch(cache: &Path, report: &Report) -> Result<(), StackError> {
        fetch(cache, report).map(drop)
    }

    /// Starts Kafka and returns when it is ready. Blocks for 1 to 3 s; with empty caches for as long as the download
    /// of 44 MB takes, and 5 s more.
    ///
    /// # Errors
    ///
    /// See [`StackError`]: no Java, no Maven, a port in use, no space, a broker that ended or does not answer.
    pub fn launch(options: &KafkaOptions, report: &Report) -> Result<Kafka, StackError> {
        let Fetched {
            java,
            class_path,
            archive_flag,
        } = fetch(&options.cache, report)?;
        folders::make(&options.folder)?;
        folders::require_space(
            "Kafka's data",
            &options.folder,
            NEEDED_MB,
            "the data folder",
        )?;

        let started = Instant::now();
        let broker = Broker {
            java: &java,
            class_path: &class_path,
            archive_flag,
            folder: &options.folder,
        };
        broker.format_once()?;
        let (child, port) = start_on_a_free_port(&broker, options.port, report)?;
        let kafka = Kafka {
            child,
            port,
            log: broker.log(),
        };
        probe::warm_up(&kafka.bootstrap(), WARM_WITHIN);
        report.say(Progress::Ready {
            what: "Kafka".to_owned(),
            address: kafka.bootstrap(),
            seconds: started.elapsed().as_secs_f64(),
        });
        Ok(kafka)
    }

    /// `bootstrap.servers` for clients: `127.0.0.1:port`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The broker's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Whether the broker still runs.
    ///
    /// # Errors
    ///
    /// [`StackError::Died`] with the end of its log.
    pub fn check(&mut self) -> Result<(), StackError> {
        match self
            .child
            .ended()
            .map_err(StackError::file("watching the process of", &self.log))?
        {
            None => Ok(()),
            Some(status) => Err(broker::died(&self.log, status)),
        }
    }

    /// Ends the broker in good order.
    ///
    /// # Errors
    ///
    /// The operating system refused to signal it.
    pub fn stop(mut self) -> Result<(), StackError> {
        self.child
            .stop(STOP_WITHIN)
            .map(drop)
            .map_err(StackError::file("stopping the process of", &self.log))
    }

    /// Kills the broker (`kill -9`), for tests of what survives that.
    ///
    /// # Errors
    ///
    /// The operating system refused to signal it.
    pub fn kill(mut self) -> Result<(), StackError> {
        self.child
            .kill()
            .map(drop)
            .map_err(StackError::file("killing the process of", &self.log))
    }
}

/// What the cache and the machine give to a launch.
struct Fetched {
    java: Java,
    class_path: String,
    archive_flag: Option<String>,
}

fn fetch(cache: &Path, report: &Report) -> Result<Fetched, StackError> {
    let java = java::find()?;
    let jars = kafka_jars::fetch(cache, report)?;
    let class_path = kafka_jars::class_path(&jars);
    let archive_flag = archive::flag(cache, &java, &jars, &class_path, report);
    Ok(Fetched {
        java,
        class_path,
        archive_flag,
    })
}

/// Starts the broker; where it lost a race for a port or for its folder, again.
fn start_on_a_free_port(
    broker: &Broker<'_>,
    asked: Option<u16>,
    report: &Report,
) -> Result<(TiedChild, u16), StackError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let port = match asked {
            Some(port) => {
                ports::require_free("Kafka", port)?;
                port
            }
            None => ports::free()?,
        };
        report.say(Progress::Starting {
            what: "Kafka".to_owned(),
            address: format!("127.0.0.1:{port}"),
        });
        match broker.start(port, ports::free()?) {
            Ok(child) => return Ok((child, port)),
            Err(StackError::Died { log, .. })
                if tries < TRIES_MAX && (log.contains(PORT_TAKEN) || log.contains(LOCKED)) =>
            {
                thread::sleep(Duration::from_millis(300));
            }
            Err(error) => return Err(error),
        }
    }
}
