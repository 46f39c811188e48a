//! What has failed once.

use roomlet_simulator::{Dialect, Plan, kept, run};

/// (seed, dialect): what failed before plans were kept. What is drawn from these seeds has changed since.
const SEEDS: [(u64, Dialect); 16] = [
    // Two people said "hi" at once, and the client took its own connection for somebody else's from then on.
    (1, Dialect::BasicWithSilentDefault),
    (5, Dialect::BasicWithAnsweringDefault),
    // The gateway's error frame for a send was taken for the answer to hello.
    (16, Dialect::BasicWithSilentDefault),
    // A send from before a late welcome stayed in flight when history brought it first.
    (592, Dialect::Full),
    // Catch-up after a long absence left a gap in the list.
    (710, Dialect::Full),
    // Queued messages kept a dead connection from being found out.
    (346, Dialect::Basic),
    (982, Dialect::Basic),
    // Hello was said into dead connections, and was never said again.
    (846, Dialect::Full),
    (1_097, Dialect::Full),
    // Message after message was sent into a dead connection of a backend that has no pong.
    (1_269, Dialect::BasicWithAnsweringDefault),
    // What was on its way by a subscription that had just been renewed was dropped.
    (14, Dialect::EventsStamped),
    (14, Dialect::GraphqlBasic),
    // What has no id came by both subscriptions while one took the place of the other, and was shown twice.
    (27, Dialect::EventsRaw),
    // What a backend had said to be missing was never fetched, for live messages had gone on meanwhile.
    (72, Dialect::Graphql),
    // A row from before the first page of history stood right above the page, whatever lay between.
    (190, Dialect::Graphql),
    // Requests of sends that their echoes had settled were kept, and more and more of them were on their way.
    (352, Dialect::Graphql),
];

#[test]
fn seeds_that_failed_once_hold() {
    for (seed, dialect) in SEEDS {
        if let Err(failure) = run(&Plan::draw(seed, dialect, 2), 40) {
            panic!("{failure}");
        }
    }
}

#[test]
fn plans_that_failed_once_hold() {
    for (name, plan) in kept::all().expect("the folder of this repository") {
        if let Err(failure) = run(&plan, 40) {
            panic!("{name}: {failure}");
        }
    }
}
