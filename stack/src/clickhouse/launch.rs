//! Starts `hissa-clickhouse` as a child process and knows when it is ready.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::{self, TiedChild};
use crate::clickhouse::front::LISTENING;
use crate::clickhouse::probe::ask;
use crate::clickhouse::users::{User, UsersFile};
use crate::error::StackError;
use crate::folders;
use crate::log_tail;
use crate::ports;
use crate::progress::{Progress, Report};

const WHAT: &str = "ClickHouse";

/// The program, beside this one.
const PROGRAM: &str = "hissa-clickhouse";

/// A process that has not answered after this long will not.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A process that was asked to end drains for 10 s and abandons what is left after 20 s more.
const STOP_WITHIN: Duration = Duration::from_secs(35);

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Starts are tried this often: a free port may be snatched away.
const TRIES_MAX: u32 = 4;

const LINES_SHOWN: usize = 12;

/// How to start ClickHouse.
#[derive(Debug, Clone)]
pub struct ClickHouseOptions {
    /// Its own folder: tables, users, log. Made if need be, kept for the next start.
    pub data_dir: PathBuf,
    /// The port on 127.0.0.1; a free one where `None`.
    pub port: Option<u16>,
    /// `libchdb.so`; see [`ClickHouseOptions::library_override`].
    pub lib: PathBuf,
    /// The program `hissa-clickhouse`; see [`ClickHouseOptions::beside_this_program`].
    pub binary: PathBuf,
    /// Who may use it. Where empty, `default` without a password.
    pub users: Vec<User>,
    /// The memory that a query may take, in MiB; 2048 where `None`.
    pub memory_per_query_mib: Option<u64>,
}

impl ClickHouseOptions {
    /// The library that `HISSA_LIBCHDB` names, instead of the one that is fetched.
    #[must_use]
    pub fn library_override() -> Option<PathBuf> {
        std::env::var_os("HISSA_LIBCHDB")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    }

    /// Where the program is: beside the one that runs (for a test's program, one folder up), or where
    /// `HISSA_CLICKHOUSE_BIN` says.
    ///
    /// # Errors
    ///
    /// It is in neither place.
    pub fn beside_this_program() -> Result<PathBuf, StackError> {
        if let Some(path) = std::env::var_os("HISSA_CLICKHOUSE_BIN").filter(|path| !path.is_empty())
        {
            return Ok(PathBuf::from(path));
        }
        let this = std::env::current_exe()
            .map_err(StackError::file("looking for", "the running program"))?;
        let folders = this.ancestors().skip(1).take(2);
        let found = folders
            .map(|folder| folder.join(PROGRAM))
            .find(|path| path.is_file());
        found.ok_or_else(|| StackError::Start {
            what: WHAT,
            program: this.with_file_name(PROGRAM).display().to_string(),
            source: std::io::ErrorKind::NotFound.into(),
        })
    }
}

/// A running ClickHouse; dropping it kills it. It dies with this process, however that dies.
#[derive(Debug)]
pub struct ClickHouse {
    child: TiedChild,
    port: u16,
    url: String,
    log: PathBuf,
}

impl ClickHouse {
    /// Starts ClickHouse and returns when it has answered a ping and a statement.
    ///
    /// # Errors
    ///
    /// See [`StackError`]: no program, no library, a port in use, a data folder in use, a process that ended.
    pub async fn launch(options: ClickHouseOptions) -> Result<ClickHouse, StackError> {
        blocking(move || ClickHouse::launch_blocking(&options, &Report::silent())).await
    }

