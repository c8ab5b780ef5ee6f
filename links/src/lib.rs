//! Links from Hissa's services to Kafka, ClickHouse, secrets and Prometheus
