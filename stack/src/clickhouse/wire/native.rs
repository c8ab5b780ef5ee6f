//! The two layouts of Native blocks.
//!
//! The engine writes blocks of revision 0. A client that sends `client_protocol_version` expects each block to begin
//! with *block info*, and from revision 54454 each column to say whether its layout is a special one. Both are put in
//! here, for which the columns' ends must be found.

use crate::clickhouse::exception::Exception;
use crate::clickhouse::sql::output::varint;
use crate::clickhouse::wire::types::{Type, parse};

/// Field 1: no overflow rows; field 2: bucket -1; end. (What a server sends for an ordinary block.)
const BLOCK_INFO: [u8; 8] = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];

/// From this revision on a byte before each column says that its layout is the ordinary one.
const MIN_REVISION_WITH_LAYOUT: u64 = 54454;

/// Rewrites the blocks in `chunk` for a client of `revision`.
///
/// # Errors
///
/// A column of a type whose layout is not known here.
pub fn at_revision(chunk: &[u8], revision: u64) -> Result<Vec<u8>, Exception> {
    let mut out = Vec::with_capacity(chunk.len() + 64);
    let mut rest = chunk;
    while !rest.is_empty() {
        block(&mut rest, revision, &mut out)?;
    }
    Ok(out)
}

fn block(rest: &mut &[u8], revision: u64, out: &mut Vec<u8>) -> Result<(), Exception> {
    out.extend(BLOCK_INFO);
    let start = *rest;
    let columns = varint(rest).ok_or_else(cut)?;
    let rows = usize::try_from(varint(rest).ok_or_else(cut)?).map_err(|_| cut())?;
    out.extend(&start[..start.len() - rest.len()]);
    for _ in 0..columns {
        let start = *rest;
        string(rest).ok_or_else(cut)?;
        let name = string(rest).ok_or_else(cut)?;
        let name = String::from_utf8_lossy(name);
        out.extend(&start[..start.len() - rest.len()]);
        if revision >= MIN_REVISION_WITH_LAYOUT {
            out.push(0);
        }
        let kind = parse(&name).ok_or_else(|| unknown(&name))?;
        let start = *rest;
        if rows > 0 {
            prefix(&kind, rest).ok_or_else(cut)?;
            column(&kind, rows, rest).ok_or_else(cut)?;
        }
        out.extend(&start[..start.len() - rest.len()]);
    }
    Ok(())
}

fn cut() -> Exception {
    Exception::new(
        33,
        "Cannot read all data: a Native block of the engine ends early",
        "CANNOT_READ_ALL_DATA",
    )
}

fn unknown(name: &str) -> Exception {
    Exception::new(
        48,
        format!(
            "Columns of type {name} are not sent in Native blocks of a client_protocol_version here: \
             convert the column (toString, CAST), or ask for another format"
        ),
        "NOT_IMPLEMENTED",
    )
}

/// Steps over what a column writes once before its values: the version of a dictionary.
fn prefix(kind: &Type, rest: &mut &[u8]) -> Option<()> {
    match kind {
        Type::Fixed(_) | Type::String => Some(()),
        Type::Nullable(inner) | Type::Array(inner) => prefix(inner, rest),
        Type::Tuple(elements) => elements
            .iter()
            .try_for_each(|element| prefix(element, rest)),
        Type::LowCardinality(_) => skip(rest, 8),
    }
}

/// Steps over the values of `rows` rows.
fn column(kind: &Type, rows: usize, rest: &mut &[u8]) -> Option<()> {
    match kind {
        Type::Fixed(bytes) => skip(rest, bytes.checked_mul(rows)?),
        Type::String => (0..rows).try_for_each(|_| string(rest).map(drop)),
        Type::Nullable(inner) => {
            skip(rest, rows)?;
            column(inner, rows, rest)
        }
        Type::Array(inner) => {
            let values = match rows {
                0 => 0,
                _ => {
                    skip(rest, 8 * (rows - 1))?;
                    usize::try_from(number(rest)?).ok()?
                }
            };
            column(inner, values, rest)
        }
        Type::Tuple(elements) => elements
            .iter()
            .try_for_each(|element| column(element, rows, rest)),
        Type::LowCardinality(inner) => low_cardinality(inner, rows, rest),
    }
}

/// A dictionary of values, and for each row an index of 1, 2, 4 or 8 bytes.
fn low_cardinality(inner: &Type, rows: usize, rest: &mut &[u8]) -> Option<()> {
    if rows == 0 {
        return Some(());
    }
    let index_bytes = match number(rest)? & 0xff {
        0 => 1,
        1 => 2,
        2 => 4,
        3 => 8,
        _ => return None,
    };
    // In the dictionary NULL is a value like any other, without marks.
    let value = match inner {
        Type::Nullable(inner) => inner,
        other => other,
    };
    let values = usize::try_from(number(rest)?).ok()?;
    column(value, values, rest)?;
    let indexes = usize::try_from(number(rest)?).ok()?;
    skip(rest, indexes.checked_mul(index_bytes)?)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(u64::from_le_bytes(*bytes))
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(varint(rest)?).ok()?;
    let (value, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(value)
}

fn skip(rest: &mut &[u8], bytes: usize) -> Option<()> {
    *rest = rest.get(bytes..)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_info_and_the_layout_byte_are_put_in() {
        let block = b"\x02\x02\x01n\x05UInt8\x07\x08\x01s\x06String\x01a\x02bc";
        let info = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
        let old = [&info[..], block].concat();
        assert_eq!(at_revision(block, 54000).unwrap(), old);
        let new = [
            &info[..],
            b"\x02\x02\x01n\x05UInt8\0\x07\x08\x01s\x06String\0\x01a\x02bc",
        ]
        .concat();
        assert_eq!(at_revision(block, 54460).unwrap(), new);
        assert_eq!(
            at_revision(&[&block[..], block].concat(), 54460).unwrap(),
            [&new[..], &new].concat()
        );
        assert_eq!(at_revision(b"", 54460).unwrap(), b"");
    }

    #[test]
    fn a_type_of_unknown_layout_and_a_cut_block_are_errors() {
        assert_eq!(
            at_revision(b"\x01\x01\x01j\x04JSON\x01", 54460)
                .unwrap_err()
                .code(),
            48
        );
        assert_eq!(
            at_revision(b"\x01\x02\x01n\x05UInt8\x07", 54460)
                .unwrap_err()
                .code(),
            33
        );
    }
}
