//! `hissa stack up | status | down`, and what a `kill -9` leaves of it.
//!
//! A program without the test harness, because [`hissa_stack::up_detached`] starts its own program again with the
//! arguments `stack supervise ...`: here that is this test.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use hissa_stack::{Report, StackError, StackOptions, StackState};

const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("stack") => return supervise(&arguments),
        Some("only-up") => return only_up(),
        _ => {}
    }
    // Where the state goes, so that no stack of the user's is touched. No other thread runs yet.
    let state = tempfile::tempdir().unwrap();
    let run = Command::new(env::current_exe().unwrap());
    if env::var_os("XDG_STATE_HOME")
        .is_none_or(|folder| !Path::new(&folder).join("of-a-test").exists())
    {
        return again_with_a_state_folder_of_its_own(run, state.path());
    }

    let tests: [(&str, fn()); 5] = [
        (
            "a stack in the background answers, is found again, and goes down",
            up_status_down,
        ),
        (
            "kill -9 of the supervisor kills its children, and the next up works",
            killed_supervisor,
        ),
        (
            "what keeps the stack from coming up is said by up itself",
            port_in_use,
        ),
        ("a tool that is missing is named with its remedy", no_maven),
        (
            "down and running say so when there is no stack",
            nothing_runs,
        ),
    ];
    let _down = DownAtTheEnd;
    for (name, test) in tests {
        println!("test {name} ...");
        test();
        println!("test {name} ... ok");
    }
    ExitCode::SUCCESS
}

/// A test that fails leaves no stack behind.
struct DownAtTheEnd;

impl Drop for DownAtTheEnd {
    fn drop(&mut self) {
        // There is usually none.
        let _ = hissa_stack::down();
    }
}

/// Runs this test in another process whose `XDG_STATE_HOME` is `state`: a process should not change its own
/// environment.
fn again_with_a_state_folder_of_its_own(mut run: Command, state: &Path) -> ExitCode {
    fs::write(state.join("of-a-test"), "").unwrap();
    let status = run.env("XDG_STATE_HOME", state).status().unwrap();
    if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What the hidden subcommand of the binary does.
fn supervise(arguments: &[String]) -> ExitCode {
    let flag = |name: &str| {
        arguments
            .iter()
            .position(|argument| argument == name)
            .map(|at| arguments[at + 1].clone())
    };
    let port = |name: &str| flag(name).map(|port| port.parse().unwrap());
    let options = StackOptions {
        data_dir: PathBuf::from(flag("--data-dir").unwrap()),
        kafka_port: port("--kafka-port"),
        clickhouse_port: port("--clickhouse-port"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    match runtime.block_on(hissa_stack::supervise(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(4)
        }
    }
}

fn up(options: &StackOptions) -> Result<StackState, StackError> {
    hissa_stack::up_detached(options, &Report::to(|step| println!("  {step}")))
}

fn up_status_down() {
    let options = StackOptions::kept().unwrap();
    let state = up(&options).unwrap();
    let status = hissa_stack::status().unwrap();
    assert!(status.running && status.ready, "{status:?}");
    assert_eq!(status.supervisor_pid, Some(state.supervisor_pid));
    assert_eq!(hissa_stack::running().unwrap(), state);

    // A second one is the same one.
    assert_eq!(up(&options).unwrap(), state);

    hissa_stack::down().unwrap();
    let status = hissa_stack::status().unwrap();
    assert!(
        !status.running && !status.ready && status.kafka.is_none(),
        "{status:?}"
    );
    assert_eq!(those_alive(&state), Vec::<u32>::new());
}

fn killed_supervisor() {
    let options = StackOptions::kept().unwrap();
    let state = up(&options).unwrap();
    let killed = Command::new("kill")
        .args(["-9", &state.supervisor_pid.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    wait_until(
        || those_alive(&state).is_empty(),
        "the children died with their parent",
    );
    assert!(!hissa_stack::status().unwrap().running);

    // On the very same ports, at once.
    let port = |address: &str| address.rsplit(':').next().unwrap().parse().unwrap();
    let same_ports = StackOptions {
        kafka_port: Some(port(&state.kafka.address)),
        clickhouse_port: Some(port(&state.clickhouse.address)),
        ..options
    };
    let again = up(&same_ports).unwrap();
    assert_eq!(again.kafka.address, state.kafka.address);
    assert_eq!(again.clickhouse.address, state.clickhouse.address);
    assert!(hissa_stack::status().unwrap().ready);
    hissa_stack::down().unwrap();
    assert_eq!(those_alive(&again), Vec::<u32>::new());
}

fn port_in_use() {
    let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    for (service, options) in [
        (
            "Kafka",
            StackOptions {
                kafka_port: Some(port),
                ..StackOptions::kept().unwrap()
            },
        ),
        (
            "ClickHouse",
            StackOptions {
                clickhouse_port: Some(port),
                ..StackOptions::kept().unwrap()
            },
        ),
    ] {
        let said = up(&options).unwrap_err().to_string();
        assert!(
            said.starts_with(&format!("{service} cannot use port {port} of 127.0.0.1")),
            "{said}"
        );
    }
    wait_until(
        || !hissa_stack::status().unwrap().running,
        "the supervisor ended",
    );
}

fn no_maven() {
    let cache = tempfile::tempdir().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .arg("only-up")
        .env("PATH", "/nowhere")
        .env("JAVA_HOME", java_home())
        .env("XDG_CACHE_HOME", cache.path())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).trim(),
        "Maven is needed to fetch Apache Kafka and is not in PATH. \
         Install it (Debian, Ubuntu: `apt-get install maven`)."
    );
}

/// What `no_maven` runs in a poorer environment.
fn only_up() -> ExitCode {
    match up(&StackOptions::kept().unwrap()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(4)
        }
    }
}

fn java_home() -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    let java = env::split_paths(&path)
        .map(|folder| folder.join("java"))
        .find(|java| java.exists())
        .unwrap();
    fs::canonicalize(java)
        .unwrap()
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn nothing_runs() {
    assert!(matches!(
        hissa_stack::down(),
        Err(StackError::NotRunning { .. })
    ));
    let said = hissa_stack::running().unwrap_err().to_string();
    assert!(said.contains("Start one with `hissa stack up`"), "{said}");
}

/// Which of the stack's three processes still live; a zombie that waits for its parent counts as dead.
fn those_alive(state: &StackState) -> Vec<u32> {
    let alive = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
            !stat
                .rsplit(')')
                .next()
                .unwrap()
                .trim_start()
                .starts_with('Z')
        })
    };
    [state.supervisor_pid, state.kafka.pid, state.clickhouse.pid]
        .into_iter()
        .filter(alive)
        .collect()
}

fn wait_until(mut done: impl FnMut() -> bool, what: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
