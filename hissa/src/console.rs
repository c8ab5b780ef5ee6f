//! Data to stdout, messages to stderr; colours only where a terminal reads them and nobody forbade them.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::args::Common;

/// How the user wants to be spoken to.
#[derive(Clone, Debug)]
pub struct Console {
    /// JSON instead of lines.
    pub json: bool,
    /// No progress, no remarks.
    pub quiet: bool,
    /// Colours on stdout, and on stderr.
    pub colours: (bool, bool),
}

impl Console {
    /// As the command line and the environment say.
    pub fn new(common: &Common) -> Console {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Console {
            json: common.json,
            quiet: common.quiet,
            colours: (
                wanted && io::stdout().is_terminal(),
                wanted && io::stderr().is_terminal(),
            ),
        }
    }

    /// Data: one text with its own line ends. A reader that went away, such as `head`, is no error.
    pub fn data(&self, text: &str) {
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// Data as one line of JSON.
    pub fn json_line(&self, value: &impl Serialize) -> anyhow::Result<()> {
        self.data(&(serde_json::to_string(value)? + "\n"));
        Ok(())
    }

    /// A remark, unless quiet.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// An error. Always said.
    pub fn error(&self, text: &str) {
        let (red, off) = if self.colours.1 {
            ("\u{1b}[1;31m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        let _ = writeln!(io::stderr().lock(), "{red}error:{off} {text}");
    }

    /// Asks for a yes. Without a terminal there is nobody to ask.
    pub fn agrees(&self, question: &str) -> io::Result<bool> {
        if !io::stdin().is_terminal() {
            return Ok(false);
        }
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question} [y/N] ")?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "o" | "oui"))
    }

    /// A line of progress on stderr: rewritten in a terminal, else a line every ten seconds.
    pub fn progress(&self, what: &str) -> ProgressLine {
        ProgressLine {
            what: what.into(),
            shown: (!self.quiet).then_some(io::stderr().is_terminal()),
            last: Instant::now(),
            wrote: false,
        }
    }
}

/// Progress of long work.
#[derive(Debug)]
pub struct ProgressLine {
    what: String,
    /// None: not at all; else whether a terminal shows it.
    shown: Option<bool>,
    last: Instant,
    wrote: bool,
}

impl ProgressLine {
    /// `done` of `all`.
    pub fn at(&mut self, done: u64, all: u64) {
        let Some(terminal) = self.shown else { return };
        let pause = Duration::from_millis(if terminal { 200 } else { 10_000 });
        if self.last.elapsed() < pause {
            return;
        }
        self.last = Instant::now();
        let share = (done * 100).checked_div(all).unwrap_or(100).min(100);
        let text = format!("{}: {done} of {all} ({share} %)", self.what);
        let mut stderr = io::stderr().lock();
        let _ = if terminal {
            self.wrote = true;
            write!(stderr, "\r\u{1b}[K{text}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{text}")
        };
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.wrote {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}
