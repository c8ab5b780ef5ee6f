//! What can go wrong with the stack. Each message is one sentence about what was found and one about the remedy; the
//! command line ends with exit code 4 (a dependency is missing) for every one of them.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The end of a service's log.
#[derive(Debug)]
pub struct LogEnd {
    /// The whole log.
    pub path: PathBuf,
    /// Its last lines that say something, indented.
    pub lines: String,
}

impl LogEnd {
    /// Whether these lines say `sign` somewhere.
    #[must_use]
    pub fn contains(&self, sign: &str) -> bool {
        self.lines.contains(sign)
    }
}

impl fmt::Display for LogEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the last lines of {} are:\n{}",
            self.path.display(),
            self.lines
        )
    }
}

/// Why the stack, or a part of it, is not there.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A port that was asked for is taken.
    #[error(
        "{what} cannot use port {port} of 127.0.0.1: another process listens there. \
         Stop it (`ss -ltnp 'sport = :{port}'` names it), or choose another port."
    )]
    PortInUse { what: &'static str, port: u16 },

    /// No port could be had at all.
    #[error(
        "no free port was found on 127.0.0.1: {source}. Check that the loopback interface is up (`ip addr show lo`)."
    )]
    NoPort { source: io::Error },

    /// There is no Java.
    #[error(
        "Kafka needs Java {needed} or newer and none was found in JAVA_HOME or PATH. \
         Install it (Debian, Ubuntu: `apt-get install openjdk-{needed}-jre-headless`)."
    )]
    JavaMissing { needed: u32 },

    /// Every Java found is too old.
    #[error(
        "Kafka needs Java {needed} or newer, but {java} is version {found}. Install a newer one (Debian, Ubuntu: \
         `apt-get install openjdk-{needed}-jre-headless`) or point JAVA_HOME at it."
    )]
    JavaTooOld {
        needed: u32,
        java: PathBuf,
        found: String,
    },

    /// A tool that fetches a part is not installed.
    #[error(
        "{tool} is needed to fetch {what} and is not in PATH. Install it (Debian, Ubuntu: `apt-get install {package}`)."
    )]
    ToolMissing {
        tool: &'static str,
        what: &'static str,
        package: &'static str,
    },

    /// The tool that fetches a part failed.
    #[error(
        "fetching {what} failed: {command} ended with {status} and said:\n{said}\n\
         Check the network and the proxy or mirror settings of {tool}, then try again."
    )]
    Fetch {
        what: &'static str,
        tool: &'static str,
        command: String,
        status: String,
        said: String,
    },

    /// What was fetched is not what is pinned.
    #[error(
        "{what} is not the pinned one: {file} has {found} where {expected} was expected. It was thrown away. A mirror or \
         proxy may have changed it: try again, and tell the maintainers if it stays so."
    )]
    NotThePinnedOne {
        what: &'static str,
        file: String,
        expected: String,
        found: String,
    },

    /// Not enough room on a disk.
    #[error(
        "{what} needs about {needed_mb} MB in {}, where {free_mb} MB are free. Make room, or set {variable} to a \
         folder on another disk.", folder.display()
    )]
    NoSpace {
        what: &'static str,
        folder: PathBuf,
        needed_mb: u64,
        free_mb: u64,
        variable: &'static str,
    },

    /// Neither HOME nor the XDG variable says where to keep things.
    #[error("there is no folder for {what}: neither {variable} nor HOME is set. Set one of them.")]
    NoHome {
        what: &'static str,
        variable: &'static str,
    },

    /// A file or folder could not be read or written.
    #[error("{doing} {} failed: {source}. Check that the folder exists, belongs to you and is writable.", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    /// Two stacks want one data folder.
    #[error("the data folder {} is used by another running stack. Stop that one, or choose another folder.", folder.display())]
    FolderInUse { folder: PathBuf },

    /// This machine cannot run the pinned library.
    #[error(
        "ClickHouse's engine (libchdb) is pinned for Linux on x86-64 with glibc, and this is {found}. \
         Use a ClickHouse server instead: set its URL in the configuration."
    )]
    UnsupportedMachine { found: String },

    /// A child could not be started.
    #[error(
        "starting {what} ({program}) failed: {source}. Check that the file exists and is executable."
    )]
    Start {
        what: &'static str,
        program: String,
        source: io::Error,
    },

    /// A service ended although nobody asked it to.
    #[error("{what} ended ({how}); {log}\n{remedy}")]
    Died {
        what: &'static str,
        how: String,
        log: Box<LogEnd>,
        remedy: &'static str,
    },

    /// A service runs and does not answer.
    #[error(
        "{what} on {address} has not answered for {} s ({said}); {log}\nThe machine may be overloaded or short of \
         memory: look at `free -m` and `top`, then try again.", after.as_secs()
    )]
    NotAnswering {
        what: &'static str,
        address: String,
        after: Duration,
        said: String,
        log: Box<LogEnd>,
    },

    /// The supervisor that `stack up` started in the background failed; the message is its own, remedy included.
    #[error("{0}")]
    Supervisor(String),

    /// A stack that should be stopped or asked is not there.
    #[error("no stack is running (nothing holds {}). Start one with `hissa stack up`.", state.display())]
    NotRunning { state: PathBuf },
}

impl StackError {
    /// For `map_err` on file operations.
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> StackError {
        let path = path.into();
        move |source| StackError::File {
            doing,
            path,
            source,
        }
    }
}
