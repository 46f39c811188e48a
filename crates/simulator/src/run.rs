//! One run: the storm, the calm, and the comparison at rest.

use std::collections::VecDeque;
use std::time::Duration;

use roomlet_client::{
    Close, Command, Delivery, History, Input, Network as Hint, Output, RoomId, SendRefusal,
    Visibility,
};
use serde_json::Value;

use crate::backend::{Backend, header_of, room_of_url};
use crate::browser::Browser;
use crate::chance::{Chance, Stream};
use crate::device::{Device, tally_of};
use crate::faults::Faults;
use crate::invariants::{self, Sending};
use crate::ledger::Arrival;
use crate::network::{End, Frame, Ground, Meaning, Network, Origin, Socket, SocketId};
use crate::people::Act;
use crate::plan::{Incident, Plan, What};
use crate::schedule::{Happening, Schedule};
use crate::statistics::{Counted, Statistics};
use crate::{Dialect, Failure, rest};

/// From the end of the storm to the last messages: longer than a hidden page takes to find out that its
/// connection is dead, and to come back.
const CALM: u64 = 400_000;
const REST: u64 = 60_000;
/// How long everybody's last words may be on their way, before what all have is compared.
const LAST_WORDS: u64 = 10_000;
/// How long a send may take that nobody answers: its deadline, and a new connection.
const SEND_TAKES: u64 = 20_000;
/// How many of them may wait in a room.
const MAX_SENDS_BEHIND: u32 = 60;

/// Runs a plan; the same plan gives the same run. A failure shows so many lines of what happened last.
pub fn run(plan: &Plan, trace_lines: usize) -> Result<Statistics, Failure> {
    let mut simulation = Simulation::new(plan, trace_lines);
    match simulation.go(plan) {
        Ok(()) => Ok(simulation.ground.statistics),
        Err(invariant) => Err(Failure {
            plan: Box::new(plan.clone()),
            step: simulation.step,
            time: simulation.ground.schedule.now(),
            invariant,
            trace: simulation.trace.into(),
        }),
    }
}

/// A run on its way.
pub(crate) struct Simulation {
    dialect: Dialect,
    pub(crate) ground: Ground,
    pub(crate) network: Network,
    pub(crate) backend: Backend,
    pub(crate) browsers: Vec<Browser>,
    pub(crate) devices: Vec<Device>,
    notices: u64,
    step: u64,
    pub(crate) strangers_are_silent: bool,
    pub(crate) trace_lines: usize,
    pub(crate) trace: VecDeque<String>,
}

impl Simulation {
    fn new(plan: &Plan, trace_lines: usize) -> Self {
        let head = &plan.head;
        let mut ground = Ground {
            schedule: Schedule::default(),
            chance: Chance::of(head.chance, Stream::Backend),
            faults: head.faults.clone(),
            statistics: Statistics::default(),
        };
        let backend = Backend::new(head.dialect, &mut ground);
        ground.chance = Chance::of(head.chance, Stream::Run);
        Self {
            dialect: head.dialect,
            ground,
            network: Network::default(),
            backend,
            browsers: Vec::new(),
            devices: Vec::new(),
            notices: 0,
            step: 0,
            strangers_are_silent: false,
            trace_lines,
            trace: VecDeque::new(),
        }
    }

