//! Child processes whose life is tied to ours.
//!
//! A child started here dies when this process dies, whatever kills it (`kill -9` too), because the kernel sends it
//! SIGKILL then. It inherits no descriptor above 2, so it holds no socket, lock or pipe of ours open; and it sits in
//! a process group of its own, so that Ctrl-C in a terminal reaches only us and we stop our children in order.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal,
};

/// How often a wait looks again whether the child has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A running child process; dropping it kills it.
#[derive(Debug)]
pub struct TiedChild {
    child: Child,
}

impl TiedChild {
    /// Starts `command` as a child that cannot outlive this process.
    ///
    /// # Errors
    ///
    /// What the operating system said: most often that the program is not there.
    pub fn spawn(mut command: Command) -> io::Result<TiedChild> {
        tie(&mut command);
        let (reply, answer) = mpsc::channel();
        spawner()?
            .send((command, reply))
            .map_err(|_| io::Error::other("the thread that starts child processes has ended"))?;
        let child = answer
            .recv()
            .map_err(|_| io::Error::other("the thread that starts child processes has ended"))??;
        Ok(TiedChild { child })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the child ended, or `None` while it runs.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// The inner child, for its pipes.
    pub fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Asks the child to end (SIGTERM), waits up to `grace`, then kills it. Returns how it ended.
    pub fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        if let Some(pid) = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(0)) {
            // The child is not reaped yet, so the number is still its own; it may be a zombie, which is no error.
            let _ = kill_process(pid, Signal::TERM);
        }
        if let Some(status) = self.wait_for(grace)? {
            return Ok(status);
        }
        self.child.kill()?;
        self.child.wait()
    }

    /// Kills the child at once (SIGKILL) and waits for its end.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Waits for the child to end by itself.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Waits up to `limit` for the child to end by itself.
    pub fn wait_for(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Drop for TiedChild {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; a child that has ended already is the usual one.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a process ended, in words: `exit status 1`, `killed by signal 9`.
#[must_use]
pub fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "an unknown end".to_owned(),
    }
}

type Request = (Command, mpsc::Sender<io::Result<Child>>);

/// The thread that starts every child. The parent-death signal follows the *thread* that forked, not the process: a
/// child started from a short-lived thread (a runtime's blocking pool, a test) would be killed as that thread ends.
/// This thread ends with the process only.
fn spawner() -> io::Result<mpsc::Sender<Request>> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Request>>> = OnceLock::new();
    if SPAWNER.get().is_none() {
        let (sender, requests) = mpsc::channel::<Request>();
        thread::Builder::new()
            .name("child-spawner".to_owned())
            .spawn(move || {
                for (mut command, reply) in requests {
                    // Who asked may be gone; the child then dies with the dropped handle below.
                    if let Err(mpsc::SendError(Ok(mut orphan))) = reply.send(command.spawn()) {
                        let _ = orphan.kill();
                        let _ = orphan.wait();
                    }
                }
            })?;
        // Two threads may race to here: the loser's sender is dropped and its thread ends before it started any child.
        let _ = SPAWNER.set(Mutex::new(sender));
    }
    let spawner = SPAWNER
        .get()
        .ok_or_else(|| io::Error::other("no thread to start child processes"))?;
    Ok(spawner
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .clone())
}

/// Ties `command` to this process: parent-death signal, own process group, no descriptor above 2.
#[allow(unsafe_code)]
fn tie(command: &mut Command) {
    let parent = getpid();
    command.process_group(0);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. The closure makes three plain system
    // calls (prctl, getppid, close_range) and builds errors from numbers, without allocating or locking.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before the line above; then nobody would ever send the signal.
            if getppid() != Some(parent) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            close_on_exec_above_2()
        });
    }
}

/// Starts `command` in a session of its own, free of this process's terminal and life: for the supervisor that
/// `hissa stack up` leaves behind.
#[allow(unsafe_code)]
pub fn spawn_detached(command: &mut Command) -> io::Result<Child> {
    // SAFETY: as above: two plain system calls, no allocation, no lock.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            close_on_exec_above_2()
        });
    }
    command.spawn()
}

/// Marks every descriptor above 2 to be closed by exec. Rust opens its own files so; C libraries in this process
/// (librdkafka's sockets, libchdb's files) do not always.
#[allow(unsafe_code)]
fn close_on_exec_above_2() -> io::Result<()> {
    // SAFETY: both system calls take integers and touch no memory of ours, and both only set a flag, so the pipe by
    // which the standard library reports a failed exec stays usable. The raw call rather than libc's function,
    // because glibc has that only since 2.34.
    unsafe {
        if libc::syscall(
            libc::SYS_close_range,
            3_u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        ) == 0
        {
            return Ok(());
        }
        // A kernel before 5.11: one by one, as far as descriptors commonly go. Those that are not open say EBADF.
        for descriptor in 3..1024 {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::process::Stdio;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let mut child = thread::spawn(|| TiedChild::spawn(shell("exec sleep 60")).unwrap())
            .join()
            .unwrap();
        // Were it tied to that thread, the kernel would have sent SIGKILL before `join` returned.
        assert_eq!(child.wait_for(Duration::from_millis(50)).unwrap(), None);
        assert_eq!(in_words(child.kill().unwrap()), "killed by signal 9");
    }

    #[test]
    fn a_child_inherits_no_descriptor_above_2() {
        let file = tempfile::tempfile().unwrap();
        // As a C library would have opened it: to be inherited.
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
        let script = format!("test ! -e /proc/self/fd/{}", file.as_raw_fd());
        assert_eq!(
            in_words(TiedChild::spawn(shell(&script)).unwrap().wait().unwrap()),
            "exit status 0"
        );
    }

    #[test]
    fn a_child_that_ignores_the_polite_signal_is_killed() {
        let mut child = TiedChild::spawn(shell("trap '' TERM; while :; do sleep 1; done")).unwrap();
        // Give the shell its time to set the trap; without it the first signal ends it, which is as good an end.
        child.wait_for(Duration::from_millis(100)).unwrap();
        let status = child.stop(Duration::from_millis(100)).unwrap();
        assert!(!status.success());
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_and_not_a_child() {
        let error = TiedChild::spawn(Command::new("/no/such/program")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
