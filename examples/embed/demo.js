// The demo page's choice of a room: one form for all three chats, kept in the page's address.

// A room id has at most 128 bytes of UTF-8 and no control characters; without one, the room is the lobby.
const LARGEST_ROOM_ID = 128;
const LOBBY = "lobby";

const chats = document.querySelectorAll("roomlet-chat");
const form = document.querySelector("#room-form");
const input = document.querySelector("#room");
const said = document.querySelector("#room-said");
const secondWindow = document.querySelector("#second-window");
const pageTitle = document.title;

enter(roomOfAddress());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  go(input.value.trim() || LOBBY);
});

document.querySelector("#fresh-room").addEventListener("click", () => {
  go(`bench-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`);
});

// A browser's own message about the field stays until the field is right.
input.addEventListener("input", () => input.setCustomValidity(problemWith(input.value.trim())));

addEventListener("popstate", () => enter(roomOfAddress()));

function go(room) {
  if (room !== roomOfAddress()) history.pushState(null, "", addressOf(room));
  enter(room);
}

function enter(room) {
  const problem = problemWith(room);
  input.value = room;
  input.setCustomValidity(problem);
  if (problem) {
    said.textContent = problem;
    return;
  }
  for (const chat of chats) chat.setAttribute("room", room);
  said.textContent = `Everybody below is in the room “${room}”.`;
  secondWindow.href = addressOf(room);
  document.title = room === LOBBY ? pageTitle : `${room} · ${pageTitle}`;
}

function roomOfAddress() {
  return new URLSearchParams(location.search).get("room")?.trim() || LOBBY;
}

function addressOf(room) {
  const address = new URL(location.href);
  address.searchParams.set("room", room);
  address.hash = "";
  return address.href;
}

function problemWith(room) {
  if (new TextEncoder().encode(room).length > LARGEST_ROOM_ID) {
    return `Choose a shorter name: a room has at most ${LARGEST_ROOM_ID} bytes.`;
  }
  if (/\p{Cc}/u.test(room)) return "Choose a name without control characters.";
  return "";
}
