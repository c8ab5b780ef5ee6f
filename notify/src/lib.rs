//! Alerts to people
