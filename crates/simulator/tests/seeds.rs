//! Thousands of seeds over all dialects, on all cores.

use roomlet_simulator::{Dialect, Plan, Search, Statistics, run};

const SEEDS: u64 = 300;
/// With three people.
const SEEDS_OF_THREE: u64 = 20;

fn hold(search: &Search) -> Vec<(Dialect, Statistics)> {
    let found = search.go(|_| {});
    if let Some(failure) = found.failure {
        let seed = failure.plan.seed();
        let again = run(&failure.plan, 40).expect_err("the same plan gives the same run");
        panic!(
            "{again}\nto minimise it: cargo xtask simulate --dialect {} --first-seed {seed} --seeds 1",
            failure.plan.dialect().name()
        );
    }
    found.statistics
}

#[test]
fn seeds_hold_and_nothing_that_is_counted_is_missing() {
    for (dialect, counted) in hold(&Search::of(SEEDS)) {
        let missing = counted.missing(dialect);
        let name = dialect.name();
        assert!(missing.is_empty(), "{name} is harmless: never {}", missing.join(", never "));
    }
}

#[test]
fn three_people_get_on_as_well() {
    hold(&Search { people: 3, ..Search::of(SEEDS_OF_THREE) });
}

#[test]
fn one_seed_is_one_run() {
    for dialect in Dialect::ALL {
        let plan = Plan::draw(7, dialect, 2);
        let once = run(&plan, 0).map_err(|failure| failure.to_string());
        let again = run(&plan, 40).map_err(|failure| failure.to_string());
        assert_eq!(once, again);
    }
}
