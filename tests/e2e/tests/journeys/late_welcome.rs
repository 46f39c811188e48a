//! A full backend that takes its time to answer the first question.

use std::time::Duration;

use roomlet_e2e::{Backend, PATIENCE, journey};
use roomlet_local::PathFaults;

/// Later than the three seconds after which silence is taken for the basic dialect.
const WELCOME_DELAY: u64 = 5_000;

#[test]
fn what_is_typed_before_a_late_welcome_arrives_once_and_the_history_follows() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let bo = stage.enter(&backend.full().by("Bo")).await;
        bo.say("earlier").await;
        bo.until_sent("earlier").await;
        let trouble = PathFaults { welcome_delay_ms: WELCOME_DELAY, ..PathFaults::default() };
        backend.trouble_full(trouble).await;

        let ann = stage.open(&backend.full().by("Ann")).await;
        ann.until("a composer", |screen| !screen.status.is_empty()).await;
        ann.say("at once").await;

        let patience = PATIENCE + Duration::from_millis(WELCOME_DELAY);
        let is_so = |screen: &roomlet_e2e::Screen| {
            screen.texts() == ["earlier", "at once"] && screen.all_own_sent()
        };
        let seen = ann.until_within(patience, "history, and the own message once", is_so).await;
        assert!(seen.sent_once("at once"), "{seen:#?}");
        assert!(seen.notices.is_empty(), "{seen:#?}");
        bo.until_messages(&["earlier", "at once"]).await;

        // Catch-up runs a second time, which must not bring it again.
        backend.until_received("history", 4).await;
        bo.say("seen").await;
        ann.until_messages(&["earlier", "at once", "seen"]).await;
        bo.until_messages(&["earlier", "at once", "seen"]).await;
    });
}
