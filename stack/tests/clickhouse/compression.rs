//! Compressions of both kinds, in both directions.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use hissa_stack::clickhouse::wire::blocks::{Method, Unpacked, pack};

use crate::harness::{curl, database, encoded, shared_url, statement};

#[test]
fn an_answer_is_encoded_as_its_client_accepts() {
    let expected: String = (0..400_000).map(|number| format!("{number}\n")).collect();
    let sql = b"SELECT number FROM numbers(400000)";
    for encoding in ["gzip", "deflate", "zstd", "lz4"] {
        let accept = format!("Accept-Encoding: {encoding}");
        let found = curl(shared_url(), "/", &["-H", &accept], Some(sql));
        assert_eq!(
            (found.status, found.header("Content-Encoding")),
            (200, Some(encoding))
        );
        let mut decoded = String::new();
        let body = std::io::Cursor::new(found.body);
        hissa_stack::clickhouse::wire::decode::content(Box::new(body), encoding)
            .unwrap()
            .read_to_string(&mut decoded)
            .unwrap();
        assert!(decoded == expected, "{encoding}");
    }
    let by_curl = curl(shared_url(), "/", &["--compressed"], Some(sql));
    assert!(by_curl.ok() == expected);
    let off = curl(
        shared_url(),
        "/?enable_http_compression=0",
        &["-H", "Accept-Encoding: gzip"],
        Some(b"SELECT 1"),
    );
    assert_eq!(
        (off.ok().as_str(), off.header("Content-Encoding")),
        ("1\n", None)
    );
}

#[test]
fn an_exception_is_encoded_too() {
    let failed = curl(
        shared_url(),
        "/",
        &["--compressed"],
        Some(b"SELECT nothing"),
    );
    assert_eq!(
        (failed.status, failed.header("Content-Encoding").is_some()),
        (404, true)
    );
    assert!(failed.text().starts_with("Code: 47."), "{}", failed.text());
}

#[test]
fn blocks_are_packed_and_unpacked() {
    for (name, method) in [("LZ4", Method::Lz4), ("ZSTD", Method::Zstd)] {
        let path = format!("/?compress=1&network_compression_method={name}");
        let found = curl(
            shared_url(),
            &path,
            &[],
            Some(b"SELECT number FROM numbers(300000)"),
        );
        let mut unpacked = String::new();
        Unpacked::new(found.body.as_slice())
            .read_to_string(&mut unpacked)
            .unwrap();
        assert_eq!(
            (unpacked.lines().count(), unpacked.lines().last()),
            (300_000, Some("299999")),
            "{name}"
        );

        let database = database();
        statement(&format!(
            "CREATE TABLE {database}.t (a UInt32) ENGINE = MergeTree ORDER BY a"
        ))
        .ok();
        let csv: String = (0..300_000).map(|number| format!("{number}\n")).collect();
        let insert = format!(
            "/?decompress=1&query={}",
            encoded(&format!("INSERT INTO {database}.t FORMAT CSV"))
        );
        curl(
            shared_url(),
            &insert,
            &[],
            Some(&pack(csv.as_bytes(), method).unwrap()),
        )
        .ok();
        assert_eq!(
            statement(&format!("SELECT count(), max(a) FROM {database}.t")).ok(),
            "300000\t299999\n",
            "{name}"
        );
    }
}

#[test]
fn a_requests_body_may_be_encoded_and_a_damaged_one_stores_nothing() {
    let database = database();
    statement(&format!(
        "CREATE TABLE {database}.t (a UInt32) ENGINE = MergeTree ORDER BY a"
    ))
    .ok();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"1\n2\n").unwrap();
    let gzip = gzip.finish().unwrap();
    let insert = format!(
        "/?query={}",
        encoded(&format!("INSERT INTO {database}.t FORMAT CSV"))
    );
    curl(
        shared_url(),
        &insert,
        &["-H", "Content-Encoding: gzip"],
        Some(&gzip),
    )
    .ok();
    let cut = curl(
        shared_url(),
        &insert,
        &["-H", "Content-Encoding: gzip"],
        Some(&gzip[..gzip.len() - 6]),
    );
    assert_eq!(cut.code(), 271);
    let unknown = curl(
        shared_url(),
        &insert,
        &["-H", "Content-Encoding: br"],
        Some(&gzip),
    );
    assert_eq!((unknown.status, unknown.code()), (501, 48));
    let mut damaged = pack(b"3\n4\n", Method::Lz4).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    let damaged = curl(
        shared_url(),
        &format!("{insert}&decompress=1"),
        &[],
        Some(&damaged),
    );
    assert_eq!(damaged.code(), 271);
    assert_eq!(
        statement(&format!("SELECT count() FROM {database}.t")).ok(),
        "2\n"
    );
}
