use hissa_core::alert::AlertKind;

use super::*;
use crate::samples::{KINDS, change, quota};

fn entry() -> Entry {
    Entry {
        asset_tag: Some("T-0412".into()),
        school_name_fr: Some("École Al Amal (fictif)".into()),
        school_name_ar: None,
    }
}

fn writer() -> Writer {
    Writer::new("https://h.example/{alert}").unwrap()
}

#[test]
fn no_identifier_of_a_sim_or_a_device_leaves() {
    for entry in [None, Some(&entry())] {
        for kind in KINDS {
            for what in [Change::Fire, Change::Update, Change::Resolve] {
                let message = writer().write(&change(kind, what), entry).unwrap();
                let sent = format!("{} {}", message.id, message.body);
                // The pseudonym, the device's type, the school's code.
                for hidden in ["abab", "35209900", "06.211.99.01"] {
                    assert!(!sent.contains(hidden), "{sent}");
                }
                let body: Body = serde_json::from_str(&message.body).unwrap();
                assert_eq!(serde_json::to_string(&body).unwrap(), message.body);
            }
        }
    }
}

#[test]
fn an_id_says_which_change_it_is_and_nothing_else() {
    let id =
        |change: &AlertChange, entry: Option<&Entry>| writer().write(change, entry).unwrap().id;
    let fired = change(AlertKind::SimQuota80, Change::Fire);
    let mut again = fired.clone();
    again.generation = 2;
    assert_eq!(id(&fired, None), id(&again, Some(&entry())));
    for other in [
        change(AlertKind::SimQuota80, Change::Update),
        change(AlertKind::SimQuota80, Change::Resolve),
        change(AlertKind::SimExhausted, Change::Fire),
    ] {
        assert_ne!(id(&fired, None), id(&other, None));
    }
}

#[test]
fn an_update_is_another_message_of_the_same_alert() {
    let [fire, update] = [Change::Fire, Change::Update].map(|what| {
        let change = change(AlertKind::RecordConflict, what);
        let message = writer().write(&change, None).unwrap();
        (
            message.id,
            serde_json::from_str::<Body>(&message.body).unwrap(),
        )
    });
    assert_ne!(fire.0, update.0);
    assert_eq!(fire.1.data.alert_id, update.1.data.alert_id);
    assert_eq!((fire.1.data.revision, update.1.data.revision), (1, 2));
    assert_eq!(
        (fire.1.kind, update.1.kind),
        (EventType::Fired, EventType::Updated)
    );
}

#[test]
fn a_message_says_how_bad_it_is_and_to_whom() {
    for (kind, severity, audience, cohort) in [
        (AlertKind::SimQuota80, "info", "head", Some("pilote-rural")),
        (
            AlertKind::SimExhausted,
            "warning",
            "head",
            Some("pilote-rural"),
        ),
        (AlertKind::TabletIdle, "info", "head", Some("pilote-rural")),
        (AlertKind::SimMoved, "warning", "head", Some("pilote-rural")),
        (
            AlertKind::PossibleSharing,
            "info",
            "head",
            Some("pilote-rural"),
        ),
        (AlertKind::RecordConflict, "warning", "operators", None),
        (
            AlertKind::GrantExpiring,
            "info",
            "head",
            Some("pilote-rural"),
        ),
        (
            AlertKind::OrdersHeld,
            "critical",
            "operators",
            Some("pilote-rural"),
        ),
    ] {
        let message = writer().write(&change(kind, Change::Fire), None).unwrap();
        let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
        let data = &body["data"];
        assert_eq!(
            (
                data["alert"].as_str(),
                data["severity"].as_str(),
                data["audience"].as_str(),
                data["cohort"].as_str()
            ),
            (Some(kind.as_str()), Some(severity), Some(audience), cohort)
        );
    }
}

#[test]
fn a_message_says_all_that_a_receiver_needs() {
    let mut said = change(AlertKind::SimQuota80, Change::Fire);
    quota(&mut said).granted_bytes = 2_000_000_000;
    let message = writer().write(&said, Some(&entry())).unwrap();
    let alert_id = opaque(&[
        "alert",
        &format!("SimQuota80/{}/2026-02-01", "ab".repeat(16)),
    ]);
    let expected = serde_json::json!({
        "type": "hissa.alert.fired",
        "timestamp": "2026-02-13T16:26:40Z",
        "data": {
            "alert_id": alert_id,
            "revision": 1,
            "alert": "SimQuota80",
            "details": {
                "allowance": "education",
                "cycle": "2026-02-01",
                "limit_bytes": 20_000_000_000_u64,
                "granted_bytes": 2_000_000_000_u64,
                "used_bytes": 16_040_000_000_u64,
                "used_gb": "16.0",
                "quota_gb": "22",
                "state": "throttle",
                "resets_on": "2026-03-01",
                "runs_out_on": "2026-02-24",
            },
            "severity": "info",
            "audience": "head",
            "asset_tag": "T-0412",
            "school_name_fr": "École Al Amal (fictif)",
            "school_name_ar": null,
            "cohort": "pilote-rural",
            "text": { "fr": format!(
                "Tablette T-0412 : 16,0 Go sur 22 utilisés. À ce rythme, fin vers le 24 février 2026. Remise à zéro : 1 mars 2026. https://h.example/{alert_id}",
            ) },
        },
    });
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&message.body).unwrap(),
        expected
    );
}
