//! Native blocks, as ClickHouse's driver for Go asks for them (and with it Grafana's plugin).

use crate::harness::{curl, database, encoded, shared_url, statement};

const SQL: &[u8] = b"SELECT toUInt8(number) AS n, toString(number) AS s FROM numbers(2)";

#[test]
fn native_is_the_default_format_on_request() {
    let found = curl(shared_url(), "/?default_format=Native", &[], Some(SQL));
    assert_eq!(found.header("X-ClickHouse-Format"), Some("Native"));
    assert_eq!(
        found.body,
        b"\x02\x02\x01n\x05UInt8\x00\x01\x01s\x06String\x010\x011"
    );
}

#[test]
fn a_client_of_a_newer_protocol_gets_block_info_and_layout_bytes() {
    let found = curl(
        shared_url(),
        "/?default_format=Native&client_protocol_version=54460",
        &[],
        Some(SQL),
    );
    let expected = b"\x01\x00\x02\xff\xff\xff\xff\x00\x02\x02\x01n\x05UInt8\x00\x00\x01\x01s\x06String\x00\x010\x011";
    assert_eq!(found.body, expected);
}

#[test]
fn every_type_that_a_panel_shows_is_stepped_over_rightly() {
    let sql = "SELECT number, number % 2 = 0 ? NULL : number AS m, [number, 1] AS a, toLowCardinality(toString(number % 3)) AS l, \
               map('k', number) AS p, (number, 'x') AS t, toDateTime('2026-02-01 00:00:00', 'UTC') AS d, \
               toDateTime64(1.5, 3, 'UTC') AS d3, toDecimal64(1.5, 3) AS c, CAST('a', 'Enum8(\\'a\\' = 1)') AS e, \
               generateUUIDv4() AS u, [toLowCardinality(toNullable('q'))] AS q, toFixedString('ab', 2) AS f, \
               true AS b, CAST([(1, 2)], 'Array(Tuple(x UInt8, y Float64))') AS n \
               FROM numbers(200000)";
    let path = "/?default_format=Native&client_protocol_version=54460";
    let found = curl(shared_url(), path, &[], Some(sql.as_bytes()));
    assert_eq!(found.status, 200, "{}", found.text());
    // Each block's head stands where the block before ended, or the stepping would have failed with code 33.
    assert_eq!(found.exit, 0);
    assert!(found.body.len() > 200_000 * 60);
}

#[test]
fn native_blocks_are_inserted() {
    let database = database();
    statement(&format!(
        "CREATE TABLE {database}.t (n UInt8, s String) ENGINE = MergeTree ORDER BY n"
    ))
    .ok();
    let path = format!(
        "/?query={}",
        encoded(&format!("INSERT INTO {database}.t (n, s) FORMAT Native"))
    );
    curl(
        shared_url(),
        &path,
        &[],
        Some(b"\x02\x02\x01n\x05UInt8\x07\x08\x01s\x06String\x01a\x01b"),
    )
    .ok();
    assert_eq!(
        statement(&format!("SELECT * FROM {database}.t ORDER BY n")).ok(),
        "7\ta\n8\tb\n"
    );
}

#[test]
fn what_a_driver_asks_first_is_answered() {
    let hello = statement("SELECT displayName(), version(), revision(), timezone()").ok();
    assert_eq!(hello.split('\t').count(), 4, "{hello}");
}