    fn go(&mut self, plan: &Plan) -> Result<(), String> {
        let dialect = self.dialect();
        for number in 0..plan.head.people + plan.head.tabs {
            let mut chance = Chance::of(plan.head.chance, Stream::Device(number));
            let person = number % plan.head.people;
            if person == number {
                self.browsers.push(Browser::new(&mut chance, !plan.head.has_no_locks));
            }
            let page = self.page_of(person);
            let Some(browser) = self.browsers.get(person) else { continue };
            let mut device = Device::new(&mut chance, dialect, (person, browser), page)?;
            device.is_closed = person != number;
            self.devices.push(device);
        }
        for Incident { at, what } in plan.incidents.iter().cloned() {
            self.ground.schedule.at(at, Happening::Befalls(what));
        }
        let end = plan.head.storm;
        self.run_until(end)?;
        self.calm_down()?;
        self.run_until(end + CALM / 4)?;
        self.everybody_signs_in()?;
        self.run_until(end + CALM)?;
        // Before anybody writes: a send that nobody answers would tell as well.
        self.check_dead()?;
        self.write_last()?;
        self.run_until(end + CALM + REST - LAST_WORDS)?;
        self.strangers_are_silent = true;
        self.run_until(end + CALM + REST)?;
        self.sends_end()?;
        self.give_up_disks();
        self.compare(false)?;
        if dialect.has_history() {
            self.read_everything()?;
            self.compare(true)?;
        }
        self.read_up()
    }

    pub(crate) fn run_until(&mut self, end: u64) -> Result<(), String> {
        while let Some(happening) = self.ground.schedule.pop_before(end) {
            self.happens(happening)?;
        }
        Ok(())
    }

    fn calm_down(&mut self) -> Result<(), String> {
        self.note(format_args!("the storm is over"));
        self.ground.faults = Faults::none();
        self.network.sockets_blocked_until = 0;
        if let Backend::Basic(basic) = &mut self.backend {
            basic.clean();
        }
        let devices = &self.devices;
        self.network.surface(&mut self.ground, |device| {
            devices.get(device).is_some_and(|device| device.ledger.may_ping)
        });
        for browser in &mut self.browsers {
            browser.disk.is_full_until(0);
        }
        for person in 0..self.browsers.len() {
            self.resume(person)?;
        }
        for one in &mut self.devices {
            one.crash_after = None;
        }
        for device in 0..self.devices.len() {
            self.wake(device)?;
            if device < self.browsers.len() {
                self.comes(device, 0)?;
            }
            self.input(device, Input::Visibility(Visibility::Visible))?;
            self.input(device, Input::Network(Hint::Online))?;
        }
        self.owners_sign_in()?;
        self.everybody_signs_in()
    }

    fn write_last(&mut self) -> Result<(), String> {
        for device in 0..self.devices.len() {
            for room in 0..self.dialect().rooms().len() {
                let may_enter = !self.backend.denies(self.room_id(room)?.as_str());
                if may_enter && self.is_open(device, room) {
                    let text = format!("the last one of person {device}");
                    self.act(device, Act::Writes { room, text })?;
                }
            }
        }
        Ok(())
    }

    /// A send that nobody answers takes its time, and those behind it wait for theirs.
    fn sends_end(&mut self) -> Result<(), String> {
        for _ in 0..MAX_SENDS_BEHIND {
            if rest::check_sends_ended(&self.backend, &self.devices).is_ok() {
                break;
            }
            self.run_until(self.ground.schedule.now() + SEND_TAKES)?;
        }
        Ok(())
    }

    fn read_everything(&mut self) -> Result<(), String> {
        for _ in 0..40 {
            let mut is_done = true;
            for device in 0..self.devices.len() {
                for room in 0..self.dialect().rooms().len() {
                    let Some(room) = self.open_room(device, room) else { continue };
                    if self.backend.denies(room.as_str()) {
                        continue;
                    }
                    let client = self.devices.get(device).map(|device| &device.client);
                    let history = client.and_then(|client| client.history(&room));
                    is_done &= history == Some(History::Beginning);
                    self.input(device, Input::Command(Command::LoadOlder { room }))?;
                }
            }
            if is_done {
                return Ok(());
            }
            self.run_until(self.ground.schedule.now() + 5_000)?;
        }
        Err("the beginning of a room can be reached".into())
    }

