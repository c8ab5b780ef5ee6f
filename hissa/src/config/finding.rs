//! Findings: what is wrong in a file, where, and what to do about it, printed as compilers do.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::ops::Range;

use serde::Serialize;

/// The text of a file, under the name that its reader gave.
#[derive(Clone, Debug)]
pub struct Source {
    /// As in messages: the path as given, or `-` for stdin.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A place in a source, with its line as people may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters are meant.
    #[serde(skip)]
    pub width: usize,
    /// The line; raw identifiers in it are masked.
    #[serde(skip)]
    pub excerpt: String,
    /// What to say under the caret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the source.
    pub file: String,
    /// Where; none when the file as a whole is meant.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What was found, in one sentence.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The other places that belong to it, such as the first of two equal lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Place>,
}

/// The findings of a run, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Findings(RefCell<Vec<Finding>>);

impl Source {
    /// A source of that name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source {
            name: name.into(),
            text: text.into(),
        }
    }

    /// The place of a range of bytes.
    pub fn place(&self, span: Range<usize>, note: impl Into<String>) -> Place {
        let start = span.start.min(self.text.len());
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..]
            .find('\n')
            .map_or(self.text.len(), |at| start + at);
        // A range over several lines is shown by its first.
        let end = span.end.clamp(start, line_end);
        Place {
            line: self.text[..start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            width: self.text[start..end].chars().count().max(1),
            excerpt: self.text[line_start..line_end]
                .trim_end_matches('\r')
                .into(),
            note: note.into(),
        }
    }

    /// A finding at a range of bytes.
    pub fn finding(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding {
            file: self.name.clone(),
            place: Some(self.place(span, "")),
            message: message.into(),
            remedy: remedy.into(),
            also: Vec::new(),
        }
    }

    /// A finding about the whole file.
    pub fn whole(&self, message: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding {
            file: self.name.clone(),
            place: None,
            message: message.into(),
            remedy: remedy.into(),
            also: Vec::new(),
        }
    }
}

impl Finding {
    /// The same, with words under the caret.
    pub fn noting(mut self, note: impl Into<String>) -> Finding {
        if let Some(place) = &mut self.place {
            place.note = note.into();
        }
        self
    }

    /// The same, naming another place of the same file.
    pub fn seeing(mut self, other: Place) -> Finding {
        self.also.push(other);
        self
    }

    /// The finding as lines for people.
    pub fn render(&self, colours: bool) -> String {
        let (bold, red, blue, off) = if colours {
            ("\u{1b}[1m", "\u{1b}[1;31m", "\u{1b}[34m", "\u{1b}[0m")
        } else {
            ("", "", "", "")
        };
        let mut text = format!("{red}error{off}{bold}: {}{off}\n", self.message);
        let places: Vec<&Place> = self.place.iter().chain(&self.also).collect();
        let gutter = places
            .iter()
            .map(|p| p.line.to_string().len())
            .max()
            .unwrap_or(1);
        let space = " ".repeat(gutter);
        // Writing to a String cannot fail.
        match &self.place {
            Some(at) => {
                let _ = writeln!(
                    text,
                    "{space}{blue}-->{off} {}:{}:{}",
                    self.file, at.line, at.column
                );
            }
            None => {
                let _ = writeln!(text, "{space}{blue}-->{off} {}", self.file);
            }
        }
        for (number, at) in places.iter().enumerate() {
            let mark = if number == 0 { "^" } else { "-" };
            let indent: String = at
                .excerpt
                .chars()
                .take(at.column - 1)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let _ = writeln!(
                text,
                "{space} {blue}|{off}\n{blue}{:>gutter$} |{off} {}",
                at.line, at.excerpt
            );
            let line = format!("{indent}{red}{} {}", mark.repeat(at.width), at.note);
            let _ = writeln!(text, "{space} {blue}|{off} {}{off}", line.trim_end());
        }
        let _ = writeln!(text, "{space} {blue}={off} help: {}", self.remedy);
        text
    }
}

impl Findings {
    /// Adds one.
    pub fn add(&self, finding: Finding) {
        self.0.borrow_mut().push(finding);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// All of them, by file and line.
    pub fn into_sorted(self) -> Vec<Finding> {
        let mut all = self.0.into_inner();
        // Stable: findings of one place stay in the order in which they were made.
        all.sort_by_key(|f| {
            (
                f.file.clone(),
                f.place.as_ref().map_or((0, 0), |p| (p.line, p.column)),
            )
        });
        all
    }
}
