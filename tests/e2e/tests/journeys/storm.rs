//! A network that cuts, delays and garbles: when it is over, everybody has the same list.

use std::time::Duration;

use roomlet_e2e::{Backend, Damage, Proxy, Screen, Stage, Visit, journey, until_within};

/// How many messages each writes in the storm, or more.
const AT_LEAST: usize = 12;
/// Pauses between attempts have grown when it is over.
const COMES_BACK: Duration = Duration::from_secs(90);

#[test]
fn after_a_storm_on_api_gateway_all_is_there_once_in_one_order() {
    journey(async |stage| {
        for seed in seeds() {
            let backend = Backend::start().await;
            let proxy = Proxy::start(&backend.authority(), seed).await;
            let visit = Visit::to(&format!("ws://{}/prod", proxy.authority()));
            weather(stage, &backend, &proxy, &visit, seed).await;
        }
    });
}

#[test]
fn after_a_storm_on_graphql_all_is_there_once_in_one_order() {
    journey(async |stage| {
        for seed in seeds() {
            let backend = Backend::start().await;
            let proxy = Proxy::start(&backend.authority(), seed).await;
            let visit = Visit::to_graphql(&proxy.authority(), "/graphql").by_api_key("da2-local");
            weather(stage, &backend, &proxy, &visit, seed).await;
        }
    });
}

/// The seed that is always tried, or those that `E2E_STORMS` names, with spaces between them.
fn seeds() -> Vec<u64> {
    let named = std::env::var("E2E_STORMS").unwrap_or_else(|_| "1".to_owned());
    named.split_whitespace().map(|seed| seed.parse().expect("seeds are numbers")).collect()
}

async fn weather(stage: &Stage, backend: &Backend, proxy: &Proxy, visit: &Visit, seed: u64) {
    let ann = stage.open(&visit.clone().by("Ann")).await;
    let bo = stage.open(&visit.clone().by("Bo")).await;
    let witness = stage.enter(&backend.full().by("Witness")).await;
    let writer = backend.writer("Dora");
    let mut rounds = 0;
    let storm = async || {
        rounds += 1;
        ann.say_all(&[&format!("Ann {rounds}")]).await;
        writer.say(&format!("Dora {rounds}")).await;
        bo.say_all(&[&format!("Bo {rounds}")]).await;
        (rounds, proxy.damage())
    };
    // Whoever has no connection just now hears nothing of it: it takes as long as it takes.
    let is_bad = |(rounds, damage): &(usize, Damage)| {
        *rounds >= AT_LEAST && damage.cuts >= 4 && damage.garbled >= 2
    };
    until_within(COMES_BACK, "a storm worth its name", storm, is_bad).await;
    proxy.calm();
    eprintln!("garbled in storm {seed}: {:#?}", proxy.garbled());

    let all = |screen: &Screen| screen.messages.len() == 3 * rounds;
    let expected = witness.until_within(COMES_BACK, &format!("all, after storm {seed}"), all).await;
    for person in [&ann, &bo] {
        let is_so = |screen: &Screen| {
            screen.texts() == expected.texts()
                && screen.all_own_sent()
                && screen.status == "online"
                // Where there is history, nothing that it has filled is said to be missing.
                && (screen.interruptions, screen.holes) == (0, 0)
        };
        let what = format!("the same list and no gap in it, after storm {seed}");
        person.until_within(COMES_BACK, &what, is_so).await;
    }
    for name in ["Ann", "Bo", "Dora"] {
        let texts = expected.texts();
        let of_one = texts.into_iter().filter(|text| text.starts_with(name)).collect::<Vec<_>>();
        let in_order = (1..=rounds).map(|number| format!("{name} {number}")).collect::<Vec<_>>();
        assert_eq!(of_one, in_order, "storm {seed}: nothing twice, in the order of writing");
    }
    for person in [ann, bo, witness] {
        person.window.close().await;
    }
}