    fn compare(&mut self, is_whole: bool) -> Result<(), String> {
        rest::check_settled(&self.backend, &self.devices)?;
        self.check_dead()?;
        match &self.backend {
            Backend::Basic(_) => rest::check_basic(&self.browsers, &self.devices),
            Backend::Full(_) => {
                rest::check_history(&self.backend, &self.browsers, &self.devices, is_whole)
            }
            Backend::Appsync(appsync) => {
                if self.dialect().has_history() {
                    rest::check_history(&self.backend, &self.browsers, &self.devices, is_whole)?;
                }
                rest::appsync::check(appsync, self.dialect(), &self.browsers, &self.devices)
            }
        }
    }

    fn check_dead(&self) -> Result<(), String> {
        let is_dead = |one: &Socket| one.is_cut && one.at_client != End::Closed;
        if self.network.sockets.iter().any(is_dead) {
            return Err("a connection that is dead is found out".into());
        }
        Ok(())
    }

    fn happens(&mut self, happening: Happening) -> Result<(), String> {
        self.step += 1;
        if let Some(device) = self.concerns(&happening)
            && let Some(held) = self.devices.get_mut(device).and_then(|one| one.held.as_mut())
        {
            held.push_back(happening);
            return Ok(());
        }
        match happening {
            Happening::Connects(socket) => self.connects(socket),
            Happening::Opens(socket) => return self.opens(socket),
            Happening::ToServer { socket, text } => {
                let is_alive = |one: &Socket| !one.is_cut && one.at_server == End::Open;
                if self.network.sockets.get(socket).is_some_and(is_alive) {
                    return self.backend.received(&mut self.ground, socket, &text);
                }
            }
            Happening::Posts { socket, frame } => {
                self.network.post(&mut self.ground, socket, frame)
            }
            Happening::ToClient { socket, frame } => return self.delivers(socket, frame),
            Happening::ClientSees { socket, code } => return self.client_sees(socket, code),
            Happening::ServerSees(socket) => {
                if let Some(one) = self.network.sockets.get_mut(socket) {
                    one.at_server = End::Closed;
                    self.backend.disconnected(socket);
                }
            }
            Happening::TimeDue { device, generation } => {
                if self.devices.get(device).is_some_and(|one| one.generation == generation) {
                    return self.input(device, Input::TimeDue);
                }
            }
            Happening::Befalls(what) => return self.befalls(what),
            Happening::Works(work) => return self.backend.works(&mut self.ground, work),
            Happening::Requested(exchange) => return self.requested(exchange),
            Happening::Answers { exchange, answer, told } => {
                self.network.answer(&mut self.ground, exchange, answer, told);
            }
            Happening::Answered { exchange, result } => return self.answered(exchange, result),
            Happening::PageAnswers { device, question } => {
                return self.page_answers(device, question);
            }
            Happening::Hangs { socket, code } => {
                self.network.close(&mut self.ground, socket, code);
            }
            Happening::KeepsAlive(socket) => {
                if let Backend::Appsync(appsync) = &mut self.backend {
                    appsync.keeps_alive(&mut self.ground, socket);
                }
            }
            Happening::Wakes(device) => return self.wake(device),
            Happening::Resumes(person) => return self.resume(person),
            Happening::HearsTab { device, life, news } => {
                return self.hears_tab(device, life, news);
            }
            Happening::Stores { device, life, request } => {
                return self.stores(device, life, request);
            }
            Happening::TabGone { device, life, tab } => {
                return self.tab_gone(device, life, tab, Duration::ZERO);
            }
            Happening::Beats { device, life, whose } => self.beats(device, life, whose),
            Happening::Beaten { device, life, whose, at } => {
                return self.beaten(device, life, &whose, at);
            }
        }
        Ok(())
    }

    fn befalls(&mut self, what: What) -> Result<(), String> {
        match what {
            What::Acts { device, act } => return self.act(device, act),
            What::StrangerWrites { room, messages } => {
                for number in 0..messages {
                    let text = format!("stranger {} {number}", self.step);
                    let room = self.room(room);
                    self.backend.stranger_writes(&mut self.ground, room, text);
                }
            }
            What::Notice { room } => self.notice(room),
            What::Strikes(strike) => return self.strike(strike),
        }
        Ok(())
    }

