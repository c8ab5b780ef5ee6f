use clickhouse::Client;
use hissa_core::usage::{CLICKHOUSE_STRUCTURE, UsageRow};
use hissa_core::wire::HEADER_ENTRY;
use hissa_links::{topics, whole};
use hissa_stack::clickhouse::{ClickHouse, ClickHouseOptions, User};
use hissa_stack::download::chdb;
use hissa_stack::{Report, folders};
use rdkafka::message::{Headers as _, Message as _};

use crate::carrier::{Carrier, MORNING_MS, record};
use crate::log::{self, Owned};
use crate::service::{Service, config, feed, is_finished};

async fn clickhouse(carrier: &Carrier) -> (ClickHouse, Client) {
    let data_dir = carrier.folder.path().join("clickhouse");
    let launch = move || {
        let report = Report::silent();
        let library = ClickHouseOptions::library_override();
        let options = ClickHouseOptions {
            data_dir,
            port: None,
            lib: library
                .unwrap_or_else(|| chdb::fetch(&folders::cache().unwrap(), &report).unwrap()),
            binary: ClickHouseOptions::beside_this_program().unwrap(),
            users: vec![User::owner("hissa", "o")],
            memory_per_query_mib: None,
        };
        ClickHouse::launch_blocking(&options, &report).unwrap()
    };
    let process = tokio::task::spawn_blocking(launch).await.unwrap();
    let client = Client::default()
        .with_url(process.url())
        .with_user("hissa")
        .with_password("o");
    (process, client)
}

/// A row as ClickHouse would write it in TSV: its fields in the order of the layout, blocks of bytes in hexadecimal.
fn line(row: &UsageRow) -> String {
    [
        row.kind.to_string(),
        row.reject_reason.to_string(),
        row.rat.to_string(),
        row.hint.to_string(),
        hex::encode_upper(row.sim),
        hex::encode_upper(row.device),
        row.device_tac.to_string(),
        row.serving_plmn.to_string(),
        hex::encode_upper(row.feed),
        row.epoch.to_string(),
        row.source_partition.to_string(),
        row.source_offset.to_string(),
        row.source_row.to_string(),
        row.counter.to_string(),
        hex::encode_upper(row.reserved),
        row.delivered_at_ms.to_string(),
        hex::encode_upper(row.node),
        row.record_sequence.to_string(),
        row.charging_id.to_string(),
        row.opened_at_ms.to_string(),
        row.rating_group.to_string(),
        row.service_id.to_string(),
        row.container_sequence.to_string(),
        row.session_sequence.to_string(),
        row.started_at_ms.to_string(),
        row.ended_at_ms.to_string(),
        row.uplink_bytes.to_string(),
        row.downlink_bytes.to_string(),
    ]
    .join("\t")
}

/// The names of the columns, those of bytes as their hexadecimal.
fn selected() -> String {
    let columns = CLICKHOUSE_STRUCTURE.split(',').map(|column| {
        let (name, kind) = column.trim().split_once(' ').unwrap();
        match kind.starts_with("FixedString") {
            true => format!("hex({name})"),
            false => name.to_owned(),
        }
    });
    columns.collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn clickhouses_own_reader_reads_the_frames_as_we_do() {
    let carrier = Carrier::start().await;
    carrier.make_topic("cdr", 1).await;
    for number in 0..2_000 {
        let at_ms = MORNING_MS + i64::try_from(number).unwrap();
        let payload = match number {
            500 => "{}".to_owned(),
            501 => record(u64::MAX, 1).replace(
                "\"uplink_bytes\":18446744073709551615",
                "\"uplink_bytes\":1000000000000",
            ),
            502 => record(502, 1).replace(
                "\"imei\":\"3520991200041207\",\"rat\":\"4G\",\"serving_plmn\":\"00101\",",
                "",
            ),
            503 => record(503, 1).replace("\"rat\"", "\"counter\":\"cumulative32\",\"rat\""),
            _ => record(number, number % 100),
        };
        carrier.deliver("cdr", 0, at_ms, payload.as_bytes());
    }
    carrier.deliver(
        "cdr",
        0,
        MORNING_MS + 2_000,
        br#"{"quiet_until":"2026-02-10T10:00:00Z"}"#,
    );
    carrier.flush();
    let mut service = Service::start(config(&carrier, feed("cdr", true)));
    service
        .until("the end of the feed", || is_finished(&carrier))
        .await;
    service.stop().await;

    let (process, client) = clickhouse(&carrier).await;
    let table = format!(
        "CREATE TABLE frames ({CLICKHOUSE_STRUCTURE}) ENGINE = MergeTree ORDER BY source_offset"
    );
    client.query(&table).execute().await.unwrap();
    let mut frames = Vec::new();
    whole::read(&carrier.link, "test", topics::USAGE, |message| {
        let headers = message.headers().unwrap();
        let is_rows = headers
            .iter()
            .any(|h| h.key == HEADER_ENTRY && h.value == Some(b"rows"));
        if is_rows {
            frames.push(message.payload().unwrap().to_vec());
        }
    })
    .unwrap();
    for frame in frames {
        let mut insert = client.insert_formatted_with("INSERT INTO frames FORMAT RowBinary");
        insert.send(frame.into()).await.unwrap();
        insert.end().await.unwrap();
    }

    let sql = format!(
        "SELECT {} FROM frames ORDER BY source_offset, source_row",
        selected()
    );
    let found = client
        .query(&sql)
        .fetch_bytes("TSV")
        .unwrap()
        .collect()
        .await
        .unwrap();
    let found = String::from_utf8(found.to_vec()).unwrap();
    let mut rows: Vec<UsageRow> = Vec::new();
    for entry in log::read(&carrier).into_iter().flatten() {
        if let Owned::Rows(of_frame) = entry {
            rows.extend(of_frame);
        }
    }
    rows.sort_by_key(UsageRow::position);
    assert_eq!(rows.len(), 2_000);
    for (found, row) in found.lines().zip(&rows) {
        assert_eq!(found, line(row));
    }
    assert_eq!(found.lines().count(), rows.len());
    process.stop().await.unwrap();
    carrier.kafka.stop().unwrap();
}
