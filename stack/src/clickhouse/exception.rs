//! An exception as ClickHouse's clients know it: a number, a text, an HTTP status.

use std::fmt;

/// What a client is told when a request fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Exception {
    code: u16,
    text: String,
}

impl Exception {
    /// An exception of this front's own, worded as the engine words its own.
    pub fn new(code: u16, what: impl fmt::Display, name: &str) -> Exception {
        let what = what.to_string();
        let what = what.trim_end_matches('.');
        Exception {
            code,
            text: format!("Code: {code}. DB::Exception: {what}. ({name})"),
        }
    }

    /// The engine's own exception. Texts without a number (of the library, not the engine) get
    /// `UNKNOWN_EXCEPTION`'s.
    pub fn of_engine(text: &str) -> Exception {
        let text = without_version(text.trim_end());
        match code_in(text) {
            Some(code) => Exception {
                code,
                text: text.to_owned(),
            },
            None => Exception::new(1002, text, "UNKNOWN_EXCEPTION"),
        }
    }

    /// What reaches the host is refused so.
    pub fn denied(what: impl fmt::Display) -> Exception {
        Exception::new(
            497,
            format!(
                "Not allowed on this ClickHouse, which serves one machine's demo and tests: {what}"
            ),
            "ACCESS_DENIED",
        )
    }

    /// A user who may only read is refused so.
    pub fn readonly(what: impl fmt::Display) -> Exception {
        Exception::new(164, what, "READONLY")
    }

    /// A request that this front cannot read.
    pub fn bad_request(what: impl fmt::Display) -> Exception {
        Exception::new(36, what, "BAD_ARGUMENTS")
    }

    /// ClickHouse's number for it.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The body of the answer: the text with the engine's `version`, as a server sends it.
    pub fn body(&self, version: &str) -> String {
        format!("{} (version {version} (chdb))\n", self.text)
    }

    /// The HTTP status that a ClickHouse server answers this with.
    pub fn status(&self) -> u16 {
        match self.code {
            194 => 401,
            192 | 193 | 497 | 512 | 516 => 403,
            6 | 8 | 15 | 25 | 26 | 27 | 36 | 37 | 38 | 41 | 44 | 53 | 62 | 72 | 117 | 123 | 167
            | 168 | 223 | 321 | 376 | 427 | 441 | 675 | 676 => 400,
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 | 152 | 336 | 511 => 404,
            159 => 408,
            381 => 411,
            229 => 413,
            779 => 415,
            48 => 501,
            76 | 209 | 439 => 503,
            _ => 500,
        }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `Code: 62. DB::…` begins every text of the engine.
fn code_in(text: &str) -> Option<u16> {
    text.strip_prefix("Code: ")?.split('.').next()?.parse().ok()
}

/// Some texts of the engine end with its version, some do not; it is added once, at the end.
fn without_version(text: &str) -> &str {
    match text.rfind(" (version ") {
        Some(at) if text.ends_with(')') && !text[at..].contains('\n') => &text[..at],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_number_and_text_are_kept_and_its_version_said_once() {
        for (text, code, body) in [
            (
                "Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)",
                62,
                "Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR) (version 26.7 (chdb))\n",
            ),
            (
                "Code: 117. DB::Exception: Bad. (INCORRECT_DATA) (version 26.7.2.1)",
                117,
                "Code: 117. DB::Exception: Bad. (INCORRECT_DATA) (version 26.7 (chdb))\n",
            ),
            (
                "send_insert says no",
                1002,
                "Code: 1002. DB::Exception: send_insert says no. (UNKNOWN_EXCEPTION) (version 26.7 (chdb))\n",
            ),
        ] {
            let exception = Exception::of_engine(text);
            assert_eq!(
                (exception.code(), exception.body("26.7").as_str()),
                (code, body)
            );
        }
    }

    #[test]
    fn the_status_is_the_servers() {
        for (code, status) in [
            (62, 400),
            (60, 404),
            (497, 403),
            (516, 403),
            (194, 401),
            (241, 500),
            (48, 501),
        ] {
            assert_eq!(Exception::new(code, "x", "X").status(), status, "of {code}");
        }
    }
}
