//! What the service counts.

use hissa_core::alert::AlertKind;
use prometheus::{GaugeVec, IntCounterVec, Opts, Registry};

/// The one channel there is.
const WEBHOOK: &str = "webhook";

/// All kinds of alerts.
pub(crate) const KINDS: [AlertKind; 8] = [
    AlertKind::SimQuota80,
    AlertKind::SimExhausted,
    AlertKind::TabletIdle,
    AlertKind::SimMoved,
    AlertKind::PossibleSharing,
    AlertKind::RecordConflict,
    AlertKind::GrantExpiring,
    AlertKind::OrdersHeld,
];

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver has it.
    Delivered,
    /// The receiver does not want it, and never will: set aside.
    Refused,
    /// One try failed; it is tried again.
    Failed,
    /// A revision that is not above the last one known: not sent.
    Outdated,
}

impl Outcome {
    const ALL: [Outcome; 4] = [
        Outcome::Delivered,
        Outcome::Refused,
        Outcome::Failed,
        Outcome::Outdated,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Outcome::Delivered => "delivered",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::Outdated => "outdated",
        }
    }
}

#[derive(Clone)]
pub(crate) struct Metrics {
    notifications: IntCounterVec,
    oldest: GaugeVec,
}

impl Metrics {
    /// Registers the metrics, every label set at 0.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Metrics> {
        let notifications = IntCounterVec::new(
            Opts::new(
                "hissa_notifications_total",
                "Notifications by what became of them; a failed try is tried again",
            ),
            &["alert", "channel", "result"],
        )?;
        let oldest = GaugeVec::new(
            Opts::new(
                "hissa_notify_oldest_seconds",
                "How long ago the oldest alert change was entered that is not delivered; 0 where all are",
            ),
            &["channel"],
        )?;
        registry.register(Box::new(notifications.clone()))?;
        registry.register(Box::new(oldest.clone()))?;
        for alert in KINDS {
            for outcome in Outcome::ALL {
                notifications.with_label_values(&[alert.as_str(), WEBHOOK, outcome.as_str()]);
            }
        }
        let metrics = Metrics {
            notifications,
            oldest,
        };
        metrics.oldest(None);
        Ok(metrics)
    }

    pub(crate) fn count(&self, alert: AlertKind, outcome: Outcome) {
        let labels = [alert.as_str(), WEBHOOK, outcome.as_str()];
        self.notifications.with_label_values(&labels).inc();
    }

    /// The age of the oldest change that is not delivered, in milliseconds.
    pub(crate) fn oldest(&self, age_ms: Option<i64>) {
        let seconds = age_ms.unwrap_or_default().max(0) as f64 / 1_000.0;
        self.oldest.with_label_values(&[WEBHOOK]).set(seconds);
    }
}
