//! What an import would change, before it changes anything.

use hissa_core::registry::Command;
use serde::Serialize;

use super::ImportError;

/// Lines of a difference that are shown; the counts speak of all.
pub const LINES_MAX: usize = 20;

/// The events that bring registry and directory to what a file says, and the difference for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// For `hissa.registry`, in order.
    pub commands: Vec<Command>,
    /// For `hissa.directory`, in order: a key, and its value or its end.
    pub directory: Vec<(String, Option<String>)>,
    pub difference: Difference,
    /// Why, as the operator says: it stands in a header of each command, for whoever reads the registry later.
    pub reason: Option<String>,
    /// Whether a programme's file stands behind the commands: what it gave and no longer names is taken back.
    pub of_programme: bool,
}

/// A difference, in numbers and words. No raw identifier stands in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Held by the registry, and not in the file: these stay as they are.
    pub absent: u64,
    /// The first of what is new or changed, one a line.
    pub lines: Vec<String>,
}

impl Plan {
    /// Whether the registry and the directory say already what the file says.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.directory.is_empty()
    }

    /// How many messages it takes.
    pub fn messages(&self) -> u64 {
        (self.commands.len() + self.directory.len()) as u64
    }
}

impl Difference {
    /// Counts something new.
    pub fn add_new(&mut self, line: impl FnOnce() -> String) {
        self.new += 1;
        self.show(|| format!("+ {}", line()));
    }

    /// Counts something changed.
    pub fn add_changed(&mut self, line: impl FnOnce() -> String) {
        self.changed += 1;
        self.show(|| format!("~ {}", line()));
    }

    fn show(&mut self, line: impl FnOnce() -> String) {
        if self.lines.len() < LINES_MAX {
            self.lines.push(line());
        }
    }

    /// The difference as lines for people; `what` is a word such as "SIMs".
    pub fn text(&self, what: &str) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text += line;
            text.push('\n');
        }
        let hidden = self.new + self.changed - self.lines.len() as u64;
        if hidden > 0 {
            text += &format!("… and {hidden} more\n");
        }
        text += &format!(
            "{what}: {} new, {} changed, {} unchanged",
            self.new, self.changed, self.unchanged
        );
        if self.absent > 0 {
            text += &format!(", {} not in the file (they stay as they are)", self.absent);
        }
        text.push('\n');
        text
    }
}

/// A value of the directory.
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(value: &impl serde::Serialize) -> Result<String, ImportError> {
    serde_json::to_string(value).map_err(|why| ImportError::Refused(vec![why.to_string()]))
}
