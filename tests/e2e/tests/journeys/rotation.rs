//! Connections that are replaced all the time, while people write.

use std::time::Duration;

use roomlet_e2e::{Backend, Screen, journey, until_within};

/// So short that a connection is replaced every few seconds.
const LIFE: Duration = Duration::from_secs(9);
/// Each person has had so many connections over when it ends.
const REPLACED: usize = 3;
/// That takes about five seconds each.
const LONG_ENOUGH: Duration = Duration::from_secs(180);

#[test]
fn connections_replaced_every_few_seconds_lose_nothing_and_nobody_notices() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let witness = stage.enter(&backend.full().by("Witness")).await;
        stage.site.sign_in().answer_with_short_tokens_of("Ann", LIFE);
        let mut people = Vec::new();
        for (visit, mode) in [
            (backend.full(), "token"),
            (backend.graphql(), "cognito"),
            (backend.stamped(), "cognito"),
        ] {
            people.push(stage.enter_watched(&visit.signed_in(mode)).await);
        }
        let writers = [backend.writer("Dora"), backend.writer("Emil")];
        let mut said = 0;
        let load = async || {
            said += 1;
            for (index, person) in people.iter().enumerate() {
                person.say_all(&[&format!("tab {index} says {said}")]).await;
            }
            for (index, writer) in writers.iter().enumerate() {
                writer.say(&format!("writer {index} says {said}")).await;
            }
            let mut overlaps = Vec::new();
            for person in &people {
                let seen = person.look().await;
                let doubtful = |delivery: &str| ["not-confirmed", "failed"].contains(&delivery);
                assert!(!seen.messages.iter().any(|one| doubtful(&one.delivery)), "{seen:#?}");
                overlaps.push(person.watched().await.overlaps());
            }
            overlaps
        };
        let is_enough = |overlaps: &Vec<usize>| overlaps.iter().all(|count| *count >= REPLACED);
        until_within(LONG_ENOUGH, "connections that overlap", load, is_enough).await;

        let count = said * (people.len() + writers.len());
        let all = witness.until("everything", |screen| screen.messages.len() >= count).await;
        assert_eq!(all.messages.len(), count, "nothing twice");
        for person in &people {
            let is_so = |screen: &Screen| screen.texts() == all.texts() && screen.all_own_sent();
            let seen = person.until("the same list", is_so).await;
            assert_eq!((seen.interruptions, seen.status.as_str()), (0, "online"), "{seen:#?}");
            let watched = person.watched().await;
            let after_joining = watched.told().into_iter().skip_while(|status| *status != "online");
            assert_eq!(
                after_joining.collect::<Vec<_>>(),
                ["online"],
                "nobody notices: {watched:#?}"
            );
        }
    });
}
