//! More than a thousand seeds, two hundred for each dialect of API Gateway. Dialects run in parallel.

use roomlet_simulator::{Dialect, Scenario, Statistics, run};

const SEEDS: u64 = 200;
/// On AppSync more happens in a run.
const SEEDS_OF_APPSYNC: u64 = 120;

fn hold(dialect: Dialect) {
    let mut all = Statistics::default();
    let seeds = if dialect.is_appsync() { SEEDS_OF_APPSYNC } else { SEEDS };
    for seed in 0..seeds {
        match run(seed, Scenario::two_people(dialect)) {
            Ok(statistics) => all.add(&statistics),
            Err(failure) => panic!("{failure}"),
        }
    }
    let missing = all.missing(dialect);
    assert!(missing.is_empty(), "the simulator is harmless: never {}", missing.join(", never "));
}

#[test]
fn full() {
    hold(Dialect::Full);
}

#[test]
fn basic() {
    hold(Dialect::Basic);
}

#[test]
fn basic_with_silent_default() {
    hold(Dialect::BasicWithSilentDefault);
}

#[test]
fn basic_with_answering_default() {
    hold(Dialect::BasicWithAnsweringDefault);
}

#[test]
fn basic_with_disconnect() {
    hold(Dialect::BasicWithDisconnect);
}

#[test]
fn graphql() {
    hold(Dialect::Graphql);
}

#[test]
fn graphql_basic() {
    hold(Dialect::GraphqlBasic);
}

#[test]
fn events_stamped() {
    hold(Dialect::EventsStamped);
}

#[test]
fn events_raw() {
    hold(Dialect::EventsRaw);
}

#[test]
fn one_seed_is_one_run() {
    for dialect in Dialect::ALL {
        let once = run(7, Scenario::two_people(dialect)).map_err(|failure| failure.to_string());
        let again = run(7, Scenario::two_people(dialect)).map_err(|failure| failure.to_string());
        assert_eq!(once, again);
    }
}

#[test]
fn three_people_get_on_as_well() {
    for dialect in [Dialect::Full, Dialect::Graphql, Dialect::EventsStamped] {
        for seed in 0..20 {
            if let Err(failure) = run(seed, Scenario { people: 3, ..Scenario::two_people(dialect) })
            {
                panic!("{failure}");
            }
        }
    }
}
