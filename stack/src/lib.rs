//! Kafka and ClickHouse on one machine, for demos and tests
