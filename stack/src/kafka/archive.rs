//! The class-data archive: Kafka's classes, parsed once and mapped into memory at each later start, which halves the
//! time until it answers.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use sha2::{Digest, Sha256};

use crate::cache;
use crate::error::StackError;
use crate::folders;
use crate::kafka::broker::Broker;
use crate::kafka::java::Java;
use crate::kafka::probe;
use crate::ports;
use crate::progress::{Progress, Report};

/// Each step of the training run may take this long; it is made once.
const STEP: Duration = Duration::from_secs(20);

/// Writing the archive happens as the JVM ends.
const WRITTEN_WITHIN: Duration = Duration::from_secs(60);

/// The flag that makes a JVM use the archive in the cache, which is made if need be. Without one Kafka only starts
/// more slowly, so a failure is traced and no more.
pub(crate) fn flag(
    cache_folder: &Path,
    java: &Java,
    jars: &Path,
    class_path: &str,
    report: &Report,
) -> Option<String> {
    let what = "a quick start of Kafka";
    let made = cache::entry(
        cache_folder,
        &name(java, jars),
        what,
        report,
        Path::exists,
        |path| {
            report.say(Progress::Preparing {
                what: what.to_owned(),
            });
            train(java, class_path, path)
        },
    );
    match made {
        Ok(path) => Some(format!("-XX:SharedArchiveFile={}", path.display())),
        Err(error) => {
            tracing::warn!("Kafka starts without a class-data archive: {error}");
            None
        }
    }
}

/// A JVM refuses an archive of another JVM, of another class path, or of jars with other times of change: all of
/// these are in the name.
fn name(java: &Java, jars: &Path) -> String {
    let mut digest = Sha256::new();
    digest.update(java.program.as_os_str().as_encoded_bytes());
    digest.update(java.version_text.as_bytes());
    digest.update(jars.as_os_str().as_encoded_bytes());
    if let Ok(changed) = fs::metadata(jars).and_then(|folder| folder.modified()) {
        digest.update(format!("{changed:?}").as_bytes());
    }
    let short: String = digest
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("kafka-classes-{short}.jsa")
}

/// Runs a broker of its own through what clients will do first, so that the classes of that are loaded too.
fn train(java: &Java, class_path: &str, archive: &Path) -> Result<(), StackError> {
    let folder = tempfile::tempdir()
        .map_err(StackError::file("making a folder in", std::env::temp_dir()))?;
    let mut broker = Broker {
        java,
        class_path,
        archive_flag: None,
        folder: folder.path(),
    };
    folders::make(folder.path())?;
    broker.format_once()?;
    broker.archive_flag = Some(format!("-XX:ArchiveClassesAtExit={}", archive.display()));

    let port = ports::free()?;
    let mut child = broker.start(port, ports::free()?)?;
    let bootstrap = format!("127.0.0.1:{port}");
    probe::warm_up(&bootstrap, STEP);
    // A thread of its own, because the caller's may belong to a runtime, in which another cannot be entered.
    thread::scope(|scope| {
        scope.spawn(|| {
            if let Err(error) = exercise(&bootstrap) {
                tracing::warn!("the class-data archive will lack some classes: {error}");
            }
        });
    });
    child
        .stop(WRITTEN_WITHIN)
        .map_err(StackError::file("writing", archive))?;
    if archive.exists() {
        Ok(())
    } else {
        Err(StackError::file("writing", archive)(
            std::io::ErrorKind::NotFound.into(),
        ))
    }
}

/// Makes a topic, writes to it, reads it as a group, commits.
fn exercise(bootstrap: &str) -> anyhow::Result<()> {
    const TOPIC: &str = "training";
    let admin: AdminClient<DefaultClientContext> = probe::client(bootstrap).create()?;
    let topic =
        NewTopic::new(TOPIC, 2, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    let options = AdminOptions::new().operation_timeout(Some(STEP));
    tokio::runtime::Builder::new_current_thread()
        .build()?
        .block_on(admin.create_topics([&topic], &options))?;

    let producer: BaseProducer = probe::client(bootstrap)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .create()?;
    for key in ["a", "b", "c", "d"] {
        producer
            .send(BaseRecord::to(TOPIC).key(key).payload("training"))
            .map_err(|(error, _)| error)?;
    }
    producer.flush(STEP)?;

    let consumer: BaseConsumer = probe::client(bootstrap)
        .set("group.id", "training")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?;
    consumer.subscribe(&[TOPIC])?;
    if let Some(message) = consumer.poll(STEP) {
        message?;
        consumer.commit_consumer_state(CommitMode::Sync)?;
    }
    Ok(())
}