    /// The device that must be awake for something to happen.
    fn concerns(&self, happening: &Happening) -> Option<usize> {
        match happening {
            Happening::Opens(socket)
            | Happening::ToClient { socket, .. }
            | Happening::ClientSees { socket, .. } => {
                self.network.sockets.get(*socket).map(|socket| socket.device)
            }
            Happening::Answered { exchange, .. } => {
                self.network.exchanges.get(*exchange).map(|exchange| exchange.device)
            }
            Happening::TimeDue { device, .. }
            | Happening::Befalls(What::Acts { device, .. })
            | Happening::Stores { device, .. }
            | Happening::TabGone { device, .. }
            | Happening::Beats { device, .. }
            | Happening::Beaten { device, .. }
            | Happening::HearsTab { device, .. }
            | Happening::PageAnswers { device, .. } => Some(*device),
            _ => None,
        }
    }

    fn connects(&mut self, socket: SocketId) {
        let Some(one) = self.network.sockets.get(socket) else { return };
        if one.is_cut || one.at_client == End::Closed {
            return;
        }
        let (id, room, device) = (one.server_id.clone(), one.room.clone(), one.device);
        let header = one.header.clone();
        self.network.accept(&mut self.ground, socket);
        let Some(person) = self.devices.get(device).map(|one| one.person) else { return };
        if let Backend::Appsync(appsync) = &mut self.backend {
            return appsync.connected(socket, person, header);
        }
        let room = room.as_ref().map_or("", RoomId::as_str);
        self.backend.connected(&mut self.ground, socket, &id, room, person);
    }

    fn opens(&mut self, socket: SocketId) -> Result<(), String> {
        let Some(one) = self.network.sockets.get_mut(socket) else { return Ok(()) };
        if one.is_cut || one.at_client == End::Closed {
            return Ok(());
        }
        one.at_client = End::Open;
        let device = one.device;
        self.opens_holes(device);
        let Some(one) = self.network.sockets.get_mut(socket) else { return Ok(()) };
        let (device, connection, room) = (one.device, one.connection, one.room.clone());
        let Some(room) = room else {
            one.heard_at = self.ground.schedule.now();
            return self.input(device, Input::SocketOpened { connection });
        };
        let Some(before) = self.devices.get(device) else { return Ok(()) };
        // Only a client that has been in the room before can have been interrupted.
        let was_joined =
            before.client.history(&room) == Some(History::None) && !self.network.is_beside(socket);
        self.input(device, Input::SocketOpened { connection })?;
        if was_joined && self.dialect != Dialect::Full {
            self.ground.statistics.count(Counted::Interruptions);
            let Some(device) = self.devices.get(device) else { return Ok(()) };
            invariants::check_interruption(device, &room)?;
        }
        Ok(())
    }

    /// Counts rooms in which something was said while the device had no connection.
    fn opens_holes(&mut self, device: usize) {
        if !self.dialect.has_history() {
            return;
        }
        let Some(one) = self.devices.get_mut(device) else { return };
        for (room, screen) in &one.screens {
            let stored = self.backend.messages(room.as_str());
            let Some(last) = screen.sent().last() else { continue };
            let last = last.time.map_or(i64::MAX, |time| time.0);
            let missing = stored.iter().filter(|one| one.created_at > last);
            let ledger = one.ledger.rooms.entry(room.clone()).or_default();
            if ledger.hole.is_empty() {
                ledger.hole = missing.map(|one| one.text.clone()).collect();
                if !ledger.hole.is_empty() {
                    self.ground.statistics.count(Counted::HolesOpened);
                }
            }
        }
    }

