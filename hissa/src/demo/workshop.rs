//! The demo's folder: key, secrets, configuration. It is a deployment like any other, only that a program wrote it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hissa_core::sim::Partitions;
use hissa_links::clickhouse::ClickHouseLink;
use hissa_links::kafka::KafkaLink;
use hissa_links::key;
use hissa_stack::{Stack, ports};

use crate::config::deployment::{
    AggregatorSection, Deployment, IngestSection, NotifySection, Webhook,
};

/// Where everything of the demo is. A temporary folder goes away with it.
pub struct Workshop {
    folder: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Workshop {
    /// In the folder to keep, or in a temporary one.
    ///
    /// # Errors
    /// The folder cannot be made, or is not empty.
    pub fn open(keep: Option<&Path>) -> anyhow::Result<Workshop> {
        match keep {
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("hissa-demo-")
                    .tempdir()
                    .context(
                        "making a folder for the demo; is the disk full, or TMPDIR not writable?",
                    )?;
                Ok(Workshop {
                    folder: temporary.path().into(),
                    temporary: Some(temporary),
                })
            }
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("making {}", folder.display()))?;
                let folder = folder
                    .canonicalize()
                    .with_context(|| format!("opening {}", folder.display()))?;
                let entries = std::fs::read_dir(&folder)
                    .context("reading the folder to keep")?
                    .count();
                anyhow::ensure!(
                    entries == 0,
                    "{} is not empty: name a new folder",
                    folder.display()
                );
                Ok(Workshop {
                    folder,
                    temporary: None,
                })
            }
        }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it stays when the demo ends.
    pub fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }

    /// Writes the key and `hissa.toml` for a stack that runs, and returns the deployment.
    ///
    /// # Errors
    /// A file cannot be written, or no port is free.
    pub fn deployment(&self, stack: &Stack, webhook: Webhook) -> anyhow::Result<Deployment> {
        let key_file = self.path("pseudonym.key");
        key::create(&key_file, random()?)?;
        let listen = || ports::free().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let kafka = KafkaLink::to(&stack.bootstrap());
        let deployment = Deployment {
            partitions: Partitions::SMALL,
            generation: 1,
            state_dir: self.path("state"),
            key_file,
            programme: self.path("programme.toml"),
            carrier: kafka.clone(),
            kafka,
            clickhouse: ClickHouseLink {
                url: stack.clickhouse_url(),
                user: stack.owner().user.clone(),
                password_file: Some(stack.owner().password_file.clone()),
                database: "hissa".into(),
            },
            ingest: IngestSection { listen: listen()? },
            aggregator: AggregatorSection {
                listen: listen()?,
                snapshot_every_ms: 5_000,
            },
            notify: NotifySection {
                listen: listen()?,
                webhook: Some(webhook),
                link: "https://hissa.example/alertes/{alert}".into(),
            },
        };
        self.write("hissa.toml", deployment.to_toml())?;
        Ok(deployment)
    }

    /// Writes a file of the demo.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        std::fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

/// 16 bytes of the operating system's randomness, for a key.
pub fn random() -> anyhow::Result<[u8; 16]> {
    use std::io::Read as _;
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("reading /dev/urandom")?;
    Ok(bytes)
}
