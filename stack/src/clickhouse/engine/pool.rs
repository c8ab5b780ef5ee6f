//! The connections that statements run on, each on a thread of its own.
//!
//! Writers and readers have connections apart: a reader's are opened with the engine's own `readonly`, and a crowd of
//! analysts cannot keep an insert waiting. A connection whose session a statement changed is replaced by a new one,
//! which takes a fifth of a millisecond.

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::clickhouse::engine::ffi::{Connection, Engine};
use crate::clickhouse::engine::statement::{self, Request, Surroundings};
use crate::clickhouse::exception::Exception;
use crate::clickhouse::wire::respond::Reply;

/// A request waits this long for a connection.
const WAIT: Duration = Duration::from_secs(30);

/// More requests than this do not wait.
const WAITING_MAX: usize = 256;

/// `readonly = 2`: reads only, settings may be changed except this one.
const READ_ONLY: &str = "--readonly=2";

/// The engine parses by recursion and counts on stacks of this size.
const STACK_BYTES: usize = 8 << 20;

struct Job {
    request: Request,
    reply: oneshot::Sender<Reply>,
    /// Given back when the statement has ended.
    _place: OwnedSemaphorePermit,
}

/// All connections.
pub struct Pool {
    writers: Lane,
    readers: Lane,
    surroundings: Arc<Surroundings>,
}

/// Connections of one kind.
struct Lane {
    jobs: Mutex<Option<Sender<Job>>>,
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    /// Opens `writers` and `readers` connections with `arguments`.
    ///
    /// # Errors
    ///
    /// A thread could not be started.
    pub fn open(
        engine: &'static Engine,
        arguments: &[CString],
        surroundings: Surroundings,
        writers: usize,
        readers: usize,
    ) -> std::io::Result<Pool> {
        let surroundings = Arc::new(surroundings);
        let mut read_only = arguments.to_vec();
        read_only.extend(CString::new(READ_ONLY).ok());
        let opened = |name, arguments: &[CString], count| {
            Lane::open(engine, name, arguments, &surroundings, count)
        };
        Ok(Pool {
            writers: opened("writer", arguments, writers)?,
            readers: opened("reader", &read_only, readers)?,
            surroundings: Arc::clone(&surroundings),
        })
    }

    /// What every statement needs.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Runs a request; its answer's beginning comes by the receiver.
    ///
    /// # Errors
    ///
    /// All connections are busy and stay so, or the pool is closed.
    pub async fn run(&self, request: Request) -> Result<oneshot::Receiver<Reply>, Exception> {
        let lane = if request.read_only {
            &self.readers
        } else {
            &self.writers
        };
        lane.run(request).await
    }

    /// Waits for the running statements, then closes all connections. Further requests are refused.
    pub fn close(&self) {
        for lane in [&self.writers, &self.readers] {
            lane.places.close();
            lane.waiting.close();
            drop(
                lane.jobs
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
        }
        for lane in [&self.writers, &self.readers] {
            for thread in lane
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .drain(..)
            {
                // A thread that panicked has said so on stderr.
                let _ = thread.join();
            }
        }
    }
}

impl Lane {
    fn open(
        engine: &'static Engine,
        name: &str,
        arguments: &[CString],
        surroundings: &Arc<Surroundings>,
        count: usize,
    ) -> std::io::Result<Lane> {
        let (sender, receiver) = channel();
        let jobs = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::with_capacity(count);
        for at in 0..count {
            let (jobs, surroundings) = (Arc::clone(&jobs), Arc::clone(surroundings));
            let arguments = arguments.to_vec();
            let work = move || work(engine, &arguments, &surroundings, &jobs);
            let thread = thread::Builder::new()
                .name(format!("{name}-{at}"))
                .stack_size(STACK_BYTES);
            threads.push(thread.spawn(work)?);
        }
        Ok(Lane {
            jobs: Mutex::new(Some(sender)),
            places: Arc::new(Semaphore::new(count)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            threads: Mutex::new(threads),
        })
    }

    async fn run(&self, request: Request) -> Result<oneshot::Receiver<Reply>, Exception> {
        let waiting = self.waiting.try_acquire().map_err(|_| busy())?;
        let place = tokio::time::timeout(WAIT, Arc::clone(&self.places).acquire_owned()).await;
        drop(waiting);
        let place = place.map_err(|_| busy())?.map_err(|_| stopping())?;
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let job = Job {
            request,
            reply,
            _place: place,
        };
        match jobs.as_ref() {
            Some(jobs) if jobs.send(job).is_ok() => Ok(answer),
            Some(_) | None => Err(stopping()),
        }
    }
}

fn busy() -> Exception {
    Exception::new(
        202,
        "Too many simultaneous queries: all connections of this ClickHouse are busy. Try again later",
        "TOO_MANY_SIMULTANEOUS_QUERIES",
    )
}

fn stopping() -> Exception {
    Exception::new(236, "This ClickHouse is being stopped", "ABORTED")
}

/// A connection's thread: one statement after the other, until the pool is closed.
fn work(
    engine: &'static Engine,
    arguments: &[CString],
    surroundings: &Surroundings,
    jobs: &Mutex<Receiver<Job>>,
) {
    let mut connection: Option<Connection> = None;
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job {
            request,
            reply,
            _place,
        }) = next
        else {
            return;
        };
        let Some(open) = connection.take().or_else(|| engine.connect(arguments)) else {
            tracing::error!("the engine refuses a connection");
            continue;
        };
        let run = AssertUnwindSafe(|| run_on(open, surroundings, request, reply));
        // A panic costs its statement and its connection, not the place of all later ones; it has said so on stderr.
        connection = catch_unwind(run).unwrap_or(None);
    }
}

/// Runs one statement; gives the connection back if it is as fresh as before.
fn run_on(
    mut connection: Connection,
    surroundings: &Surroundings,
    request: Request,
    reply: oneshot::Sender<Reply>,
) -> Option<Connection> {
    statement::run(&mut connection, surroundings, request, reply).then_some(connection)
}
