//! Which failures of an insert heal by themselves.

use clickhouse::error::Error;

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// ClickHouse is away, busy or full: try again until it answers. Whether the rows were written is not known, and
    /// does not matter.
    Passing,
    /// Another try gets the same answer: schema, user or rights are not as they must be.
    Lasting,
}

impl Fault {
    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Passing => "passing",
            Fault::Lasting => "lasting",
        }
    }

    /// Judges an error of the client.
    pub fn of(error: &Error) -> Fault {
        match error {
            Error::BadResponse(text) => match code(text) {
                Some(code) if LASTING.contains(&code) => Fault::Lasting,
                _ => Fault::Passing,
            },
            Error::InvalidParams(_) | Error::SchemaMismatch(_) | Error::Unsupported(_) => {
                Fault::Lasting
            }
            _ => Fault::Passing,
        }
    }
}

/// ClickHouse's codes of errors that another try does not mend. What is not listed is tried again: rows wait rather
/// than be given up for a code that nobody thought of.
const LASTING: [u32; 24] = [
    6,   // CANNOT_PARSE_TEXT
    8,   // THERE_IS_NO_COLUMN
    10,  // NOT_FOUND_COLUMN_IN_BLOCK
    16,  // NO_SUCH_COLUMN_IN_TABLE
    20,  // NUMBER_OF_COLUMNS_DOESNT_MATCH
    27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    33,  // CANNOT_READ_ALL_DATA
    36,  // BAD_ARGUMENTS
    43,  // ILLEGAL_TYPE_OF_ARGUMENT
    47,  // UNKNOWN_IDENTIFIER
    50,  // UNKNOWN_TYPE
    53,  // TYPE_MISMATCH
    60,  // UNKNOWN_TABLE
    62,  // SYNTAX_ERROR
    81,  // UNKNOWN_DATABASE
    115, // UNKNOWN_SETTING
    117, // INCORRECT_DATA
    164, // READONLY
    192, // UNKNOWN_USER
    193, // WRONG_PASSWORD
    194, // REQUIRED_PASSWORD
    218, // TABLE_IS_DROPPED
    497, // ACCESS_DENIED
    516, // AUTHENTICATION_FAILED
];

/// The number in `Code: 60. DB::Exception: …`.
fn code(text: &str) -> Option<u32> {
    let (_, behind) = text.split_once("Code: ")?;
    let digits = behind
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_table_lasts_and_a_busy_server_passes() {
        for (text, expected) in [
            (
                "Code: 60. DB::Exception: Table hissa.sim_day does not exist. (UNKNOWN_TABLE)",
                Fault::Lasting,
            ),
            (
                "Code: 516. DB::Exception: hissa: Authentication failed",
                Fault::Lasting,
            ),
            (
                "Code: 202. DB::Exception: Too many simultaneous queries",
                Fault::Passing,
            ),
            (
                "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space",
                Fault::Passing,
            ),
            ("502 Bad Gateway", Fault::Passing),
        ] {
            assert_eq!(
                Fault::of(&Error::BadResponse(text.into())),
                expected,
                "{text}"
            );
        }
        assert_eq!(Fault::of(&Error::TimedOut), Fault::Passing);
        assert_eq!(Fault::of(&Error::Network("gone".into())), Fault::Passing);
    }
}
