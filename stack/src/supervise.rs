//! The process that `hissa stack up` leaves behind: it holds both services as its children until it is told to end.

use std::io::{self, Write};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::StackError;
use crate::progress::{Progress, Report};
use crate::stack::{Stack, StackOptions};
use crate::state::{Service, StackState, StateFiles};

/// How often the supervisor looks whether both services still run.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What the supervisor says on its standard output, a JSON object a line, until it is ready or has failed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    Progress(Progress),
    Ready(Box<StackState>),
    Failed(String),
}

/// Brings the stack up, writes its state down, and holds it until SIGTERM, SIGINT or SIGHUP, or until a service ends.
///
/// Meant for the hidden subcommand `hissa stack supervise`, which [`crate::up_detached`] starts in the background with
/// the flags of `stack up`; its standard output is a pipe to that process, its standard error a log.
///
/// # Errors
///
/// Why the stack did not come up, or which service ended by itself.
pub async fn supervise(options: StackOptions) -> Result<(), StackError> {
    let listener = Listener::default();
    let ended = hold(options, &listener).await;
    if let Err(error) = &ended {
        listener.say(&Word::Failed(error.to_string()));
    }
    ended
}

async fn hold(options: StackOptions, listener: &Listener) -> Result<(), StackError> {
    let files = StateFiles::open()?;
    let Some(_lock) = files.become_supervisor()? else {
        return Err(StackError::Supervisor(
            "another stack is already running. `hissa stack status` shows it, `hissa stack down` ends it.".to_owned(),
        ));
    };
    let mut signals = Signals::catch()?;

    let progress = listener.clone();
    let report = Report::to(move |step| {
        // That nobody listens any more is noticed when the stack is ready.
        progress.say(&Word::Progress(step));
    });
    let mut stack = tokio::select! {
        stack = Stack::up(options, report) => stack?,
        // Half-started services and downloads are our children: they end with us, and nothing else is to be kept.
        () = signals.any() => process::exit(0),
    };
    let state = state_of(&mut stack);
    files.write(&state)?;
    if !listener.say(&Word::Ready(Box::new(state))) {
        // Whoever wanted the stack was interrupted and does not know that it runs.
        files.forget();
        return stack.stop().await;
    }

    let held = loop {
        tokio::select! {
            () = signals.any() => break Ok(()),
            () = tokio::time::sleep(LOOK_AGAIN) => {
                if let Err(died) = stack.check() {
                    break Err(died);
                }
            }
        }
    };
    files.forget();
    let stopped = stack.stop().await;
    held.and(stopped)
}

fn state_of(stack: &mut Stack) -> StackState {
    let kafka = Service {
        address: stack.bootstrap(),
        pid: stack.kafka().pid(),
    };
    let clickhouse = Service {
        address: stack.clickhouse_url(),
        pid: stack.clickhouse().pid(),
    };
    StackState {
        supervisor_pid: process::id(),
        data_dir: stack.data_dir().to_owned(),
        clickhouse,
        kafka,
        owner: (
            stack.owner().user.clone(),
            stack.owner().password_file.clone(),
        ),
        analyst: (
            stack.analyst().user.clone(),
            stack.analyst().password_file.clone(),
        ),
    }
}

/// The process that started us and waits for a word, if it still does.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<()>>);

impl Listener {
    /// Says `word`; false when nobody listens any more.
    fn say(&self, word: &Word) -> bool {
        let Ok(mut line) = serde_json::to_string(word) else {
            return false;
        };
        line.push('\n');
        let _one_line_at_a_time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stdout = io::stdout();
        stdout
            .write_all(line.as_bytes())
            .and_then(|()| stdout.flush())
            .is_ok()
    }
}

struct Signals([Signal; 3]);

impl Signals {
    fn catch() -> Result<Signals, StackError> {
        let catch =
            |kind| signal(kind).map_err(StackError::file("catching signals of", "this process"));
        Ok(Signals([
            catch(SignalKind::terminate())?,
            catch(SignalKind::interrupt())?,
            catch(SignalKind::hangup())?,
        ]))
    }

    async fn any(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
