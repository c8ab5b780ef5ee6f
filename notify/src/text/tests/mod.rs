mod quota;

use hissa_core::alert::{AlertKind, Change, Subject};
use jiff::civil::date;

use super::*;
use crate::samples::{KINDS, cause, change, quota};

const LINK: &str = "https://h.example/a";

#[test]
fn french_texts_are_complete_and_know_their_placeholders() {
    let texts = Texts::french().unwrap();
    for kind in KINDS {
        for what in [Change::Fire, Change::Update, Change::Resolve] {
            for cause in [None, Some(cause())] {
                for tag in [None, Some("T-0412")] {
                    let mut said = change(kind, what);
                    said.cause = cause.clone();
                    reads_well(&texts.say(&said, tag, LINK));
                }
            }
        }
    }
    for kind in [AlertKind::SimQuota80, AlertKind::SimExhausted] {
        for what in [Change::Fire, Change::Update, Change::Resolve] {
            for state in ["block", "throttle", "allow"] {
                for runs_out_on in [None, Some(date(2026, 2, 20))] {
                    for at_ms in [0, i64::MAX] {
                        let mut said = change(kind, what);
                        said.at_ms = at_ms;
                        let quota = quota(&mut said);
                        quota.state = state.into();
                        quota.runs_out_on = runs_out_on;
                        reads_well(&texts.say(&said, Some("T-0412"), LINK));
                    }
                }
            }
        }
    }
}

fn reads_well(text: &str) {
    assert!(!text.contains(['{', '}']), "{text}");
    assert!(!text.contains("  ") && !text.contains("le ."), "{text}");
}

#[test]
fn the_other_texts_read_as_a_person_would_write_them() {
    use AlertKind::{GrantExpiring, OrdersHeld, PossibleSharing, RecordConflict};
    use AlertKind::{SimMoved, TabletIdle};
    use Change::{Fire, Resolve, Update};
    let texts = Texts::french().unwrap();
    // Kind, change, whether a row caused it, what a tagged tablet's text is.
    let table = [
        (
            TabletIdle,
            Fire,
            false,
            "Tablette T-0412 sans usage depuis 10 jours de classe. Perdue, en panne, rangée ?",
        ),
        (
            TabletIdle,
            Resolve,
            true,
            "Tablette T-0412 : de nouveau utilisée.",
        ),
        (
            TabletIdle,
            Resolve,
            false,
            "Tablette T-0412 : plus suivie par le programme.",
        ),
        (
            SimMoved,
            Fire,
            true,
            "La SIM de la tablette T-0412 est dans un autre appareil depuis le 11 février 2026. Réparation ? Confirmez.",
        ),
        (
            SimMoved,
            Update,
            true,
            "La SIM de la tablette T-0412 a encore changé d'appareil ; elle n'est plus dans le sien depuis le 11 février 2026. Réparation ? Confirmez.",
        ),
        (
            SimMoved,
            Resolve,
            true,
            "La SIM de la tablette T-0412 est de nouveau dans son appareil.",
        ),
        (
            SimMoved,
            Resolve,
            false,
            "La SIM de la tablette T-0412 : affectation mise à jour.",
        ),
        (
            PossibleSharing,
            Fire,
            true,
            "Tablette T-0412 : 2,5 Go le 12 février 2026, surtout hors sites éducatifs. Merci de vérifier ; rien n'est bloqué.",
        ),
        (
            PossibleSharing,
            Update,
            true,
            "Tablette T-0412 : 2,5 Go le 12 février 2026, surtout hors sites éducatifs. Merci de vérifier ; rien n'est bloqué.",
        ),
        (
            PossibleSharing,
            Resolve,
            false,
            "Tablette T-0412 : plus de volume inhabituel depuis le 12 février 2026.",
        ),
        (
            RecordConflict,
            Update,
            false,
            "3 enregistrements du flux pgw-1 : même identité, contenu différent ; mis de côté, non comptés.",
        ),
        (
            RecordConflict,
            Resolve,
            false,
            "Flux pgw-1 : les enregistrements mis de côté ont été traités.",
        ),
        (
            GrantExpiring,
            Fire,
            false,
            "don-examens : il reste 4,2 Go sur 5 pour la tablette T-0412, expiration le 20 février 2026.",
        ),
        (
            GrantExpiring,
            Resolve,
            true,
            "don-examens : plus rien à signaler pour la tablette T-0412 avant l'expiration du 20 février 2026.",
        ),
        (
            OrdersHeld,
            Fire,
            true,
            "412 coupures de trafic éducatif retenues dans la cohorte pilote-rural : plus que le disjoncteur ne laisse passer. hissa breaker list",
        ),
        (
            OrdersHeld,
            Resolve,
            false,
            "Cohorte pilote-rural : plus aucune coupure de trafic éducatif n'est retenue.",
        ),
    ];
    for (kind, what, by_row, expected) in table {
        let mut said = change(kind, what);
        said.cause = by_row.then(cause);
        assert_eq!(texts.say(&said, Some("T-0412"), LINK), expected);
    }
}

#[test]
fn texts_know_one_from_many_and_a_tablet_without_a_tag() {
    let texts = Texts::french().unwrap();
    let mut conflict = change(AlertKind::RecordConflict, Change::Fire);
    if let Subject::RecordConflict(conflict) = &mut conflict.subject {
        conflict.records = 1;
    }
    let mut held = change(AlertKind::OrdersHeld, Change::Fire);
    if let Subject::OrdersHeld(orders) = &mut held.subject {
        orders.held = 1;
    }
    let mut ended = change(AlertKind::GrantExpiring, Change::Resolve);
    ended.on = date(2026, 2, 20);
    let moved = change(AlertKind::SimMoved, Change::Fire);
    for (said, expected) in [
        (
            &conflict,
            "1 enregistrement du flux pgw-1 : même identité, contenu différent ; mis de côté, non compté.",
        ),
        (
            &held,
            "1 coupure de trafic éducatif retenue dans la cohorte pilote-rural : plus que le disjoncteur ne laisse passer. hissa breaker list",
        ),
        (
            &ended,
            "don-examens : terminé pour une tablette sans étiquette le 20 février 2026.",
        ),
        (
            &moved,
            "La SIM d'une tablette sans étiquette est dans un autre appareil depuis le 11 février 2026. Réparation ? Confirmez.",
        ),
    ] {
        assert_eq!(texts.say(said, None, LINK), expected);
    }
}

#[test]
fn a_tag_with_braces_is_no_placeholder() {
    let texts = Texts::french().unwrap();
    let said = change(AlertKind::SimExhausted, Change::Resolve);
    let text = texts.say(&said, Some("{link}"), LINK);
    assert!(text.starts_with("Tablette {link} :"), "{text}");
}
