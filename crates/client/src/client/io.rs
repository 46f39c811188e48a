//! What goes into a client and what comes out of it.

use std::time::Duration;

use crate::auth::Credentials;
use crate::backend::api_gateway::Finding;
use crate::chat::ids::{
    ConnectionId, HttpRequestId, QuestionId, RoomId, RowId, StorageRequestId, TabId,
};
use crate::chat::person::DisplayName;
use crate::chat::room::History;
use crate::chat::timeline::Change;
use crate::keeping::{Record, StorageChange, Whose};
use crate::time::Timestamp;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The socket of an [`Output::OpenSocket`] is open.
    SocketOpened {
        /// Which.
        connection: ConnectionId,
    },
    /// A text frame has arrived.
    Received {
        /// On which socket.
        connection: ConnectionId,
        /// The frame.
        text: String,
    },
    /// A socket has closed, or could not be opened.
    SocketClosed {
        /// Which.
        connection: ConnectionId,
        /// How.
        close: Close,
    },
    /// The page's security policy does not allow this socket. No close follows.
    SocketBlocked {
        /// Which.
        connection: ConnectionId,
    },
    /// The page's answer to [`Output::AskForCredentials`].
    SignedIn {
        /// Which question it answers.
        question: QuestionId,
        /// The answer.
        answer: SignInAnswer,
    },
    /// The answer to an [`Output::SendRequest`].
    Answered {
        /// Which request.
        request: HttpRequestId,
        /// The answer.
        answer: HttpAnswer,
    },
    /// A request has failed: there is no answer.
    RequestFailed {
        /// Which request.
        request: HttpRequestId,
        /// Why.
        failure: HttpFailure,
    },
    /// The device says that it has gained or lost its network. Only a hint.
    Network(Network),
    /// The page has come into view or gone out of it.
    Visibility(Visibility),
    /// Another client of the page has found out something about the same backend.
    Found(Finding),
    /// The device has done, or has not done, what was asked of its storage.
    StorageAnswered {
        /// Which request.
        request: StorageRequestId,
        /// How it ended.
        answer: StorageAnswer,
    },
    /// The storage that was open is of no more use: a newer version of the page wants to change it, or the browser has
    /// closed it. What the client asks for in answer to this is done if it still can be, and nothing after that.
    StorageLost,
    /// A tab of [`Output::WatchTab`] lives no more. What it held back belongs to whoever adopts it first.
    TabGone {
        /// Which.
        tab: TabId,
        /// For how long there has been no sign of life of it; zero where its end is heard as it comes.
        silent: Duration,
    },
    /// What another tab of the same person has said by [`Output::TellTabs`].
    HeardTab {
        /// Its words.
        news: String,
    },
    /// The time of [`Client::poll_timeout`](crate::Client::poll_timeout) has come.
    TimeDue,
    /// The person, or the page, wants something.
    Command(Command),
}

/// How a socket closed; RFC 6455, section 7.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The close code; 1006 where there was no close frame.
    pub code: u16,
    /// The reason that the server gave, or nothing.
    pub reason: String,
}

/// What the page said when it was asked for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInAnswer {
    /// Here they are.
    Credentials(Credentials),
    /// Nobody is signed in, or the page does not say.
    SignedOut,
    /// The page could not find out; it may be asked again later.
    Failed,
}

/// Why the page is asked for credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskReason {
    /// For a connection.
    Connect,
    /// For a subscription or a request.
    Operation,
    /// The backend has refused the last ones, so that they must be renewed.
    Refused,
}

/// An HTTP answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The body, as text.
    pub body: String,
    /// The header `Date`, where the browser lets it be read.
    pub date: Option<String>,
}

/// How a request to the device's storage ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageAnswer {
    /// The storage is open; these are all records of the person.
    Opened(Vec<Record>),
    /// The changes are on the disk, all of them.
    Stored,
    /// Nothing was changed, since a record that was to be replaced is not there any more: another tab has it.
    Missing,
    /// These records were another tab's, and are this one's now.
    Adopted(Vec<Record>),
    /// Nothing was done: there is no storage, no room on the disk, or the browser forbids it.
    Failed,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpFailure {
    /// The connection failed before or after the request was sent; browsers do not tell.
    Network,
    /// The page's security policy does not allow the address. Nothing was sent.
    Blocked,
}

