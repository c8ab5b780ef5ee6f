use super::*;

fn text(metrics: &Metrics) -> String {
    prometheus::TextEncoder::new()
        .encode_to_string(&metrics.registry.gather())
        .unwrap()
}

#[test]
fn leaks_are_bytes_of_a_class_and_every_flag_is_rows_of_a_feed() {
    let metrics = Metrics::new().unwrap();
    let feed = FeedId::parse("pgw").unwrap();
    for (flag, records, bytes) in [
        (Flag::LeakedOther, 2, 700),
        (Flag::LeakedOther, 1, 77),
        (Flag::Wrap, 1, 796),
    ] {
        metrics.flagged(FlagTally {
            feed,
            flag,
            records,
            bytes,
        });
    }
    let text = text(&metrics);
    for line in [
        "hissa_leaked_bytes_total{class=\"education\"} 0",
        "hissa_leaked_bytes_total{class=\"other\"} 777",
        "hissa_flagged_records_total{feed=\"pgw\",flag=\"leaked_other\"} 3",
        "hissa_flagged_records_total{feed=\"pgw\",flag=\"wrap\"} 1",
        "hissa_flagged_records_total{feed=\"pgw\",flag=\"sentinel\"} 0",
    ] {
        assert!(text.contains(line), "{line} not in\n{text}");
    }
}

#[test]
fn label_sets_are_there_before_the_first_event() {
    let metrics = Metrics::new().unwrap();
    metrics.know(FeedId::parse("gprs").unwrap());
    let text = text(&metrics);
    for line in [
        "hissa_leaked_bytes_total{class=\"other\"} 0",
        "hissa_flagged_records_total{feed=\"gprs\",flag=\"late_reading\"} 0",
        "hissa_decisions_total{action=\"block\",class=\"system\"} 0",
        "hissa_records_total{feed=\"gprs\",outcome=\"quarantined\",reason=\"conflict\"} 0",
        "hissa_decisions_total{action=\"throttle\",class=\"other\"} 0",
        "hissa_clickhouse_insert_failures_total{kind=\"lasting\",table=\"sim_day\"} 0",
        "hissa_balance_discrepancy_records{feed=\"gprs\"} 0",
    ] {
        assert!(text.contains(line), "{line} not in\n{text}");
    }
}