    fn delivers(&mut self, socket: SocketId, frame: Frame) -> Result<(), String> {
        let is_own = match &frame.meaning {
            Meaning::Message(broadcast) => {
                self.network.is_own(socket, &broadcast.sender_connection)
            }
            _ => false,
        };
        let Some(one) = self.network.sockets.get_mut(socket) else { return Ok(()) };
        let (device, connection) = (one.device, one.connection);
        if one.is_cut || (one.at_client == End::Closed && !one.is_abandoned) {
            return Ok(());
        }
        let received = Input::Received { connection, text: frame.text };
        if one.is_abandoned {
            self.ground.statistics.count(Counted::LateReports);
            return self.input(device, received);
        }
        let breaks = self.ground.faults.broken_welcome;
        if breaks > 0
            && matches!(frame.meaning, Meaning::Answer { .. })
            && self.ground.chance.percent(breaks)
        {
            return self.delivers_broken_answer(socket, received);
        }
        let Some(of) = one.room.clone() else {
            return self.delivers_said(socket, frame.meaning, received);
        };
        let Some(owner) = self.devices.get_mut(device) else { return Ok(()) };
        let room = owner.ledger.rooms.entry(of.clone()).or_default();
        match frame.meaning {
            Meaning::Message(broadcast) => {
                let is_named = one.is_named;
                room.arrived(socket, Arrival { broadcast, is_own, is_named });
                owner.ledger.has_evidence = true;
                self.network.loads(device, Some(&of));
            }
            Meaning::Answer { names } => {
                let is_sending = owner.screens.get(&of).is_some_and(|screen| {
                    screen.unsent().any(|(_, message)| message.delivery == Delivery::Sending)
                });
                owner.ledger.may_ping |= names && !is_sending;
                owner.ledger.has_evidence = true;
                one.is_named |= names;
                one.is_welcomed |= self.dialect == Dialect::Full;
            }
            Meaning::GatewayError => one.is_named = true,
            Meaning::Notice => {
                let Input::Received { text, .. } = &received else { return Ok(()) };
                room.notices.insert(text.clone(), 1);
            }
            Meaning::Throttled { pause } => room.quiet_until = self.ground.schedule.now() + pause,
            Meaning::Other | Meaning::Said(_) => {}
        }
        self.input(device, received)
    }

    /// The client can tell that something has come, and perhaps what it was to be.
    fn delivers_broken_answer(&mut self, socket: SocketId, input: Input) -> Result<(), String> {
        let Some(one) = self.network.sockets.get_mut(socket) else { return Ok(()) };
        let (device, Input::Received { connection, mut text }) = (one.device, input) else {
            return Ok(());
        };
        one.broken_answers += 1;
        let cut = 1 + self.ground.chance.index(text.len().saturating_sub(1));
        text.truncate(text.floor_char_boundary(cut));
        if let Some(owner) = self.devices.get_mut(device) {
            owner.ledger.has_evidence = true;
        }
        self.ground.statistics.count(Counted::BrokenWelcomes);
        self.input(device, Input::Received { connection, text })
    }

    fn client_sees(&mut self, socket: SocketId, code: u16) -> Result<(), String> {
        let Some(one) = self.network.sockets.get_mut(socket) else { return Ok(()) };
        let (device, connection) = (one.device, one.connection);
        if one.at_client == End::Closed && !one.is_abandoned {
            return Ok(());
        }
        let is_abandoned = std::mem::replace(&mut one.is_abandoned, false);
        one.at_client = End::Closed;
        let screen = one.room.as_ref().and_then(|room| self.devices.get(device)?.screens.get(room));
        let is_sending = one.conversation.publishes().next().is_some()
            || screen.is_some_and(|screen| {
                screen.unsent().any(|(_, message)| message.delivery == Delivery::Sending)
            });
        if is_sending && !is_abandoned {
            self.ground.statistics.count(Counted::AmbiguousSends);
        }
        let close = Close { code, reason: String::new() };
        self.input(device, Input::SocketClosed { connection, close })
    }

