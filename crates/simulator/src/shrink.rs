//! Makes a plan that fails as small as it can be while it still fails for the same reason.
//!
//! Everything is tried in a fixed order and a fixed number of times, so that the same failure shrinks to the same plan.

use crate::faults;
use crate::plan::{Incident, Plan, Strike, What};
use crate::{Failure, run};

/// So many runs at most.
const MAX_RUNS: usize = 1_500;
/// What network and backend do is drawn anew for a smaller plan, so that a rare moment is met again: so often it is
/// tried.
const DRAWS: u64 = 3;

/// A plan that fails as the given one does, and how often something was run to find it.
pub fn shrink(failure: &Failure) -> (Failure, usize) {
    let kind = failure.kind();
    let mut search = Search { kind, best: failure.clone(), runs: 0 };
    loop {
        let before = search.size();
        search.fewer_tabs();
        search.fewer_people();
        search.fewer_incidents();
        search.fewer_faults();
        search.shorter_storm();
        if search.size() == before || search.runs >= MAX_RUNS {
            return (search.best, search.runs);
        }
    }
}

struct Search {
    kind: String,
    best: Failure,
    runs: usize,
}

impl Search {
    fn size(&self) -> (usize, usize, usize, u64, String) {
        let head = &self.best.plan.head;
        let faults = format!("{:?}", head.faults);
        (head.people, head.tabs, self.best.plan.incidents.len(), head.storm, faults)
    }

    /// Takes a plan over if it fails in the same way; says whether it does.
    fn try_plan(&mut self, plan: Plan) -> bool {
        let first = plan.head.chance;
        for draw in 0..DRAWS {
            if self.runs >= MAX_RUNS {
                return false;
            }
            self.runs += 1;
            let mut plan = plan.clone();
            plan.head.chance = first.wrapping_add(draw);
            if let Err(failure) = run(&plan, 0)
                && failure.kind() == self.kind
            {
                self.best = failure;
                return true;
            }
        }
        false
    }

    fn fewer_people(&mut self) {
        while self.best.plan.head.people > 1 {
            let mut plan = Plan::clone(&self.best.plan);
            plan.head.people -= 1;
            let people = plan.head.people;
            let devices = people + plan.head.tabs;
            plan.incidents.retain(|one| device_of(one).is_none_or(|device| device < devices));
            if !self.try_plan(plan) {
                return;
            }
        }
    }

    fn fewer_tabs(&mut self) {
        while self.best.plan.head.tabs > 0 {
            let mut plan = Plan::clone(&self.best.plan);
            plan.head.tabs -= 1;
            let devices = plan.head.people + plan.head.tabs;
            plan.incidents.retain(|one| device_of(one).is_none_or(|device| device < devices));
            if !self.try_plan(plan) {
                return;
            }
        }
    }

    /// Halves first, then ever smaller pieces.
    fn fewer_incidents(&mut self) {
        let mut piece = self.best.plan.incidents.len().div_ceil(2);
        while piece > 0 {
            let mut start = 0;
            while start < self.best.plan.incidents.len() {
                let mut plan = Plan::clone(&self.best.plan);
                let end = (start + piece).min(plan.incidents.len());
                plan.incidents.drain(start..end);
                if !self.try_plan(plan) {
                    start += piece;
                }
                if self.runs >= MAX_RUNS {
                    return;
                }
            }
            piece /= 2;
        }
    }

    fn fewer_faults(&mut self) {
        let mut kept = 0;
        while let Some(faults) = faults::without(&self.best.plan.head.faults, kept) {
            let mut plan = Plan::clone(&self.best.plan);
            plan.head.faults = faults;
            if !self.try_plan(plan) {
                kept += 1;
            }
        }
    }

    fn shorter_storm(&mut self) {
        let last = self.best.plan.incidents.last().map_or(0, |one| one.at) + 1;
        let storm = self.best.plan.head.storm;
        for shorter in [last, storm / 2] {
            let mut plan = Plan::clone(&self.best.plan);
            plan.head.storm = shorter;
            if shorter >= last && shorter < storm && self.try_plan(plan) {
                return;
            }
        }
    }
}

/// The device without which an incident means nothing.
fn device_of(incident: &Incident) -> Option<usize> {
    match &incident.what {
        What::Acts { device, .. }
        | What::Strikes(Strike::Sleep { device, .. } | Strike::CutOf { device }) => Some(*device),
        What::StrangerWrites { .. } | What::Notice { .. } | What::Strikes(_) => None,
    }
}
