//! What happened in the runs, so that the simulator cannot become harmless in silence.

use std::collections::BTreeMap;
use std::fmt;

use crate::Dialect;

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the labels say what each is")]
pub enum Counted {
    Drops,
    SilentDeaths,
    Refusals,
    Restarts,
    Reconnects,
    Rotations,
    RotationsUnderLoad,
    Sleeps,
    Retries,
    Discards,
    RefusedTexts,
    AmbiguousSends,
    GatewayErrors,
    LateReports,
    Resends,
    LostAcks,
    DuplicatesAbsorbed,
    RateLimits,
    LateWelcomes,
    BrokenWelcomes,
    ProvisionalSends,
    HistoryPages,
    OlderPages,
    MissedBroadcasts,
    StaleStops,
    Interruptions,
    Notices,
    Answers,
    EqualTexts,
    LostRequests,
    LostAnswers,
    EchoesFirst,
    AnswersFirst,
    Failures,
    Throttled,
    RefusedTokens,
    RenewedCredentials,
    SignIns,
    RoomsRefused,
    Renewals,
    HttpPublishes,
    Missed,
    SubscriptionsEnded,
    ConnectionErrors,
    HolesOpened,
    HolesFilled,
    ExpiredTokens,
    RefusedForGood,
    CopiedIds,
    ForgetfulHandlers,
    Reloads,
    CrashesWithUnsent,
    StorageFailures,
    AdoptedRows,
    TabNews,
    LostStorages,
    LongAbsences,
    Suspensions,
    ClocksSet,
    FullDisks,
    SilentPages,
    TakenFromTheLiving,
    OtherPeople,
    OtherPeopleWithUnsent,
}

impl Counted {
    /// All of them.
    pub const ALL: [Self; 64] = [
        Self::Drops,
        Self::SilentDeaths,
        Self::Refusals,
        Self::Restarts,
        Self::Reconnects,
        Self::Rotations,
        Self::RotationsUnderLoad,
        Self::Sleeps,
        Self::Retries,
        Self::Discards,
        Self::RefusedTexts,
        Self::AmbiguousSends,
        Self::GatewayErrors,
        Self::LateReports,
        Self::EqualTexts,
        Self::Resends,
        Self::LostAcks,
        Self::DuplicatesAbsorbed,
        Self::RateLimits,
        Self::LateWelcomes,
        Self::BrokenWelcomes,
        Self::ProvisionalSends,
        Self::HistoryPages,
        Self::OlderPages,
        Self::MissedBroadcasts,
        Self::StaleStops,
        Self::Interruptions,
        Self::Notices,
        Self::Answers,
        Self::LostRequests,
        Self::LostAnswers,
        Self::EchoesFirst,
        Self::AnswersFirst,
        Self::Failures,
        Self::Throttled,
        Self::RefusedTokens,
        Self::RenewedCredentials,
        Self::SignIns,
        Self::RoomsRefused,
        Self::Renewals,
        Self::HttpPublishes,
        Self::Missed,
        Self::SubscriptionsEnded,
        Self::ConnectionErrors,
        Self::HolesOpened,
        Self::HolesFilled,
        Self::ExpiredTokens,
        Self::RefusedForGood,
        Self::CopiedIds,
        Self::ForgetfulHandlers,
        Self::Reloads,
        Self::CrashesWithUnsent,
        Self::StorageFailures,
        Self::AdoptedRows,
        Self::TabNews,
        Self::LostStorages,
        Self::LongAbsences,
        Self::Suspensions,
        Self::ClocksSet,
        Self::FullDisks,
        Self::SilentPages,
        Self::TakenFromTheLiving,
        Self::OtherPeople,
        Self::OtherPeopleWithUnsent,
    ];

