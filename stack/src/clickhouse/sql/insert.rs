//! Where an INSERT's statement ends and its data begins.
//!
//! The engine's insert stream wants the statement without `FORMAT` and the data as bytes, so that nothing binary ever
//! stands inside SQL.

use crate::clickhouse::sql::token::{Kind, Token, tokens};

/// An INSERT that carries data.
#[derive(Debug, PartialEq, Eq)]
pub struct Cut {
    /// The statement ends here: before `FORMAT` or `VALUES`.
    pub statement_bytes: usize,
    /// The data's format, where the statement names one.
    pub format: Option<String>,
    /// Inline data begins here, which may be the text's end: the data then is the request's body.
    pub data_at: usize,
}

/// Cuts `sql`, or returns `None` where it is no INSERT or takes its rows from a query.
pub fn cut(sql: &[u8]) -> Option<Cut> {
    let mut tokens = tokens(sql).peekable();
    if !tokens.next()?.is("INSERT") {
        return None;
    }
    tokens.next_if(|token| token.is("INTO"));
    tokens.next_if(|token| token.is("TABLE"));
    tokens.next_if(|token| token.is("FUNCTION"));
    // The table's own name may be `format` or `values`, so it is stepped over before keywords are looked for.
    while tokens.next()?.kind != Kind::Mark && tokens.next_if(|token| token.is_mark(b'.')).is_some()
    {
    }

    let mut depth = 0_usize;
    while let Some(token) = tokens.next() {
        if token.is_mark(b'(') {
            // `INSERT INTO t (SELECT …)` takes its rows from a query, `INSERT INTO t (a, b)` names columns.
            if tokens
                .peek()
                .is_some_and(|next| next.is_any(&["SELECT", "WITH"]))
            {
                return None;
            }
            depth += 1;
        } else if token.is_mark(b')') {
            depth = depth.saturating_sub(1);
        } else if depth > 0 {
            continue;
        } else if token.is_any(&["SELECT", "WITH", "FROM", "WATCH"]) {
            return None;
        } else if token.is("VALUES") {
            return Some(Cut {
                statement_bytes: token.start,
                format: Some("Values".to_owned()),
                data_at: token.end(),
            });
        } else if token.is("FORMAT") {
            let format: Token<'_> = tokens.next()?;
            return Some(Cut {
                statement_bytes: token.start,
                format: Some(format.name()?.into_owned()),
                data_at: data_behind(sql, format.end()),
            });
        }
    }
    Some(Cut {
        statement_bytes: sql.len(),
        format: None,
        data_at: sql.len(),
    })
}

/// Behind the format's name, blanks up to one line break (or a semicolon) are not data.
fn data_behind(sql: &[u8], mut at: usize) -> usize {
    while matches!(sql.get(at), Some(b' ' | b'\t' | b'\x0c')) {
        at += 1;
    }
    if sql.get(at) == Some(&b';') {
        at += 1;
    }
    if sql.get(at) == Some(&b'\r') {
        at += 1;
    }
    if sql.get(at) == Some(&b'\n') {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_an_insert_begins_behind_its_format() {
        for (sql, expected) in [
            (
                "INSERT INTO t FORMAT CSV\n1,2\n",
                Some(("INSERT INTO t ", "CSV", "1,2\n")),
            ),
            (
                "INSERT INTO t(a) FORMAT RowBinary",
                Some(("INSERT INTO t(a) ", "RowBinary", "")),
            ),
            (
                "insert into d.t (a, b) values (1, 2)",
                Some(("insert into d.t (a, b) ", "Values", " (1, 2)")),
            ),
            (
                "INSERT INTO format FORMAT TSV 1",
                Some(("INSERT INTO format ", "TSV", "1")),
            ),
            (
                "INSERT INTO `values` VALUES (1)",
                Some(("INSERT INTO `values` ", "Values", " (1)")),
            ),
            (
                "INSERT INTO t SETTINGS async_insert = 0 FORMAT JSONEachRow;\n{}",
                Some((
                    "INSERT INTO t SETTINGS async_insert = 0 ",
                    "JSONEachRow",
                    "{}",
                )),
            ),
            (
                "/* x */ INSERT INTO t (format) FORMAT TSV",
                Some(("/* x */ INSERT INTO t (format) ", "TSV", "")),
            ),
            ("INSERT INTO t", Some(("INSERT INTO t", "", ""))),
            ("INSERT INTO t SELECT 1", None),
            ("INSERT INTO t (a) SELECT 1 FORMAT CSV", None),
            ("INSERT INTO t (SELECT 1)", None),
            ("INSERT INTO t WITH 1 AS x SELECT x", None),
            ("SELECT 1 FORMAT CSV", None),
        ] {
            let found = cut(sql.as_bytes());
            let parts = found.as_ref().map(|cut| {
                let format = cut.format.as_deref().unwrap_or("");
                (&sql[..cut.statement_bytes], format, &sql[cut.data_at..])
            });
            assert_eq!(parts, expected, "of {sql}");
        }
    }
}
