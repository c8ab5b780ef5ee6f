//! Where in a request its statement is, and where its data.

use std::io::{self, Chain, Cursor, Read};

use crate::clickhouse::exception::Exception;
use crate::clickhouse::sql::insert;
use crate::clickhouse::wire::decode::Bytes;

/// A statement is no longer than this, an INSERT's data not counted.
const SQL_BYTES_MAX: usize = 1 << 20;

/// A statement and, of an INSERT, its data.
pub struct Text {
    pub statement: Vec<u8>,
    pub data: Option<Data>,
}

/// An INSERT's data, as far as it stands in the statement and then in the body.
pub struct Data {
    pub format: Option<String>,
    pub bytes: Chain<Cursor<Vec<u8>>, Bytes>,
}

/// Parts `sql` and the body that follows it into statement and data.
///
/// # Errors
///
/// Too much SQL, or a body that cannot be decompressed.
pub fn read(sql: Vec<u8>, mut body: Bytes) -> Result<Text, Exception> {
    // An INSERT in the URL whose format is said has the body as data, byte by byte.
    let mut text = sql;
    let complete = insert::cut(&text).is_some_and(|cut| cut.format.is_some());
    let mut body_ended = false;
    if !complete {
        if !text.is_empty() {
            text.push(b'\n');
        }
        let limit = SQL_BYTES_MAX + 1;
        let missing = u64::try_from(limit.saturating_sub(text.len())).unwrap_or(0);
        body.by_ref()
            .take(missing)
            .read_to_end(&mut text)
            .map_err(unreadable)?;
        body_ended = text.len() < limit;
    }
    let Some(cut) = insert::cut(&text) else {
        if !body_ended {
            return Err(too_long());
        }
        return Ok(Text {
            statement: text,
            data: None,
        });
    };
    let inline = text.split_off(cut.data_at);
    text.truncate(cut.statement_bytes);
    if text.len() > SQL_BYTES_MAX {
        return Err(too_long());
    }
    let bytes = Cursor::new(inline).chain(body);
    Ok(Text {
        statement: text,
        data: Some(Data {
            format: cut.format,
            bytes,
        }),
    })
}

fn too_long() -> Exception {
    Exception::new(
        229,
        format!("Query is too large: more than {SQL_BYTES_MAX} bytes of SQL"),
        "QUERY_IS_TOO_LARGE",
    )
}

/// A body that cannot be decompressed.
pub fn unreadable(error: io::Error) -> Exception {
    Exception::new(
        271,
        format!("Cannot decompress the request's body: {error}"),
        "CANNOT_DECOMPRESS",
    )
}
