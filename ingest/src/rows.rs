//! A record becomes rows: one a container, under pseudonyms. Behind this point there is no IMSI and no IMEI.

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::registry::Counter;
use hissa_core::usage::{Source, UsageRow};

use crate::decode::Record;

/// Appends the record's rows.
pub fn append(
    rows: &mut Vec<UsageRow>,
    record: &Record,
    source: Source,
    offset: u64,
    delivered_at_ms: i64,
    pseudonyms: &Pseudonymizer,
) {
    let device = record
        .imei
        .map_or([0; 16], |imei| pseudonyms.device(&imei).0);
    let of_record = UsageRow {
        kind: 0,
        reject_reason: 0,
        rat: record.rat,
        hint: 0,
        sim: pseudonyms.sim(&record.imsi).0,
        device,
        device_tac: record.imei.map_or(0, |imei| imei.tac()).into(),
        serving_plmn: record.serving_plmn.into(),
        feed: source.feed.bytes(),
        epoch: source.epoch.into(),
        source_partition: source.partition.into(),
        source_offset: offset.into(),
        source_row: 0.into(),
        counter: counter_code(record.counter),
        reserved: [0; 3],
        delivered_at_ms: delivered_at_ms.into(),
        node: record.node.bytes(),
        record_sequence: record.record_sequence.into(),
        charging_id: record.charging_id.into(),
        opened_at_ms: record.opened_at_ms.into(),
        rating_group: 0.into(),
        service_id: 0.into(),
        container_sequence: 0.into(),
        session_sequence: 0.into(),
        started_at_ms: 0.into(),
        ended_at_ms: 0.into(),
        uplink_bytes: 0.into(),
        downlink_bytes: 0.into(),
    };
    rows.extend(
        (0u32..)
            .zip(&record.containers)
            .map(|(place, container)| UsageRow {
                source_row: place.into(),
                rating_group: container.rating_group.into(),
                service_id: container.service_id.into(),
                container_sequence: container.sequence.into(),
                started_at_ms: container.first_usage_at_ms.into(),
                ended_at_ms: container.last_usage_at_ms.into(),
                uplink_bytes: container.uplink_bytes.into(),
                downlink_bytes: container.downlink_bytes.into(),
                ..of_record
            }),
    );
}

/// The code that stands in a row; 0 where the record leaves it to the feed, for the registry knows the feed.
fn counter_code(counter: Option<Counter>) -> u8 {
    match counter {
        None => 0,
        Some(Counter::Delta) => 1,
        Some(Counter::Cumulative32) => 2,
        Some(Counter::Cumulative64) => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counters_code_is_the_one_that_the_core_reads() {
        let source = Source {
            feed: hissa_core::sim::FeedId::parse("pgw").unwrap(),
            epoch: 0,
            partition: 0,
        };
        let stub = UsageRow::stub(source, 0, 0, hissa_core::outcome::RejectReason::BadTime);
        for counter in [
            None,
            Some(Counter::Delta),
            Some(Counter::Cumulative32),
            Some(Counter::Cumulative64),
        ] {
            let row = UsageRow {
                counter: counter_code(counter),
                ..stub
            };
            assert_eq!(row.counter(), Ok(counter));
        }
    }
}
