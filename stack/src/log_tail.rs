//! The last lines of a log, for the error message of a service that failed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::LogEnd;

/// More of the file's end is not looked at, so that a message stays a message.
const BYTES_MAX: u64 = 16 * 1024;

/// A line longer than this is cut.
const LINE_CHARS_MAX: usize = 1000;

/// The last `lines` lines of the log at `path`.
pub(crate) fn of(path: &Path, lines: usize) -> Box<LogEnd> {
    let lines = match File::open(path) {
        // The frames of a Java stack trace would push out the sentence above them.
        Ok(file) => of_open_file(file, lines, &["\tat "]),
        Err(source) => format!("  (the log cannot be read: {source})"),
    };
    Box::new(LogEnd {
        path: path.to_owned(),
        lines,
    })
}

/// The last `lines` lines of an open file that say something: that are not blank, nor only a word in brackets, nor
/// begin with one of the `boilerplate`. Indented by two.
pub(crate) fn of_open_file(mut file: File, lines: usize, boilerplate: &[&str]) -> String {
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::End(0)).and_then(|length| {
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES_MAX)))?;
        file.take(BYTES_MAX).read_to_end(&mut bytes)
    });
    if let Err(source) = read {
        return format!("  (the log cannot be read: {source})");
    }
    let text = without_colours(&String::from_utf8_lossy(&bytes));
    let says_something = |line: &&str| {
        let bare = line.trim();
        // `[ERROR]` and nothing behind it is how Maven makes a paragraph.
        let only_a_label = bare.starts_with('[') && bare.ends_with(']') && !bare.contains(' ');
        let said_each_time = boilerplate
            .iter()
            .any(|beginning| line.starts_with(beginning));
        !bare.is_empty() && !only_a_label && !said_each_time
    };
    let said: Vec<&str> = text.lines().filter(says_something).collect();
    if said.is_empty() {
        return "  (nothing)".to_owned();
    }
    let last = &said[said.len().saturating_sub(lines)..];
    last.iter()
        .map(|line| format!("  {}", cut(line)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Some tools colour what they say even where no terminal is: `ESC [ numbers m`.
fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or("").to_owned();
    pieces.fold(first, |plain, piece| {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain + rest.strip_prefix('m').unwrap_or(rest)
    })
}

fn cut(line: &str) -> String {
    line.chars().take(LINE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_lines_that_say_something() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        for (content, expected) in [
            ("", "  (nothing)"),
            ("one\n", "  one"),
            ("one\ntwo\n\nthree\n\n", "  two\n  three"),
            (
                "one\ntwo\nIllegalState: why\n\tat a.B.c\n\tat a.D.e\n",
                "  two\n  IllegalState: why",
            ),
            (
                "\u{1b}[0;1m[ERROR] \u{1b}[31mno network\u{1b}[m\n[ERROR] \n",
                "  [ERROR] no network",
            ),
        ] {
            std::fs::write(&log, content).unwrap();
            assert_eq!(of(&log, 2).lines, expected, "of {content:?}");
        }
        std::fs::write(&log, "x".repeat(100_000)).unwrap();
        assert_eq!(of(&log, 2).lines.len(), 2 + LINE_CHARS_MAX);
    }
}
