//! `hissa stack up | status | down`: a stack that goes on when the command has ended.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use crate::child;
use crate::clickhouse_probe;
use crate::error::StackError;
use crate::folders;
use crate::kafka::probe;
use crate::log_tail;
use crate::progress::{Progress, Report};
use crate::stack::StackOptions;
use crate::state::{Service, StackState, StateFiles};
use crate::supervise::Word;

/// `status` waits this long for each service's answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// `down` waits this long for a stop in good order, then kills.
const DOWN_WITHIN: Duration = Duration::from_secs(40);

/// A second `up` waits this long for the first one's.
const OTHER_READY_WITHIN: Duration = Duration::from_secs(300);

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What answers now. Serializes to the JSON of `hissa stack status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackStatus {
    /// Whether a supervisor lives.
    pub running: bool,
    /// Whether both services answered just now.
    pub ready: bool,
    /// The supervisor's process id.
    pub supervisor_pid: Option<u32>,
    /// Data, logs and passwords.
    pub data_dir: Option<PathBuf>,
    /// The supervisor's log.
    pub log: PathBuf,
    /// Kafka, once it was ready.
    pub kafka: Option<ServiceStatus>,
    /// ClickHouse, once it was ready.
    pub clickhouse: Option<ServiceStatus>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    /// Where it is asked.
    pub address: String,
    /// Its process.
    pub pid: u32,
    /// Whether it answered within 3 s.
    pub answers: bool,
    /// What was the matter, when it did not.
    pub trouble: Option<String>,
}

impl StackOptions {
    /// The stack of `hissa stack up`: its data are kept in the state folder, under `data`.
    ///
    /// # Errors
    ///
    /// There is no home folder, or it cannot be written.
    pub fn kept() -> Result<StackOptions, StackError> {
        Ok(StackOptions::in_folder(folders::state()?.join("data")))
    }
}

/// Starts a stack in the background and returns when it is ready. One that runs already is returned as it is.
///
/// Runs this very program again as `stack supervise --data-dir D [--kafka-port N] [--clickhouse-port N]`, which must
/// end in [`crate::supervise`].
///
/// # Errors
///
/// Why the stack did not come up.
pub fn up_detached(options: &StackOptions, report: &Report) -> Result<StackState, StackError> {
    let files = StateFiles::open()?;
    if files.supervisor()?.is_some() {
        return wait_for_other(&files, report);
    }
    let mut supervisor = start_supervisor(options, &files)?;
    let said = listen(&mut supervisor, report);
    said.unwrap_or_else(|| {
        Err(StackError::Supervisor(format!(
            "the process that should hold the stack ended without a word; {}\n\
             Try again; if it ends so each time, report it with that log.",
            log_tail::of(&files.log(), 8)
        )))
    })
}

/// What answers now.
///
/// # Errors
///
/// The state folder cannot be read.
pub fn status() -> Result<StackStatus, StackError> {
    let files = StateFiles::open()?;
    let supervisor_pid = files.supervisor()?;
    let state = supervisor_pid.and_then(|_| files.read());
    let kafka = state
        .as_ref()
        .map(|state| ask(&state.kafka, probe::answers));
    let clickhouse = state
        .as_ref()
        .map(|state| ask(&state.clickhouse, clickhouse_probe::answers));
    let answers =
        |service: &Option<ServiceStatus>| service.as_ref().is_some_and(|service| service.answers);
    Ok(StackStatus {
        running: supervisor_pid.is_some(),
        ready: answers(&kafka) && answers(&clickhouse),
        supervisor_pid,
        data_dir: state.map(|state| state.data_dir),
        log: files.log(),
        kafka,
        clickhouse,
    })
}

/// The stack that runs in the background, for commands that need its addresses.
///
/// # Errors
///
/// [`StackError::NotRunning`].
pub fn running() -> Result<StackState, StackError> {
    let files = StateFiles::open()?;
    let state = files.supervisor()?.and_then(|_| files.read());
    state.ok_or_else(|| StackError::NotRunning {
        state: files.lock(),
    })
}

/// Ends the stack in good order and returns when its processes are gone.
///
/// # Errors
///
/// [`StackError::NotRunning`], or the supervisor belongs to another user.
pub fn down() -> Result<(), StackError> {
    let files = StateFiles::open()?;
    let Some(supervisor) = files.supervisor()? else {
        files.forget();
        return Err(StackError::NotRunning {
            state: files.lock(),
        });
    };
    // The number is the supervisor's own: it holds the lock, so it lives.
    signal(supervisor, Signal::TERM, &files)?;
    let deadline = Instant::now() + DOWN_WITHIN;
    while files.supervisor()? == Some(supervisor) {
        if Instant::now() >= deadline {
            // Its children die with it.
            signal(supervisor, Signal::KILL, &files)?;
        }
        thread::sleep(LOOK_AGAIN);
    }
    files.forget();
    Ok(())
}

fn start_supervisor(options: &StackOptions, files: &StateFiles) -> Result<Child, StackError> {
    let program =
        env::current_exe().map_err(StackError::file("looking for", "this program's file"))?;
    let path = files.log();
    let log = File::create(&path).map_err(StackError::file("writing", &path))?;
    let mut command = Command::new(&program);
    command
        .args(["stack", "supervise", "--data-dir"])
        .arg(&options.data_dir);
    for (flag, port) in [
        ("--kafka-port", options.kafka_port),
        ("--clickhouse-port", options.clickhouse_port),
    ] {
        if let Some(port) = port {
            command.arg(flag).arg(port.to_string());
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    child::spawn_detached(&mut command).map_err(|source| StackError::Start {
        what: "the stack's supervisor",
        program: program.display().to_string(),
        source,
    })
}

/// Hears the supervisor out, until it is ready or has failed; `None` where it ended without either.
fn listen(supervisor: &mut Child, report: &Report) -> Option<Result<StackState, StackError>> {
    let lines = BufReader::new(supervisor.stdout.take()?).lines();
    for line in lines.map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Word::Progress(progress)) => report.say(progress),
            Ok(Word::Ready(state)) => return Some(Ok(*state)),
            Ok(Word::Failed(message)) => {
                // It is about to end; reaped, it leaves no zombie in a long-lived caller.
                let _ = supervisor.wait();
                return Some(Err(StackError::Supervisor(message)));
            }
            // Not ours: something that a library printed.
            Err(_) => {}
        }
    }
    let _ = supervisor.wait();
    None
}

fn wait_for_other(files: &StateFiles, report: &Report) -> Result<StackState, StackError> {
    let deadline = Instant::now() + OTHER_READY_WITHIN;
    let mut told = false;
    loop {
        if let Some(state) = files.read() {
            return Ok(state);
        }
        if files.supervisor()?.is_none() || Instant::now() >= deadline {
            return Err(StackError::Supervisor(format!(
                "another `hissa stack up` was at work and did not succeed; {} says why. Try again.",
                files.log().display()
            )));
        }
        if !told {
            report.say(Progress::WaitingForOther {
                what: "the stack".to_owned(),
            });
            told = true;
        }
        thread::sleep(LOOK_AGAIN);
    }
}

fn ask(service: &Service, answers: fn(&str, Duration) -> Result<(), String>) -> ServiceStatus {
    let trouble = answers(&service.address, ANSWER_WITHIN).err();
    ServiceStatus {
        address: service.address.clone(),
        pid: service.pid,
        answers: trouble.is_none(),
        trouble,
    }
}

fn signal(pid: u32, signal: Signal, files: &StateFiles) -> Result<(), StackError> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return Ok(());
    };
    match kill_process(pid, signal) {
        // It ended by itself between our look and our signal.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(errno) => Err(StackError::file(
            "signalling the supervisor named in",
            files.lock(),
        )(errno.into())),
    }
}
