//! `multipart/form-data`, in which the `clickhouse` crate sends a statement with parameters.

use std::io::Read;

use crate::clickhouse::exception::Exception;
use crate::clickhouse::wire::decode::Bytes;

/// A form holds a statement and parameters, no data.
const FORM_BYTES_MAX: u64 = 16 << 20;

/// The boundary that `Content-Type` names, if it is such a form.
pub fn boundary(content_type: &str) -> Option<String> {
    let mut parts = content_type.split(';');
    if !parts
        .next()?
        .trim()
        .eq_ignore_ascii_case("multipart/form-data")
    {
        return None;
    }
    parts.find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary")
            .then(|| value.trim_matches('"').to_owned())
    })
}

/// Reads all fields: names and values.
///
/// # Errors
///
/// It is no such form, too long, or it brings a file (a table of the client's own, which this front does not take).
pub fn fields(body: Bytes, boundary: &str) -> Result<Vec<(String, Vec<u8>)>, Exception> {
    let mut form = Vec::new();
    body.take(FORM_BYTES_MAX)
        .read_to_end(&mut form)
        .map_err(|error| Exception::bad_request(format!("Reading the form failed: {error}")))?;
    let opening = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let broken = || Exception::bad_request("The request's multipart form is cut short or not one");
    let mut rest = behind(&form, opening.as_bytes()).ok_or_else(broken)?;
    let mut fields = Vec::new();
    // Behind a boundary stands a line break, or `--` at the form's end.
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let (head, value) = cut(part, b"\r\n\r\n").ok_or_else(broken)?;
        let (value, after) = cut(value, between.as_bytes()).ok_or_else(broken)?;
        fields.push((field_name(&String::from_utf8_lossy(head))?, value.to_vec()));
        rest = after;
    }
    if rest.starts_with(b"--") {
        Ok(fields)
    } else {
        Err(broken())
    }
}

fn field_name(head: &str) -> Result<String, Exception> {
    let disposition = head.lines().find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    });
    let parts = disposition.unwrap_or("").split(';').map(str::trim);
    let mut name = None;
    for part in parts {
        if part.starts_with("filename") {
            return Err(Exception::new(
                48,
                "External tables are not taken here",
                "NOT_IMPLEMENTED",
            ));
        }
        if let Some(value) = part.strip_prefix("name=") {
            name = Some(value.trim_matches('"').to_owned());
        }
    }
    name.ok_or_else(|| {
        Exception::bad_request("A field of the request's multipart form has no name")
    })
}

fn behind<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    cut(bytes, mark).map(|(_, after)| after)
}

fn cut<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<Vec<(String, Vec<u8>)>, u16> {
        let body = std::io::Cursor::new(form.as_bytes().to_vec());
        fields(Box::new(body), "b").map_err(|refused| refused.code())
    }

    #[test]
    fn a_form_is_its_fields() {
        assert_eq!(
            boundary("multipart/form-data; boundary=b").as_deref(),
            Some("b")
        );
        assert_eq!(
            boundary("Multipart/Form-Data; charset=x; Boundary=\"b\"").as_deref(),
            Some("b")
        );
        assert_eq!(boundary("text/plain; boundary=b"), None);

        let form = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {a:String}\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"param_a\"\r\n\r\n\r\nx--b\r\n--b--\r\n";
        let expected = vec![
            ("query".to_owned(), b"SELECT {a:String}".to_vec()),
            ("param_a".to_owned(), b"\r\nx--b".to_vec()),
        ];
        assert_eq!(read(form), Ok(expected));
        assert_eq!(read("--b--"), Ok(vec![]));
    }

    #[test]
    fn a_cut_form_and_a_file_are_refused() {
        assert_eq!(
            read("--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT"),
            Err(36)
        );
        assert_eq!(read("nothing"), Err(36));
        let file =
            "--b\r\nContent-Disposition: form-data; name=\"t\"; filename=\"t\"\r\n\r\n1\r\n--b--";
        assert_eq!(read(file), Err(48));
    }
}
