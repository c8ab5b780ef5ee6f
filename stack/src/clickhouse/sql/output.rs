//! In which format a statement answers, and whether that can be sent chunk by chunk.
//!
//! The engine formats each chunk of a streamed result as if it were a whole one. Where a format has nothing before or
//! behind its rows, the chunks are simply the result; where it begins with names (and types), all but the first
//! chunk's are cut off; every other format (JSON, Parquet, …) must be made in one piece.

use crate::clickhouse::sql::token::Token;

/// What stands before the rows in each chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunks {
    /// Nothing.
    Plain,
    /// This many lines, in which quotes of the given kind may hold line breaks.
    Lines { lines: usize, quoted: bool },
    /// RowBinary's count of columns, their names, and their types where `types`.
    Binary { types: bool },
    /// The format is made in one piece.
    Whole,
}

/// The format that the statement itself names: a `FORMAT name` behind which only settings may follow.
pub fn named(tokens: &[Token<'_>]) -> Option<String> {
    let at = tokens.iter().rposition(|token| token.is("FORMAT"))?;
    let name = tokens.get(at + 1)?.name()?;
    let ends_there = tokens
        .get(at + 2)
        .is_none_or(|next| next.is_mark(b';') || next.is("SETTINGS"));
    ends_there.then(|| name.into_owned())
}

/// How the engine's chunks of `format` make one answer.
pub fn chunks(format: &str) -> Chunks {
    let lower = format.to_ascii_lowercase();
    match lower.as_str() {
        "tabseparated"
        | "tsv"
        | "tabseparatedraw"
        | "tsvraw"
        | "raw"
        | "csv"
        | "rowbinary"
        | "native"
        | "jsoneachrow"
        | "jsonlines"
        | "ndjson"
        | "jsonstringseachrow"
        | "jsoncompacteachrow"
        | "jsoncompactstringseachrow"
        | "tskv"
        | "lineasstring"
        | "rawblob"
        | "msgpack"
        | "null" => Chunks::Plain,
        "rowbinarywithnames" => Chunks::Binary { types: false },
        "rowbinarywithnamesandtypes" => Chunks::Binary { types: true },
        _ => lines_before_rows(&lower),
    }
}

fn lines_before_rows(lower: &str) -> Chunks {
    let (base, lines) = match (
        lower.strip_suffix("withnamesandtypes"),
        lower.strip_suffix("withnames"),
    ) {
        (Some(base), _) => (base, 2),
        (_, Some(base)) => (base, 1),
        (None, None) => return Chunks::Whole,
    };
    match base {
        "csv" => Chunks::Lines {
            lines,
            quoted: true,
        },
        "tabseparated" | "tsv" | "jsoncompacteachrow" | "jsoncompactstringseachrow" => {
            Chunks::Lines {
                lines,
                quoted: false,
            }
        }
        _ => Chunks::Whole,
    }
}

/// How many bytes of the first chunk come before its rows.
pub fn header_bytes(chunks: Chunks, first: &[u8]) -> usize {
    match chunks {
        Chunks::Plain | Chunks::Whole => 0,
        Chunks::Lines { lines, quoted } => lines_bytes(first, lines, quoted),
        Chunks::Binary { types } => binary_bytes(first, types).unwrap_or(first.len()),
    }
}

fn lines_bytes(first: &[u8], lines: usize, quoted: bool) -> usize {
    let mut in_quotes = false;
    let mut ended = 0;
    for (at, byte) in first.iter().enumerate() {
        match byte {
            b'"' if quoted => in_quotes = !in_quotes,
            b'\n' if !in_quotes => ended += 1,
            _ => {}
        }
        if ended == lines {
            return at + 1;
        }
    }
    first.len()
}

fn binary_bytes(first: &[u8], types: bool) -> Option<usize> {
    let mut rest = first;
    let columns = varint(&mut rest)?;
    let strings = if types {
        columns.checked_mul(2)?
    } else {
        columns
    };
    for _ in 0..strings {
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        rest = rest.get(length..)?;
    }
    Some(first.len() - rest.len())
}

/// Takes a LEB128 number off `rest`.
pub fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clickhouse::sql::token::tokens;

    #[test]
    fn the_format_is_the_one_at_the_statements_end() {
        for (sql, expected) in [
            ("SELECT 1 FORMAT JSON", Some("JSON")),
            ("SELECT 1 format csv ;", Some("csv")),
            ("SELECT 1 FORMAT TSV SETTINGS max_threads = 1", Some("TSV")),
            ("SELECT format FROM t", None),
            ("SELECT format('{}', 1)", None),
            ("SELECT 1 AS format", None),
            ("SELECT 'FORMAT JSON'", None),
        ] {
            let tokens: Vec<_> = tokens(sql.as_bytes()).collect();
            assert_eq!(named(&tokens).as_deref(), expected, "of {sql}");
        }
    }

    #[test]
    fn the_bytes_before_the_rows_are_counted() {
        for (format, first, expected) in [
            ("TSV", &b"1\n"[..], 0),
            ("CSVWithNames", b"\"a\"\"\nb\",\"c\"\n1,2\n", 12),
            ("TabSeparatedWithNamesAndTypes", b"a\nUInt8\n1\n", 8),
            ("RowBinaryWithNames", b"\x02\x01a\x01b\x01\x02", 5),
            ("RowBinaryWithNamesAndTypes", b"\x01\x01a\x05UInt8\x07", 9),
            ("RowBinaryWithNamesAndTypes", b"\x01\x01", 2),
        ] {
            assert_eq!(header_bytes(chunks(format), first), expected, "of {format}");
        }
        assert_eq!(chunks("JSON"), Chunks::Whole);
        assert_eq!(chunks("PrettyCompact"), Chunks::Whole);
        assert_eq!(chunks("Parquet"), Chunks::Whole);
    }
}