    fn notice(&mut self, room: usize) {
        let room = self.room(room);
        let text = format!("notice {}", self.notices + 1);
        if self.backend.notice(&mut self.ground, self.dialect, room, &text) {
            self.notices += 1;
            self.ground.statistics.count(Counted::Notices);
        }
    }

    pub(crate) fn wake(&mut self, device: usize) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        if self.browsers.get(one.browser).is_some_and(Browser::is_suspended) {
            return Ok(());
        }
        one.ledger.attempts.clear();
        one.awake_since = self.ground.schedule.now();
        for happening in one.held.take().unwrap_or_default() {
            self.happens(happening)?;
        }
        Ok(())
    }

    pub(crate) fn input(&mut self, device: usize, input: Input) -> Result<(), String> {
        self.input_and_hear(device, input).map(|_| ())
    }

    pub(crate) fn input_and_hear(
        &mut self,
        device: usize,
        input: Input,
    ) -> Result<Option<SendRefusal>, String> {
        if self.devices.get(device).is_none_or(|one| one.is_closed) {
            return Ok(None);
        }
        self.note(format_args!("device {device} ◄ {input:?}"));
        self.check_silence(device)?;
        let now = self.ground.schedule.now();
        let Some(one) = self.devices.get_mut(device) else { return Ok(None) };
        let Some(browser) = self.browsers.get(one.browser) else { return Ok(None) };
        let reaction = one.handle(browser.clocks(now), input)?;
        if let Some(browser) = self.browsers.get_mut(one.browser)
            && reaction.known_as.is_some()
        {
            browser.known_as.clone_from(&reaction.known_as);
        }
        for output in reaction.outputs {
            self.note(format_args!("device {device} ► {output:?}"));
            self.output(device, output)?;
            if self.crashes_now(device) {
                self.crash_halfway(device)?;
                return Ok(reaction.refused);
            }
        }
        let Some(one) = self.devices.get_mut(device) else { return Ok(None) };
        invariants::check_device(one, device, &self.network, now)?;
        if one.fresh.len() >= invariants::ROWS_OF_A_PAGE {
            invariants::check_hole(one, &self.backend)?;
        }
        if let [socket] = *self.network.live_of(device, None)
            && let Some(socket) = self.network.sockets.get(socket)
        {
            invariants::check_owed(one, &socket.conversation)?;
        }
        if one.ledger.fills_a_hole(&one.screens) {
            self.ground.statistics.count(Counted::HolesFilled);
        }
        if let Some(deadline) = one.client.poll_timeout() {
            one.generation += 1;
            let generation = one.generation;
            let is_late = self.ground.chance.percent(self.ground.faults.late_timer);
            let late = self.ground.chance.between(0, if is_late { 20_000 } else { 4 });
            let due = Happening::TimeDue { device, generation };
            let at =
                self.browsers.get(one.browser).map_or(now, |browser| browser.when(deadline.at));
            self.ground.schedule.at(at.max(now) + late, due);
        }
        Ok(reaction.refused)
    }

    /// Whether the page crashes before its client's next output is done.
    fn crashes_now(&mut self, device: usize) -> bool {
        let Some(one) = self.devices.get_mut(device) else { return false };
        one.crash_after = one.crash_after.map(|after| after.saturating_sub(1));
        one.crash_after == Some(0)
    }

    fn output(&mut self, device: usize, output: Output) -> Result<(), String> {
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        match output {
            Output::OpenSocket { connection, url, subprotocols } => {
                if url.contains(&one.guest_key) {
                    return Err("the guest key is in a URL".into());
                }
                let (room, header) = if self.dialect.is_appsync() {
                    (None, header_of(&subprotocols)?)
                } else {
                    (Some(room_of_url(&url)?), Value::Null)
                };
                invariants::check_attempts(one, self.ground.schedule.now())?;
                if self.network.sockets.iter().any(|it| it.device == device && it.room == room) {
                    self.ground.statistics.count(Counted::Reconnects);
                }
                let is_sending = one.is_sending(room.as_ref());
                let from = Origin { device, connection, room: room.clone(), header };
                let socket = self.network.connect(&mut self.ground, from);
                if is_sending {
                    self.network.loads(device, room.as_ref());
                }
                if one.sockets.insert(connection, socket).is_some() {
                    return Err("the id of a connection is used twice".into());
                }
                if self.network.is_beside(socket) {
                    self.writes_meanwhile(device, socket);
                }
            }
            Output::SendText { connection, text } => {
                let socket = *one.sockets.get(&connection).ok_or("a frame goes to no socket")?;
                let dialect = self.dialect;
                if dialect.is_appsync() {
                    self.says(device, socket, &text)?;
                } else {
                    let now = self.ground.schedule.now();
                    let sending = invariants::check_frame(
                        one,
                        &mut self.network,
                        socket,
                        &text,
                        (dialect, now),
                    )?;
                    if let Some(sending) = sending {
                        self.sends(device, &sending)?;
                    }
                }
                self.network.send(&mut self.ground, socket, text);
            }
            Output::CloseSocket { connection } => {
                let socket = *one.sockets.get(&connection).ok_or("no such socket is closed")?;
                if let Some(next) = self.network.successor(socket) {
                    self.ground.statistics.count(Counted::Rotations);
                    if next.is_loaded {
                        self.ground.statistics.count(Counted::RotationsUnderLoad);
                    }
                }
                self.network.abandon(&mut self.ground, socket);
            }
            Output::SendRequest { request, url, headers, body } => {
                return self.requests(device, request, &url, headers, body);
            }
            Output::CancelRequest { request } => {
                let exchange =
                    one.exchanges.remove(&request).ok_or("no such request is cancelled")?;
                if let Some(exchange) = self.network.exchanges.get_mut(exchange) {
                    exchange.is_cancelled = true;
                }
            }
            Output::AskForCredentials { question, reason } => {
                return self.asks(device, question, reason);
            }
            output => return self.asks_disk(device, output),
        }
        Ok(())
    }

    /// A client sends a message, on its connection or by a request.
    pub(crate) fn sends(&mut self, device: usize, sending: &Sending) -> Result<(), String> {
        let Sending { room, text, has_id } = sending;
        let Some(one) = self.devices.get_mut(device) else { return Ok(()) };
        let Some(browser) = self.browsers.get(one.browser) else { return Ok(()) };
        invariants::check_stored(one, &browser.disk, room, text)?;
        let tally = one.ledger.tally(room, text);
        if *has_id {
            tally.sent_with_id += 1;
        } else {
            tally.sent_without_id += 1;
        }
        let wall = browser.clocks(self.ground.schedule.now()).wall;
        // What was handed over before, and waits for credentials, is on its way.
        let is_new = one.loaded_at >= browser.absent_until;
        let person = one.person;
        let tally = tally_of(&self.devices, person, room, text);
        if tally.composed == 0 {
            return Err(format!("{text:?} is sent by somebody who has not written it"));
        }
        invariants::check_wanted(&tally, self.dialect, is_new.then_some(wall))
    }

    pub(crate) fn is_open(&self, device: usize, room: usize) -> bool {
        self.open_room(device, room).is_some()
    }

    fn open_room(&self, device: usize, room: usize) -> Option<RoomId> {
        let id = self.room_id(room).ok()?;
        let one = self.devices.get(device).filter(|one| !one.is_closed)?;
        one.client.status(&id).map(|_| id)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn room(&self, room: usize) -> &'static str {
        self.dialect().rooms().get(room).copied().unwrap_or_default()
    }

    pub(crate) fn room_id(&self, room: usize) -> Result<RoomId, String> {
        RoomId::parse(self.room(room)).map_err(|error| error.to_string())
    }
}
