//! A request's parts: credentials, parameters, settings, and how its answer is wanted.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

use crate::clickhouse::engine::ffi::Params;
use crate::clickhouse::engine::statement::Request;
use crate::clickhouse::exception::Exception;
use crate::clickhouse::http::form;
use crate::clickhouse::users::{User, Users};
use crate::clickhouse::wire::blocks::{self, Unpacked};
use crate::clickhouse::wire::decode::{self, Bytes};
use crate::clickhouse::wire::encode::Encoding;
use crate::clickhouse::wire::respond::Wanted;

/// Parameters of the interface itself; all others are settings of the engine. From `buffer_size` on they are taken
/// without effect: clients send them, and they ask for nothing that an answer would lack.
const OF_THE_INTERFACE: [&str; 19] = [
    "query",
    "database",
    "default_format",
    "user",
    "password",
    "query_id",
    "compress",
    "decompress",
    "wait_end_of_query",
    "client_protocol_version",
    "readonly",
    "buffer_size",
    "close_session",
    "quota_key",
    "session_check",
    "session_timeout",
    "stacktrace",
    "role",
    "add_http_cors_header",
];

/// Head of a request: everything but its body.
pub struct Head {
    pub method: Method,
    pub headers: HeaderMap,
    /// The URL's parameters, decoded, in their order.
    pub pairs: Vec<(String, String)>,
}

impl Head {
    /// Takes a request's head apart.
    pub fn new(method: Method, headers: HeaderMap, query: &str) -> Head {
        let pairs = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        Head {
            method,
            headers,
            pairs,
        }
    }

    /// The last parameter of this name, as ClickHouse takes it.
    pub fn pair(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .rev()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    fn header(&self, name: impl hyper::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn is_on(&self, name: &str) -> bool {
        self.pair(name)
            .is_some_and(|value| matches!(value, "1" | "true"))
    }

    /// Who sends the request: by ClickHouse's headers, by Basic authentication, or by the URL.
    ///
    /// # Errors
    ///
    /// No such user with that password.
    pub fn authenticate(&self, users: &Users) -> Result<Arc<User>, Exception> {
        if let Some(name) = self.header("X-ClickHouse-User") {
            return users.authenticate(name, self.header("X-ClickHouse-Key").unwrap_or(""));
        }
        if let Some(value) = self.header(AUTHORIZATION) {
            let (name, password) = basic(value).ok_or_else(|| {
                Exception::new(
                    516,
                    "Only Basic authentication is known here",
                    "AUTHENTICATION_FAILED",
                )
            })?;
            return users.authenticate(&name, &password);
        }
        let password = self
            .header("X-ClickHouse-Key")
            .or_else(|| self.pair("password"))
            .unwrap_or("");
        users.authenticate(self.pair("user").unwrap_or("default"), password)
    }

    /// How the answer is wanted. `query_id` is used where the client gave none.
    ///
    /// # Errors
    ///
    /// A protocol version that is no number.
    pub fn wanted(&self, query_id: String) -> Result<Wanted, Exception> {
        let native_revision = match self.pair("client_protocol_version") {
            None | Some("") => 0,
            Some(value) => value.parse().map_err(|_| {
                Exception::bad_request(format!("client_protocol_version={value} is no number"))
            })?,
        };
        let method = match self.pair("network_compression_method") {
            Some(name) if name.eq_ignore_ascii_case("ZSTD") => blocks::Method::Zstd,
            _ => blocks::Method::Lz4,
        };
        // On by default, as in current versions of the server.
        let encodes = self
            .pair("enable_http_compression")
            .is_none_or(|value| matches!(value, "1" | "true"));
        let accepted = self
            .header(ACCEPT_ENCODING)
            .filter(|_| encodes)
            .unwrap_or("");
        Ok(Wanted {
            encoding: Encoding::accepted(accepted),
            blocks: self.is_on("compress").then_some(method),
            native_revision,
            wait_for_end: self.is_on("wait_end_of_query") || self.is_on("http_wait_end_of_query"),
            query_id: self
                .pair("query_id")
                .filter(|id| is_plain(id))
                .map_or(query_id, str::to_owned),
        })
    }

    /// Joins the head with the `body` of a `user`'s request.
    ///
    /// # Errors
    ///
    /// A part that is not understood here.
    pub fn join(&self, user: Arc<User>, wanted: Wanted, body: Bytes) -> Result<Request, Exception> {
        if self.pair("session_id").is_some() {
            return Err(Exception::new(
                372,
                "Sessions are not kept here: send each statement without session_id",
                "SESSION_NOT_FOUND",
            ));
        }
        let readonly = self.pair("readonly").unwrap_or("");
        if user.readonly && matches!(readonly, "0" | "false") {
            return Err(Exception::readonly(
                "Cannot modify 'readonly' setting in readonly mode",
            ));
        }
        let asked_readonly = matches!(readonly, "1" | "2" | "true");
        // As in ClickHouse, GET only reads.
        let read_only = user.readonly || asked_readonly || self.method != Method::POST;

        let body = decode::content(body, self.header(CONTENT_ENCODING).unwrap_or(""))?;
        let body: Bytes = if self.is_on("decompress") {
            Box::new(Unpacked::new(body))
        } else {
            body
        };
        let mut body = decode::bounded(body);
        let mut sql = self.pair("query").unwrap_or("").as_bytes().to_vec();
        let mut fields = self.pairs.clone();
        if let Some(boundary) = self.header(CONTENT_TYPE).and_then(form::boundary) {
            for (name, value) in form::fields(body, &boundary)? {
                if name == "query" {
                    sql.extend(value);
                } else {
                    fields.push((name, String::from_utf8_lossy(&value).into_owned()));
                }
            }
            body = Box::new(std::io::empty());
        }
        let params = fields
            .iter()
            .filter_map(|(name, value)| {
                Some((name.strip_prefix("param_")?.to_owned(), value.clone()))
            })
            .collect::<Params>();
        let settings = fields
            .into_iter()
            .filter(|(name, _)| {
                !name.starts_with("param_") && !OF_THE_INTERFACE.contains(&name.as_str())
            })
            .collect();
        let database = self
            .pair("database")
            .or_else(|| self.header("X-ClickHouse-Database"));
        let default_format = self
            .header("X-ClickHouse-Format")
            .or_else(|| self.pair("default_format"));
        Ok(Request {
            user,
            read_only,
            sql,
            body,
            params,
            settings,
            database: database.map(str::to_owned),
            default_format: default_format.map(str::to_owned),
            wanted,
        })
    }
}

/// What may stand in a header as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: Method, query: &str, headers: &[(&'static str, &str)]) -> Head {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Head::new(method, headers.collect(), query)
    }