    /// What it counts, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Drops => "connections dropped",
            Self::SilentDeaths => "connections dead in silence",
            Self::Refusals => "attempts refused or hanging",
            Self::Restarts => "server restarts",
            Self::Reconnects => "reconnects",
            Self::Rotations => "connections replaced before their time",
            Self::RotationsUnderLoad => "the same while messages came or went",
            Self::Sleeps => "devices asleep",
            Self::Retries => "messages tried again by the person",
            Self::Discards => "messages discarded",
            Self::RefusedTexts => "texts refused by the client",
            Self::AmbiguousSends => "sends whose fate was lost with the answer",
            Self::GatewayErrors => "gateway error frames to sends",
            Self::LateReports => "reports of abandoned sockets",
            Self::EqualTexts => "equal texts at one time",
            Self::Resends => "sends repeated by the client",
            Self::LostAcks => "acknowledgements lost",
            Self::DuplicatesAbsorbed => "broadcasts delivered twice",
            Self::RateLimits => "requests refused for now",
            Self::LateWelcomes => "welcomes later than three seconds",
            Self::BrokenWelcomes => "welcomes that came to harm",
            Self::ProvisionalSends => "sends in the basic dialect to a full backend",
            Self::HistoryPages => "pages of history",
            Self::OlderPages => "older pages read by the person",
            Self::MissedBroadcasts => "broadcasts before a join took effect",
            Self::StaleStops => "post loops stopped at a stale row",
            Self::Interruptions => "interruptions noted",
            Self::Notices => "frames that are no message",
            Self::Answers => "answers to hello",
            Self::LostRequests => "requests lost",
            Self::LostAnswers => "answers lost",
            Self::EchoesFirst => "echoes before answers",
            Self::AnswersFirst => "answers before echoes",
            Self::Failures => "sends that failed, done or not",
            Self::Throttled => "requests throttled",
            Self::RefusedTokens => "tokens refused",
            Self::RenewedCredentials => "credentials renewed",
            Self::SignIns => "people who signed in again",
            Self::RoomsRefused => "rooms refused",
            Self::Renewals => "connections asked whether they live",
            Self::HttpPublishes => "publishes by HTTP",
            Self::Missed => "messages that were said to be missed",
            Self::SubscriptionsEnded => "subscriptions ended by the service",
            Self::ConnectionErrors => "connections turned away, or never ready",
            Self::HolesOpened => "holes opened",
            Self::HolesFilled => "holes filled",
            Self::ExpiredTokens => "expired tokens",
            Self::RefusedForGood => "messages that the backend will never take",
            Self::CopiedIds => "ids of sends copied by strangers",
            Self::Reloads => "pages that were loaded again, or crashed",
            Self::CrashesWithUnsent => "the same with something unsent",
            Self::StorageFailures => "failures of the disk",
            Self::AdoptedRows => "unsent messages taken over from a page that was gone",
            Self::TabNews => "what one page told another",
            Self::LostStorages => "storages that the browser has taken away",
            Self::LongAbsences => "pages that were closed for days",
            Self::Suspensions => "devices whose clocks stood still",
            Self::ClocksSet => "clocks that were set",
            Self::FullDisks => "changes that a full disk refused",
            Self::SilentPages => "pages that were taken for gone by their silence",
            Self::TakenFromTheLiving => "unsent messages taken over from a page that lived",
            Self::OtherPeople => "pages at which somebody else was signed in then",
            Self::OtherPeopleWithUnsent => {
                "the same while something unsent was kept for the one before"
            }
            Self::ForgetfulHandlers => "handlers that take the same message twice",
        }
    }

    /// Whether it can happen with a backend of this dialect.
    pub fn applies_to(self, dialect: Dialect) -> bool {
        let is_appsync = dialect.is_appsync();
        match self {
            Self::HistoryPages | Self::OlderPages => dialect.has_history(),
            Self::Resends => dialect.is_idempotent(),
            Self::LateReports
            | Self::LostAcks
            | Self::DuplicatesAbsorbed
            | Self::MissedBroadcasts => is_appsync || dialect == Dialect::Full,
            Self::RateLimits
            | Self::LateWelcomes
            | Self::BrokenWelcomes
            | Self::ProvisionalSends => dialect == Dialect::Full,
            Self::StaleStops => {
                !is_appsync && !matches!(dialect, Dialect::Full | Dialect::BasicWithDisconnect)
            }
            Self::Notices => dialect.is_events() || (!is_appsync && dialect != Dialect::Full),
            Self::Interruptions => !dialect.has_history() || is_appsync,
            // What a full backend refuses for good is too rare for a person to try it again.
            Self::Retries => !dialect.has_history(),
            Self::GatewayErrors => !is_appsync,
            Self::Answers => !is_appsync && dialect != Dialect::BasicWithSilentDefault,
            Self::LostRequests
            | Self::LostAnswers
            | Self::EchoesFirst
            | Self::AnswersFirst
            | Self::Failures
            | Self::Throttled
            | Self::RefusedTokens
            | Self::RenewedCredentials
            | Self::SignIns
            | Self::RoomsRefused
            | Self::Renewals
            | Self::Missed
            | Self::SubscriptionsEnded
            | Self::ConnectionErrors => is_appsync,
            Self::HttpPublishes => dialect.is_events(),
            Self::HolesOpened | Self::HolesFilled => dialect.has_history(),
            Self::ExpiredTokens => is_appsync,
            Self::FullDisks | Self::SilentPages | Self::TakenFromTheLiving => dialect.has_history(),
            Self::OtherPeople | Self::OtherPeopleWithUnsent => dialect == Dialect::Graphql,
            Self::RefusedForGood => is_appsync || dialect == Dialect::Full,
            Self::CopiedIds => dialect == Dialect::EventsRaw,
            Self::ForgetfulHandlers => dialect == Dialect::EventsStamped,
            _ => true,
        }
    }
}

/// How often each thing happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics(BTreeMap<Counted, u64>);

impl Statistics {
    /// How often it happened.
    pub fn of(&self, counted: Counted) -> u64 {
        self.0.get(&counted).copied().unwrap_or(0)
    }

    /// Takes in the counts of another run.
    pub fn add(&mut self, other: &Self) {
        for (counted, count) in &other.0 {
            *self.0.entry(*counted).or_default() += count;
        }
    }

    /// What never happened although it could have.
    pub fn missing(&self, dialect: Dialect) -> Vec<&'static str> {
        let possible = Counted::ALL.into_iter().filter(|counted| counted.applies_to(dialect));
        possible.filter(|counted| self.of(*counted) == 0).map(Counted::label).collect()
    }

    pub(crate) fn count(&mut self, counted: Counted) {
        *self.0.entry(counted).or_default() += 1;
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for counted in Counted::ALL {
            writeln!(f, "{:>9}  {}", self.of(counted), counted.label())?;
        }
        Ok(())
    }
}
