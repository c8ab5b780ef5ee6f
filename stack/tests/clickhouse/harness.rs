//! A ClickHouse for tests, and `curl`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use hissa_stack::clickhouse::{ClickHouse, ClickHouseOptions, User};
use hissa_stack::download::chdb;
use hissa_stack::{Report, folders};

pub const OWNER: &str = "owner";
pub const OWNER_PASSWORD: &str = "own:er's";
pub const ANALYST: &str = "analyst";
pub const ANALYST_PASSWORD: &str = "look";

/// Options for a ClickHouse of a test's own.
pub fn options(data_dir: &Path) -> ClickHouseOptions {
    ClickHouseOptions {
        data_dir: data_dir.to_owned(),
        port: None,
        lib: library(),
        binary: binary(),
        users: vec![],
        memory_per_query_mib: None,
    }
}

pub fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_hissa-clickhouse"))
}

pub fn library() -> PathBuf {
    ClickHouseOptions::library_override()
        .unwrap_or_else(|| chdb::fetch(&folders::cache().unwrap(), &Report::silent()).unwrap())
}

/// The ClickHouse of all tests, with an owner, an analyst who may only read `pub`, and a reader without such a list.
/// It dies with the test program.
pub fn shared_url() -> &'static str {
    static SHARED: OnceLock<(ClickHouse, tempfile::TempDir)> = OnceLock::new();
    let (clickhouse, _) = SHARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let users = vec![
            User::owner(OWNER, OWNER_PASSWORD),
            User::reader(ANALYST, ANALYST_PASSWORD, &["pub"]),
            User {
                databases: None,
                ..User::reader("reader", "", &["x"])
            },
            User::owner("default", ""),
        ];
        let options = ClickHouseOptions {
            users,
            memory_per_query_mib: Some(512),
            ..options(folder.path())
        };
        (
            ClickHouse::launch_blocking(&options, &Report::silent()).unwrap(),
            folder,
        )
    });
    clickhouse.url()
}

/// A database of a test's own in the shared ClickHouse.
pub fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    statement(&format!("CREATE DATABASE {name}")).ok();
    name
}

/// The crate's client for the shared ClickHouse.
pub fn client(database: &str) -> clickhouse::Client {
    clickhouse::Client::default()
        .with_url(shared_url())
        .with_user(OWNER)
        .with_password(OWNER_PASSWORD)
        .with_database(database)
}

/// What `curl` received.
#[derive(Debug)]
pub struct Received {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
    /// `curl`'s own exit code.
    pub exit: i32,
}

impl Received {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The text of a good answer.
    #[track_caller]
    pub fn ok(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.text());
        self.text()
    }

    /// The number of an exception.
    #[track_caller]
    pub fn code(&self) -> u16 {
        let code = self.header("X-ClickHouse-Exception-Code");
        let code: u16 = code
            .unwrap_or_else(|| panic!("no exception: {}", self.text()))
            .parse()
            .unwrap();
        code
    }
}

/// Runs `curl` on `path` (with its parameters) below `url`, with `body` if there is one.
pub fn curl(url: &str, path: &str, arguments: &[&str], body: Option<&[u8]>) -> Received {
    let mut command = Command::new("curl");
    command
        .args(["-sS", "-i", "-H", "Expect:", "--max-time", "60"])
        .args(arguments);
    if body.is_some() {
        command.args(["--data-binary", "@-"]);
    }
    command.arg(format!("{url}{path}"));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = body.unwrap_or_default().to_vec();
    // A body may be refused before it is read to its end.
    let writer = std::thread::spawn(move || stdin.write_all(&body).is_ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let all = output.stdout;
    let end = all
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or(all.len());
    let headers = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = headers
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    let body = all.get(end + 4..).unwrap_or_default().to_vec();
    Received {
        status,
        headers,
        body,
        exit: output.status.code().unwrap_or(-1),
    }
}

/// Sends a statement as the shared ClickHouse's owner.
pub fn statement(sql: &str) -> Received {
    curl(
        shared_url(),
        "/",
        &["-u", &format!("{OWNER}:{OWNER_PASSWORD}")],
        Some(sql.as_bytes()),
    )
}

/// `text` as part of a URL.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
