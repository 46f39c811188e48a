//! A network that cuts, delays and garbles: when it is over, everybody has the same list.

use std::time::Duration;

use roomlet_e2e::{
    Backend, Chat, Damage, Proxy, Screen, Stage, Visit, Writer, journey, until_within,
};

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

#[test]
fn after_a_storm_on_a_stamped_namespace_all_has_gone_out_once_and_what_was_missed_is_said() {
    journey(async |stage| {
        for seed in seeds() {
            let backend = Backend::start().await;
            let proxy = Proxy::start(&backend.authority(), seed).await;
            let visit = Visit::to_events(&proxy.authority(), "chat", "stamped");
            let people = People::enter(stage, &visit.by_api_key("da2-local")).await;
            let witness = stage.enter(&backend.full().by("Witness")).await;
            let writer = backend.writer("Dora");
            let rounds = people.write_in(&proxy, seed, Some(&writer)).await;

            let expected = all_in_order(&witness, seed, rounds, &["Ann", "Bo", "Dora"]).await;
            people.look_around(&proxy, seed, &expected).await;
            people.are_heard_again(&witness, seed).await;
            people.leave().await;
            witness.window.close().await;
        }
    });
}

#[test]
fn after_a_storm_on_a_raw_namespace_nothing_has_gone_out_twice() {
    journey(async |stage| {
        for seed in seeds() {
            let backend = Backend::start().await;
            let proxy = Proxy::start(&backend.authority(), seed).await;
            let visit = Visit::to_events(&proxy.authority(), "default", "raw");
            let people = People::enter(stage, &visit.by_api_key("da2-local")).await;
            let witness = stage.enter(&backend.raw().by("Witness")).await;
            let rounds = people.write_in(&proxy, seed, None).await;

            for (person, name) in people.both() {
                let what = format!("nothing on its way any more, after storm {seed}");
                let is_so = |screen: &Screen| {
                    let own = screen.messages.iter().filter(|message| message.own);
                    let own = own.map(|message| (message.text.as_str(), message.delivery.as_str()));
                    let (texts, deliveries): (Vec<_>, Vec<_>) = own.unzip();
                    let mut sorted = texts.clone();
                    sorted.sort_by_key(|text| number_of(text));
                    sorted == in_order(name, rounds)
                        && deliveries.iter().all(|one| ["sent", "not-confirmed"].contains(one))
                        && screen.status == "online"
                };
                let seen = person.until_within(COMES_BACK, &what, is_so).await;
                let sent = seen.messages.iter().filter(|one| one.own && one.delivery == "sent");
                let heard = witness.look().await;
                let heard = heard.texts().into_iter().filter(|text| text.starts_with(name));
                let heard = heard.collect::<Vec<_>>();
                let mut once = heard.clone();
                once.dedup();
                assert_eq!(heard, once, "storm {seed}: nothing twice");
                for message in sent {
                    let text = message.text.as_str();
                    assert!(heard.contains(&text), "storm {seed}: {text} is not among {heard:?}");
                }
            }
            people.are_heard_again(&witness, seed).await;
            people.leave().await;
            witness.window.close().await;
        }
    });
}

/// The seed that is always tried, or those that `E2E_STORMS` names, with spaces between them.
fn seeds() -> Vec<u64> {
    let named = std::env::var("E2E_STORMS").unwrap_or_else(|_| "1".to_owned());
    named.split_whitespace().map(|seed| seed.parse().expect("seeds are numbers")).collect()
}