/// Whether the device believes that it has a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It does.
    Online,
    /// It does not.
    Offline,
}

/// Whether anybody can see the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// The page is in view.
    Visible,
    /// The page is in the background.
    Hidden,
}

/// What the person, or the page, wants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Show a room, and stay in it. At [`MAX_ROOMS`](crate::MAX_ROOMS) the one that was shown longest ago is closed.
    OpenRoom(RoomId),
    /// Send a text to an open room.
    Send {
        /// The room.
        room: RoomId,
        /// The text.
        text: String,
    },
    /// Send a failed or unconfirmed message again.
    Retry {
        /// The room.
        room: RoomId,
        /// The message.
        row: RowId,
    },
    /// Take an unsent, failed or unconfirmed message out of the list.
    Discard {
        /// The room.
        room: RoomId,
        /// The message.
        row: RowId,
    },
    /// Fetch older messages.
    LoadOlder {
        /// The room.
        room: RoomId,
    },
    /// Where the person reads who has scrolled up: a list that has grown too long leaves them what they read.
    Reading {
        /// The room.
        room: RoomId,
        /// The first row that they see; none at the end of the list.
        from: Option<RowId>,
    },
    /// Keep what the person has written and not sent yet; empty for nothing.
    SetDraft {
        /// The room.
        room: RoomId,
        /// The text.
        text: String,
    },
    /// The person has seen the messages of an open room down to this one.
    MarkRead {
        /// The room.
        room: RoomId,
        /// The last row that was seen.
        row: RowId,
    },
    /// Connect now, whatever the reason for waiting was.
    Reconnect,
    /// Change the name that others see.
    SetName(Option<DisplayName>),
    /// End all connections, forget the credentials and what this person has read and written. Only
    /// [`Reconnect`](Self::Reconnect) leads back.
    SignOut,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Open a WebSocket.
    OpenSocket {
        /// What to call it from now on.
        connection: ConnectionId,
        /// Where.
        url: String,
        /// The subprotocols to offer, in this order; with none, offer none.
        subprotocols: Vec<String>,
    },
    /// Send one text frame.
    SendText {
        /// On which socket.
        connection: ConnectionId,
        /// The frame.
        text: String,
    },
    /// Ask the page for credentials and hand its answer in by [`Input::SignedIn`].
    AskForCredentials {
        /// What to call the question; a later one makes an earlier one void.
        question: QuestionId,
        /// What they are for.
        reason: AskReason,
    },
    /// Send an HTTP POST request.
    SendRequest {
        /// What to call it from now on.
        request: HttpRequestId,
        /// Where.
        url: String,
        /// Header names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Abort a request and forget it.
    CancelRequest {
        /// Which.
        request: HttpRequestId,
    },
    /// Close a socket and forget it; nothing that it reports is of interest any more.
    CloseSocket {
        /// Which.
        connection: ConnectionId,
    },
    /// Open the device's storage for a person and read all that it has of them. From then on this client is a tab of
    /// theirs: others can tell that it lives, and hear what it says.
    ///
    /// This and the two below are answered by [`Input::StorageAnswered`], in the order in which they were asked for.
    OpenStorage {
        /// What to call the request.
        request: StorageRequestId,
        /// The person. One storage is open at a time.
        whose: Whose,
        /// What others call this client.
        tab: TabId,
    },
    /// Change records, all or none, and answer when they are on the disk: stored as durably as the browser can.
    WriteStorage {
        /// What to call the request.
        request: StorageRequestId,
        /// The changes, in order.
        changes: Vec<StorageChange>,
    },
    /// Make all records of the shelf [`Shelf::Unsent`](crate::Shelf::Unsent) of another tab records of this tab's
    /// shelf, in one step, so that of several tabs only one gets them.
    AdoptUnsent {
        /// What to call the request.
        request: StorageRequestId,
        /// Whose they are.
        from: TabId,
    },
    /// Report [`Input::TabGone`], once, as soon as a tab lives no more, which may be now.
    WatchTab {
        /// Which.
        tab: TabId,
    },
    /// Let the person's other tabs hear something.
    TellTabs {
        /// The words, for [`Input::HeardTab`].
        news: String,
    },
    /// The storage is this person's no more: be no tab of theirs any longer.
    CloseStorage {
        /// Delete all that it has of them first.
        clear: bool,
    },
}

