//! The unmodified `clickhouse` crate.

use clickhouse::{Client, Compression, Row};
use serde::{Deserialize, Serialize};

use crate::harness::{client, database};

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Usage {
    sim: u64,
    name: String,
    bytes: Option<u32>,
}

fn usage(sim: u64) -> Usage {
    Usage {
        sim,
        name: format!("sim {sim}"),
        bytes: (!sim.is_multiple_of(3)).then_some(7),
    }
}

async fn table(client: &Client) {
    let sql = "CREATE TABLE usage (sim UInt64, name String, bytes Nullable(UInt32)) ENGINE = MergeTree ORDER BY sim";
    client.query(sql).execute().await.unwrap();
}

async fn count(client: &Client) -> u64 {
    client
        .query("SELECT count() FROM usage")
        .fetch_one()
        .await
        .unwrap()
}

#[tokio::test]
async fn rows_come_back_as_they_went_with_every_compression_and_validation() {
    for compression in [Compression::None, Compression::Lz4, Compression::zstd()] {
        for validation in [true, false] {
            let client = client(&database())
                .with_compression(compression)
                .with_validation(validation);
            table(&client).await;
            let rows: Vec<Usage> = (0..50_000).map(usage).collect();
            let mut insert = client.insert::<Usage>("usage").await.unwrap();
            for row in &rows {
                insert.write(row).await.unwrap();
            }
            insert.end().await.unwrap();
            let found = client
                .query("SELECT ?fields FROM usage ORDER BY sim")
                .fetch_all::<Usage>()
                .await
                .unwrap();
            assert!(found == rows, "{compression:?}, validation {validation}");
        }
    }
}

#[tokio::test]
async fn a_cursor_streams_a_long_answer_and_an_empty_one_ends_at_once() {
    let client = client(&database());
    let mut cursor = client
        .query("SELECT number, toString(number) FROM numbers(600000)")
        .fetch::<(u64, String)>()
        .unwrap();
    let mut next = 0;
    while let Some((number, text)) = cursor.next().await.unwrap() {
        assert_eq!((number, text), (next, next.to_string()));
        next += 1;
    }
    assert_eq!(next, 600_000);
    table(&client).await;
    assert_eq!(
        client
            .query("SELECT ?fields FROM usage")
            .fetch_all::<Usage>()
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn parameters_and_settings_reach_the_statement_and_only_it() {
    let client = client(&database());
    let found: (String, u64, String) = client
        .query("SELECT {text:String}, {number:UInt64}, toString({list:Array(UInt8)})")
        .param("text", "it's \\ \r\n--x")
        .param("number", u64::MAX)
        .param("list", vec![1_u8, 2])
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(
        found,
        ("it's \\ \r\n--x".to_owned(), u64::MAX, "[1,2]".to_owned())
    );

    let threads = "SELECT toString(getSetting('max_block_size'))";
    let changed: String = client
        .query(threads)
        .with_setting("max_block_size", "77")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(changed, "77");
    for _ in 0..8 {
        let usual: String = client.query(threads).fetch_one().await.unwrap();
        assert_ne!(usual, "77");
    }
}

#[tokio::test]
async fn bytes_of_a_format_are_inserted_as_they_are() {
    let client = client(&database());
    table(&client).await;
    let mut insert =
        client.insert_formatted_with("INSERT INTO usage (sim, name, bytes) FORMAT RowBinary");
    // Two rows of which the second holds what would end a statement.
    let rows = b"\x01\0\0\0\0\0\0\0\x01a\x01\x02\0\0\0\0\0\0\0\x05;'\"\0`\0\x07\0\0\0";
    insert.send(rows.to_vec().into()).await.unwrap();
    insert.end().await.unwrap();
    let found: Vec<(u64, String, Option<u32>)> = client
        .query("SELECT sim, name, bytes FROM usage ORDER BY sim")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(
        found,
        [
            (1, "a".to_owned(), None),
            (2, ";'\"\0`".to_owned(), Some(7))
        ]
    );
}

#[tokio::test]
async fn an_error_is_the_engines_own_number_and_text() {
    let client = client(&database());
    table(&client).await;
    for (sql, expected) in [
        ("SELEC 1", "Code: 62. DB::Exception: Syntax error"),
        (
            "SELECT * FROM nowhere",
            "Code: 60. DB::Exception: Unknown table expression identifier 'nowhere'",
        ),
        (
            "SELECT throwIf(1, 'so it is')",
            "Code: 395. DB::Exception: so it is",
        ),
        (
            "INSERT INTO usage (nothing) VALUES (1)",
            "Code: 16. DB::Exception: No such column nothing",
        ),
    ] {
        let said = client.query(sql).execute().await.unwrap_err().to_string();
        assert!(said.contains(expected), "of {sql}: {said}");
    }
    // The engine fails when a part of the answer is with the client already.
    let sql = "SELECT number, throwIf(number = 3000000, 'too far') FROM numbers(4000000)";
    let mut cursor = client.query(sql).fetch::<(u64, u8)>().unwrap();
    let failed = loop {
        match cursor.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the answer ended well"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(failed.contains("too far"), "{failed}");
    let wrong = client
        .clone()
        .with_password("wrong")
        .query("SELECT 1")
        .execute()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        wrong.contains("Code: 516. DB::Exception: owner: Authentication failed"),
        "{wrong}"
    );
}

#[tokio::test]
async fn an_aborted_insert_leaves_no_row() {
    let client = client(&database());
    table(&client).await;
    let mut aborted = client.insert::<Usage>("usage").await.unwrap();
    // Far more than the crate, the front's memory, or a block of the engine holds back.
    for sim in 0..2_500_000 {
        aborted.write(&usage(sim)).await.unwrap();
    }
    drop(aborted);
    let mut ended = client.insert::<Usage>("usage").await.unwrap();
    ended.write(&usage(1)).await.unwrap();
    ended.end().await.unwrap();
    assert_eq!(count(&client).await, 1);
}

#[tokio::test]
async fn a_failed_insert_leaves_no_row_of_its_block() {
    let client = client(&database());
    table(&client).await;
    let mut insert = client.insert_formatted_with("INSERT INTO usage (sim) FORMAT CSV");
    insert.send(b"1\n2\nthree\n".to_vec().into()).await.unwrap();
    let said = insert.end().await.unwrap_err().to_string();
    assert!(
        said.contains("Code: 27") || said.contains("Code: 117"),
        "{said}"
    );
    assert_eq!(count(&client).await, 0);
}