/// The storm where there is a history.
async fn weather(stage: &Stage, backend: &Backend, proxy: &Proxy, visit: &Visit, seed: u64) {
    let people = People::enter(stage, visit).await;
    let witness = stage.enter(&backend.full().by("Witness")).await;
    let writer = backend.writer("Dora");
    let rounds = people.write_in(proxy, seed, Some(&writer)).await;

    let expected = all_in_order(&witness, seed, rounds, &["Ann", "Bo", "Dora"]).await;
    for (person, _) in people.both() {
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
    people.leave().await;
    witness.window.close().await;
}

/// Two people behind the proxy.
struct People {
    ann: Chat,
    bo: Chat,
}

impl People {
    async fn enter(stage: &Stage, visit: &Visit) -> Self {
        let ann = stage.open(&visit.clone().by("Ann")).await;
        let bo = stage.open(&visit.clone().by("Bo")).await;
        Self { ann, bo }
    }

    fn both(&self) -> [(&Chat, &'static str); 2] {
        [(&self.ann, "Ann"), (&self.bo, "Bo")]
    }

    /// Writes until the storm has done enough; returns how many messages each has written.
    async fn write_in(&self, proxy: &Proxy, seed: u64, writer: Option<&Writer>) -> usize {
        let mut rounds = 0;
        let storm = async || {
            rounds += 1;
            self.ann.say_all(&[&format!("Ann {rounds}")]).await;
            if let Some(writer) = writer {
                writer.say(&format!("Dora {rounds}")).await;
            }
            self.bo.say_all(&[&format!("Bo {rounds}")]).await;
            (rounds, proxy.damage())
        };
        // Whoever has no connection just now hears nothing of it: it takes as long as it takes.
        let is_bad = |(rounds, damage): &(usize, Damage)| {
            *rounds >= AT_LEAST && damage.cuts >= 4 && damage.garbled >= 2
        };
        until_within(COMES_BACK, "a storm worth its name", storm, is_bad).await;
        proxy.calm();
        eprintln!("garbled in storm {seed}: {:#?}", proxy.garbled());
        rounds
    }

    /// Where there is no history: the own messages in order and others, each once, and a row where some are missing.
    async fn look_around(&self, proxy: &Proxy, seed: u64, expected: &Screen) {
        let garbled = proxy.garbled();
        // Nobody can put right what was garbled into something legible, like an id into another one.
        let was_garbled = |text: &str| garbled.iter().any(|one| one.contains(&format!("{text}\\")));
        for (person, name) in self.both() {
            let what = format!("each message once, and what is missing said, after storm {seed}");
            let is_so = |screen: &Screen| {
                let texts = screen.texts();
                let wrong = texts.iter().filter(|text| !expected.texts().contains(text)).count();
                let is_once = |text: &&str| screen.with_text(text).len() == 1 || was_garbled(text);
                let own = screen.messages.iter().filter(|message| message.own);
                let own = own.map(|message| message.text.as_str());
                let mut own =
                    own.filter(|text| expected.texts().contains(text)).collect::<Vec<_>>();
                own.dedup();
                let expected_own = expected.texts().into_iter();
                let expected_own = expected_own.filter(|text| text.starts_with(name));
                // Nothing is promised of what was said before one came.
                let others = expected.texts().into_iter().filter(|text| !text.starts_with(name));
                let since = others.skip_while(|text| !texts.contains(text));
                let missing = since.filter(|text| !texts.contains(text)).count();
                own.into_iter().eq(expected_own)
                    && texts.iter().all(is_once)
                    && wrong <= garbled.len()
                    && (missing <= wrong || screen.interruptions > 0)
                    && screen.all_own_sent()
                    && screen.status == "online"
            };
            person.until_within(COMES_BACK, &what, is_so).await;
        }
    }

    /// Whoever writes after the storm is heard by everybody.
    async fn are_heard_again(&self, witness: &Chat, seed: u64) {
        for (person, name) in self.both() {
            let text = format!("{name} is back");
            person.say(&text).await;
            let what = format!("{text}, after storm {seed}");
            let is_heard = |screen: &Screen| screen.with_text(&text).len() == 1;
            for other in [&self.ann, &self.bo, witness] {
                other.until_within(COMES_BACK, &what, is_heard).await;
            }
            person.until_sent(&text).await;
        }
    }

    async fn leave(self) {
        self.ann.window.close().await;
        self.bo.window.close().await;
    }
}

/// Waits until the witness, whom no storm reaches, has seen all, and looks whether it is there once and in order.
async fn all_in_order(witness: &Chat, seed: u64, rounds: usize, names: &[&str]) -> Screen {
    let all = |screen: &Screen| screen.messages.len() == names.len() * rounds;
    let seen = witness.until_within(COMES_BACK, &format!("all, after storm {seed}"), all).await;
    for name in names {
        let texts = seen.texts().into_iter();
        let of_one = texts.filter(|text| text.starts_with(name)).collect::<Vec<_>>();
        assert_eq!(
            of_one,
            in_order(name, rounds),
            "storm {seed}: nothing twice, in the order of writing"
        );
    }
    seen
}

/// What somebody has written, in the order of writing.
fn in_order(name: &str, rounds: usize) -> Vec<String> {
    (1..=rounds).map(|number| format!("{name} {number}")).collect()
}

fn number_of(text: &str) -> Option<usize> {
    text.rsplit(' ').next()?.parse().ok()
}