    fn users() -> Users {
        let file = tempfile::NamedTempFile::new().unwrap();
        let json = r#"{"users": [{"name": "a", "password": "x:y"}, {"name": "default", "password": "d"}]}"#;
        std::fs::write(file.path(), json).unwrap();
        Users::load(Some(file.path())).unwrap()
    }

    #[test]
    fn credentials_come_in_three_ways() {
        let users = users();
        for (query, headers, expected) in [
            (
                "",
                &[("X-ClickHouse-User", "a"), ("X-ClickHouse-Key", "x:y")][..],
                Ok("a"),
            ),
            ("", &[("Authorization", "Basic YTp4Onk=")], Ok("a")),
            ("user=a&password=x:y", &[], Ok("a")),
            ("password=d", &[], Ok("default")),
            ("", &[], Err(194)),
            (
                "user=a&password=x:y",
                &[("Authorization", "Basic YTp6")],
                Err(516),
            ),
            ("", &[("Authorization", "Bearer x")], Err(516)),
        ] {
            let found = head(Method::POST, query, headers).authenticate(&users);
            let found = found
                .as_ref()
                .map(|user| user.name.as_str())
                .map_err(Exception::code);
            assert_eq!(found, expected, "of {query} {headers:?}");
        }
    }

    #[test]
    fn parameters_are_parted_into_settings_query_parameters_and_the_interfaces_own() {
        let head = head(
            Method::POST,
            "query=SELECT+1&param_a=b+c&max_threads=2&database=d&default_format=CSV&compress=1",
            &[("Accept-Encoding", "gzip")],
        );
        let wanted = head.wanted("id".to_owned()).unwrap();
        assert_eq!(
            (wanted.encoding, wanted.blocks),
            (Encoding::Gzip, Some(blocks::Method::Lz4))
        );
        let user = Arc::new(User::owner("a", ""));
        let request = head.join(user, wanted, Box::new(std::io::empty())).unwrap();
        assert_eq!(request.sql, b"SELECT 1");
        assert_eq!(
            request.settings,
            [("max_threads".to_owned(), "2".to_owned())]
        );
        assert_eq!(
            (
                request.database.as_deref(),
                request.default_format.as_deref()
            ),
            (Some("d"), Some("CSV"))
        );
        assert!(!request.read_only);
    }

    #[test]
    fn a_get_and_a_readonly_request_only_read() {
        for (method, query, read_only, expected) in [
            (Method::GET, "", false, Ok(true)),
            (Method::POST, "readonly=1", false, Ok(true)),
            (Method::POST, "", true, Ok(true)),
            (Method::POST, "readonly=0", false, Ok(false)),
            (Method::POST, "readonly=0", true, Err(164)),
            (Method::POST, "session_id=x", false, Err(372)),
        ] {
            let head = head(method, query, &[]);
            let user = Arc::new(User {
                readonly: read_only,
                ..User::owner("a", "")
            });
            let wanted = head.wanted("id".to_owned()).unwrap();
            let found = head.join(user, wanted, Box::new(std::io::empty()));
            let found = found
                .map(|request| request.read_only)
                .map_err(|refused| refused.code());
            assert_eq!(found, expected, "of {query}");
        }
    }
}