    /// As [`ClickHouse::launch`], for callers without a runtime. Takes about 0.5 s.
    ///
    /// # Errors
    ///
    /// As [`ClickHouse::launch`].
    pub fn launch_blocking(
        options: &ClickHouseOptions,
        report: &Report,
    ) -> Result<ClickHouse, StackError> {
        folders::make(&options.data_dir)?;
        let data_dir = fs::canonicalize(&options.data_dir)
            .map_err(StackError::file("looking for", &options.data_dir))?;
        let users = write_users(&data_dir, &options.users)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = match options.port {
                Some(port) => {
                    ports::require_free(WHAT, port)?;
                    port
                }
                None => ports::free()?,
            };
            let started = Instant::now();
            let address = format!("http://127.0.0.1:{port}");
            report.say(Progress::Starting {
                what: WHAT.to_owned(),
                address: address.clone(),
            });
            match start(options, &data_dir, users.as_deref(), port) {
                Ok(running) => {
                    let seconds = started.elapsed().as_secs_f64();
                    report.say(Progress::Ready {
                        what: WHAT.to_owned(),
                        address,
                        seconds,
                    });
                    return Ok(running);
                }
                // A free port that was taken since; asked for by number, it stays the caller's error.
                Err(StackError::Died { log, .. }) if log.contains("Address already in use") => {
                    if options.port.is_some() || tries == TRIES_MAX {
                        return Err(StackError::PortInUse { what: WHAT, port });
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The address for clients: `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Whether it still runs.
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
            Some(status) => Err(died(&self.log, &child::in_words(status))),
        }
    }

    /// Ends it in good order: running requests are answered first. What takes longer than half a minute is killed.
    ///
    /// # Errors
    ///
    /// The operating system refused to signal it.
    pub async fn stop(self) -> Result<(), StackError> {
        blocking(move || self.stop_blocking()).await
    }

    /// As [`ClickHouse::stop`], for callers without a runtime.
    ///
    /// # Errors
    ///
    /// As [`ClickHouse::stop`].
    pub fn stop_blocking(mut self) -> Result<(), StackError> {
        self.child
            .stop(STOP_WITHIN)
            .map(drop)
            .map_err(StackError::file("stopping the process of", &self.log))
    }

    /// Kills it (`kill -9`), for tests of what survives that.
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

/// Writes the users where only their owner reads them.
fn write_users(data_dir: &Path, users: &[User]) -> Result<Option<PathBuf>, StackError> {
    if users.is_empty() {
        return Ok(None);
    }
    let path = data_dir.join("users.json");
    let json = serde_json::to_vec_pretty(&UsersFile {
        users: users.to_vec(),
    })
    .map_err(|source| StackError::file("writing", &path)(source.into()))?;
    // A file that is there already keeps its mode, so it goes first.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(StackError::file("replacing", &path)(error));
        }
        _ => {}
    }
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(&json))
        .map_err(StackError::file("writing", &path))?;
    Ok(Some(path))
}

fn start(
    options: &ClickHouseOptions,
    data_dir: &Path,
    users: Option<&Path>,
    port: u16,
) -> Result<ClickHouse, StackError> {
    let log = data_dir.join("clickhouse.log");
    let mut command = Command::new(&options.binary);
    command
        .arg("--data")
        .arg(data_dir)
        .arg("--lib")
        .arg(&options.lib);
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--with-parent"]);
    if let Some(users) = users {
        command.arg("--users").arg(users);
    }
    if let Some(mib) = options.memory_per_query_mib {
        command.args(["--memory-per-query", &mib.to_string()]);
    }
    let said = fs::File::create(&log).map_err(StackError::file("writing", &log))?;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(said);
    let child = TiedChild::spawn(command).map_err(|source| StackError::Start {
        what: WHAT,
        program: options.binary.display().to_string(),
        source,
    })?;
    let mut clickhouse = ClickHouse {
        child,
        port,
        url: format!("http://127.0.0.1:{port}"),
        log,
    };
    wait_for_the_listener(&mut clickhouse)?;
    wait_for_an_answer(&mut clickhouse, options.users.first())?;
    Ok(clickhouse)
}

/// The process prints one line when it listens, or ends before.
fn wait_for_the_listener(clickhouse: &mut ClickHouse) -> Result<(), StackError> {
    let stdout = clickhouse.child.child_mut().stdout.take();
    let listening = stdout.is_some_and(|stdout| {
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .is_ok_and(|_| line.starts_with(LISTENING))
    });
    if listening {
        return Ok(());
    }
    let ended = clickhouse.child.wait_for(STOP_WITHIN);
    let status = ended.map_err(StackError::file("watching the process of", &clickhouse.log))?;
    let how = status.map_or_else(|| "without listening".to_owned(), child::in_words);
    Err(died(&clickhouse.log, &how))
}

fn wait_for_an_answer(clickhouse: &mut ClickHouse, user: Option<&User>) -> Result<(), StackError> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        clickhouse.check()?;
        let answered = ask(clickhouse.port, "/ping", None, "Ok.\n").and_then(|()| match user {
            // Only the hash of this password is known here: the ping must do.
            Some(User { password: None, .. }) => Ok(()),
            user => ask(clickhouse.port, "/?query=SELECT%201", user, "1\n"),
        });
        match answered {
            Ok(()) => return Ok(()),
            Err(said) if Instant::now() >= deadline => {
                return Err(StackError::NotAnswering {
                    what: WHAT,
                    address: clickhouse.url.clone(),
                    after: READY_WITHIN,
                    said,
                    log: log_tail::of(&clickhouse.log, LINES_SHOWN),
                });
            }
            Err(_) => thread::sleep(LOOK_AGAIN),
        }
    }
}

fn died(log: &Path, how: &str) -> StackError {
    StackError::Died {
        what: WHAT,
        how: how.to_owned(),
        log: log_tail::of(log, LINES_SHOWN),
        remedy: "Mend what the log says, then start again.",
    }
}

/// Runs `work` on a thread for blocking work; a panic in it goes on in the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
