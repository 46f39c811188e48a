//! A thousand seeds, two hundred for each dialect. Dialects run in parallel.

use roomlet_simulator::{Dialect, Scenario, Statistics, run};

const SEEDS: u64 = 200;

fn hold(dialect: Dialect) {
    let mut all = Statistics::default();
    for seed in 0..SEEDS {
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
fn one_seed_is_one_run() {
    for dialect in Dialect::ALL {
        let once = run(7, Scenario::two_people(dialect)).map_err(|failure| failure.to_string());
        let again = run(7, Scenario::two_people(dialect)).map_err(|failure| failure.to_string());
        assert_eq!(once, again);
    }
}

#[test]
fn three_people_get_on_as_well() {
    for seed in 0..20 {
        if let Err(failure) =
            run(seed, Scenario { people: 3, ..Scenario::two_people(Dialect::Full) })
        {
            panic!("{failure}");
        }
    }
}
