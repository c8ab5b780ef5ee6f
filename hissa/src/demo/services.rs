//! Hissa's services as child processes of the demo. One that dies is started again, as an init system would.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hissa_stack::child::{TiedChild, in_words};

/// The services, by the subcommands that run them.
const NAMES: [&str; 3] = ["ingest", "aggregate", "notify"];

/// How long a service may take to drain.
const GRACE: Duration = Duration::from_secs(30);

/// Ends within this time of its start, this often in a row: it will not come up.
const EARLY: Duration = Duration::from_secs(5);
const EARLY_ENDS_MAX: u32 = 3;

/// Told to people: a service was started again.
pub type Tell = Arc<dyn Fn(String) + Send + Sync>;

/// Running services; dropping them kills them.
pub struct Services {
    stopping: Arc<AtomicBool>,
    failed: Arc<Mutex<Option<String>>>,
    watchers: Vec<JoinHandle<()>>,
}

impl Services {
    /// Starts all of them with one deployment; their logs go to `<name>.log` in `folder`.
    ///
    /// # Errors
    /// The operating system refuses to start one.
    pub fn start(config: &Path, folder: &Path, tell: &Tell) -> anyhow::Result<Services> {
        let mut services = Services {
            stopping: Arc::new(AtomicBool::new(false)),
            failed: Arc::new(Mutex::new(None)),
            watchers: Vec::new(),
        };
        for name in NAMES {
            let service = Service {
                name,
                config: config.to_owned(),
                log: folder.join(format!("{name}.log")),
                pid_file: folder.join(format!("{name}.pid")),
                stopping: services.stopping.clone(),
                failed: services.failed.clone(),
                tell: tell.clone(),
            };
            let child = service.spawn()?;
            services
                .watchers
                .push(std::thread::spawn(move || service.watch(child)));
        }
        Ok(services)
    }

    /// What is wrong with a service that was given up, if one was.
    pub fn failed(&self) -> Option<String> {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks all of them to end, and waits until they have.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        for watcher in self.watchers.drain(..) {
            // A watcher that panicked has dropped, and so killed, its child.
            let _ = watcher.join();
        }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.end();
    }
}

struct Service {
    name: &'static str,
    config: PathBuf,
    log: PathBuf,
    pid_file: PathBuf,
    stopping: Arc<AtomicBool>,
    failed: Arc<Mutex<Option<String>>>,
    tell: Tell,
}

impl Service {
    fn spawn(&self) -> anyhow::Result<TiedChild> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("writing the log {}", self.log.display()))?;
        let mut command =
            Command::new(std::env::current_exe().context("looking for the own binary")?);
        command
            .arg("--config")
            .arg(&self.config)
            .arg(self.name)
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone().context("writing a log")?)
            .stderr(log);
        let child =
            TiedChild::spawn(command).with_context(|| format!("starting hissa {}", self.name))?;
        std::fs::write(&self.pid_file, child.pid().to_string())
            .with_context(|| format!("writing {}", self.pid_file.display()))?;
        Ok(child)
    }

    /// Keeps the service running until the demo stops, or it has failed too often.
    fn watch(&self, mut child: TiedChild) {
        let (mut started, mut early_ends) = (Instant::now(), 0);
        loop {
            if self.stopping.load(Ordering::SeqCst) {
                // It is stopped either way; how is in its log.
                let _ = child.stop(GRACE);
                return;
            }
            match child.wait_for(Duration::from_millis(50)) {
                Ok(None) => {}
                Ok(Some(status)) => {
                    early_ends = if started.elapsed() < EARLY {
                        early_ends + 1
                    } else {
                        0
                    };
                    started = Instant::now();
                    match self.again(status, early_ends) {
                        Ok(next) => child = next,
                        Err(why) => {
                            let mut failed =
                                self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                            failed.get_or_insert(format!("{why:#}"));
                            return;
                        }
                    }
                }
                Err(why) => (self.tell)(format!("waiting for {}: {why}", self.name)),
            }
        }
    }

    fn again(&self, status: ExitStatus, early_ends: u32) -> anyhow::Result<TiedChild> {
        if early_ends >= EARLY_ENDS_MAX {
            bail!(
                "hissa {} ended {early_ends} times right after its start ({}). Its log ends so:\n{}",
                self.name,
                in_words(status),
                tail(&self.log)
            );
        }
        (self.tell)(format!(
            "hissa {} ended ({}); it is started again",
            self.name,
            in_words(status)
        ));
        self.spawn()
    }
}

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
