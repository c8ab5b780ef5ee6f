//! The service on a real Kafka: every alert change arrives once by its id, whatever happens to receiver and service.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod scene;

use hissa_core::alert::Change;
use hissa_core::sim::SimId;
use hissa_notify::receiver::{Answer, Tally};
use scene::{Scene, change, conflict};

const SIMS: u8 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn every_change_arrives_once_by_its_id() {
    let scene = Scene::set().await;
    scene.tag(1, "T-0001").await;
    for sim in 0..SIMS {
        scene.enter(&change(sim, Change::Fire, 1)).await;
    }

    // The receiver is ill at first; what it turned away comes when it is well.
    scene.receiver.answer(Answer::TurnAway {
        status: 500,
        retry_after_seconds: None,
    });
    let mut service = scene.start();
    service.brings(|tally| tally.turned_away >= 30).await;
    scene.receiver.answer(Answer::Take);
    let tally = service.brings(|tally| tally.fired == u64::from(SIMS)).await;
    assert_eq!(tally.repeated, 0);
    service.stops().await;

    // A second life: everything that was delivered is known, an owner that was paused repeats itself, and says `fire`
    // behind the `resolve`.
    for sim in 0..SIMS {
        scene.enter(&change(sim, Change::Fire, 1)).await;
        scene.enter(&change(sim, Change::Resolve, 2)).await;
        scene.enter(&change(sim, Change::Fire, 1)).await;
    }
    scene.tag(2, "T-0002").await;
    let mut service = scene.start();
    let tally = service
        .brings(|tally| tally.resolved == u64::from(SIMS))
        .await;
    assert_eq!((tally.fired, tally.repeated), (u64::from(SIMS), 0));
    // A change behind all the others says that they were read.
    scene.enter(&change(SIMS, Change::Fire, 1)).await;
    service
        .brings(|tally| tally.fired == u64::from(SIMS) + 1)
        .await;
    service.counts("outdated", 2 * u64::from(SIMS)).await;
    service.stops().await;
    let tally = scene.receiver.tally();
    assert_eq!(
        (tally.fired, tally.resolved),
        (u64::from(SIMS) + 1, u64::from(SIMS))
    );
    assert_eq!((tally.repeated, tally.invalid), (0, 0));

    // What people read: a tag where one is known, never a pseudonym.
    let messages = scene.receiver.messages(0);
    let texts: Vec<&str> = messages
        .iter()
        .map(|m| m.body.data.text.fr.as_str())
        .collect();
    let starts = |start: &str| texts.iter().filter(|text| text.starts_with(start)).count();
    assert_eq!(
        (starts("Tablette T-0001 : "), starts("Tablette T-0002 : ")),
        (2, 1)
    );
    assert_eq!(starts("Une tablette sans étiquette : "), texts.len() - 3);
    for message in &messages {
        let all = format!("{message:?}");
        let pseudonym = |sim: u8| all.contains(&SimId([sim; 16]).to_string());
        assert!(!(0..=SIMS).any(pseudonym), "{all}");
    }
    // The fire of an alert came before its resolve.
    for (place, message) in messages.iter().enumerate() {
        let data = &message.body.data;
        let earlier = messages[..place].iter().any(|m| {
            m.body.data.alert_id == data.alert_id && m.body.data.revision + 1 == data.revision
        });
        assert!(data.revision == 1 || earlier, "{message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_the_service_died_comes_under_the_same_id() {
    let scene = Scene::set().await;
    for sim in 0..SIMS {
        scene.enter(&change(sim, Change::Fire, 1)).await;
    }
    for _ in 0..3 {
        let mut service = scene.start();
        let before = scene.receiver.tally();
        let came = |tally: &Tally| tally.fired + tally.repeated > before.fired + before.repeated;
        service.brings(came).await;
        // As if killed: nothing is drained, and nothing more is committed.
        service.task.abort();
        let _ = service.task.await;
    }
    let mut service = scene.start();
    let tally = service.brings(|tally| tally.fired == u64::from(SIMS)).await;
    assert_eq!((tally.resolved, tally.invalid), (0, 0));
    service.stops().await;
    assert_eq!(scene.receiver.messages(0).len(), usize::from(SIMS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_is_set_aside_and_the_others_arrive() {
    let scene = Scene::set().await;
    scene.receiver.answer(Answer::TurnAway {
        status: 410,
        retry_after_seconds: None,
    });
    scene.enter(&change(1, Change::Fire, 1)).await;
    let mut service = scene.start();
    service.brings(|tally| tally.turned_away == 1).await;
    service.counts("refused", 1).await;
    scene.receiver.answer(Answer::Take);
    scene.enter(&change(1, Change::Resolve, 2)).await;
    scene.enter(&change(2, Change::Fire, 1)).await;
    let all = |tally: &Tally| tally.fired == 1 && tally.resolved == 1;
    service.brings(all).await;
    service.stops().await;
    assert_eq!(scene.receiver.tally().turned_away, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_delivered_and_one_that_is_outdated_is_not() {
    let scene = Scene::set().await;
    scene.enter(&conflict(Change::Fire, 1)).await;
    scene.enter(&conflict(Change::Update, 2)).await;
    // An owner that was paused repeats itself.
    scene.enter(&conflict(Change::Fire, 1)).await;
    scene.enter(&conflict(Change::Update, 2)).await;
    scene.enter(&conflict(Change::Update, 3)).await;
    let mut service = scene.start();
    let tally = service.brings(|tally| tally.updated == 2).await;
    assert_eq!((tally.fired, tally.resolved, tally.repeated), (1, 0, 0));
    service.stops().await;
    let messages = scene.receiver.messages(0);
    let said: Vec<(u32, &str)> = messages
        .iter()
        .map(|m| (m.body.data.revision, m.body.data.text.fr.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                1,
                "1 enregistrement du flux pgw-1 : même identité, contenu différent ; mis de côté, non compté."
            ),
            (
                2,
                "2 enregistrements du flux pgw-1 : même identité, contenu différent ; mis de côté, non comptés."
            ),
            (
                3,
                "3 enregistrements du flux pgw-1 : même identité, contenu différent ; mis de côté, non comptés."
            ),
        ]
    );
    let id = &messages[0].body.data.alert_id;
    assert!(messages.iter().all(|m| m.body.data.alert_id == *id));
}
