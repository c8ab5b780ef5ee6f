//! The dashboards as data, so that tests can run every panel's SQL without Grafana.
//!
//! The files under `grafana/` are what Grafana loads; [`panels`] and [`variables`] read the very same, and [`expand`]
//! does what Grafana and its ClickHouse plugin do to a query before they send it.

mod expand;
mod programme;

pub use expand::{ExpandError, TimeRange, Values, expand};
pub use programme::{DashboardError, Format, Panel, Variable, panels, variables};