/// Something to show.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The rows of a room have changed.
    Timeline {
        /// The room.
        room: RoomId,
        /// How.
        change: Change,
    },
    /// The connection of a room stands differently.
    Status {
        /// The room.
        room: RoomId,
        /// How it stands now.
        status: Status,
    },
    /// How far back a room can be read has changed.
    History {
        /// The room.
        room: RoomId,
        /// How far now.
        history: History,
    },
    /// A message has arrived while it was awaited: live, not from history.
    Arrived {
        /// The room.
        room: RoomId,
        /// Its row.
        row: RowId,
    },
    /// A message of the person's own has reached the backend.
    Sent {
        /// The room.
        room: RoomId,
        /// Its row.
        row: RowId,
    },
    /// The id by which the backend calls this person, to be kept and given to the next client as
    /// [`Person::known_as`](crate::Person::known_as).
    KnownAs(String),
    /// Something for the other clients that the page has for the same backend, now and later.
    Found(Finding),
    /// What the person has written and not sent yet, where the client knows more of it than the screen: it was kept, or
    /// written in another tab.
    Draft {
        /// The room.
        room: RoomId,
        /// The text.
        text: String,
    },
    /// The person has gone, or somebody else is here: what is being written is not theirs.
    Forgotten,
    /// How many messages of others in a room the person has not seen.
    Unread {
        /// The room.
        room: RoomId,
        /// How many.
        count: usize,
    },
    /// The device keeps nothing of this person from now on: what is not sent is lost with the page. Said once.
    NotKept,
    /// A text was not taken. It is handed back, so that nothing is lost.
    SendRefused {
        /// The room.
        room: RoomId,
        /// The text.
        text: String,
        /// Why.
        reason: SendRefusal,
    },
}

/// How the connection of a room stands, as a person should hear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The first connection is being made.
    Connecting,
    /// Messages come and go.
    Online,
    /// The connection was lost; it is tried again.
    Reconnecting {
        /// When, if not right now.
        retry_at: Option<Timestamp>,
    },
    /// The device has no network.
    Offline,
    /// There will be no connection until somebody changes something.
    Refused(Refusal),
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The page's security policy (CSP, `connect-src`) does not allow the backend's address.
    BlockedByPage,
    /// There is no such room, or this person may not enter it.
    Forbidden,
    /// All open rooms have unsent messages.
    TooManyRooms,
    /// The credentials are missing, refused or expired: the person has to sign in (again).
    Unauthorized,
    /// The person has signed out.
    SignedOut,
    /// The address, the signature or the schema is not what this build expects; only its maker can help.
    Misconfigured,
}

/// Why a text was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendRefusal {
    /// There is nothing to read in it.
    Empty,
    /// The room is not open.
    RoomNotOpen,
    /// The person has signed out: nobody could be its sender.
    SignedOut,
    /// It is longer than the backend takes; see [`Client::text_size`](crate::Client::text_size).
    TooLarge,
    /// Too many messages of the room are unsent already.
    TooManyUnconfirmed,
}

/// How long a text is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSize {
    /// Bytes of UTF-8, with what goes around the text.
    pub bytes: usize,
    /// The most that can be sent.
    pub limit: usize,
}

impl TextSize {
    /// Whether the text cannot be sent.
    pub fn is_too_large(self) -> bool {
        self.bytes > self.limit
    }
}
