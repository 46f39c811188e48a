// The demo page's choices, kept in its address: one room for all three chats, and what each one's backend offers.

// A room id has at most 128 bytes of UTF-8 and no control characters; without one, the room is the lobby.
const LARGEST_ROOM_ID = 128;
const LOBBY = "lobby";

const talk = document.querySelector("#talk");
const chats = document.querySelectorAll("roomlet-chat");
const form = document.querySelector("#room-form");
const input = document.querySelector("#room");
const said = document.querySelector("#room-said");
const secondWindow = document.querySelector("#second-window");
const pageTitle = document.title;

enter(roomOfAddress());
for (const seat of document.querySelectorAll(".seat")) seatDown(seat);

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

talk.addEventListener("change", ({ target }) => {
  if (!target.matches(".dialects input")) return;
  const address = new URL(location.href);
  if (target.defaultChecked) address.searchParams.delete(target.name);
  else address.searchParams.set(target.name, target.value);
  history.replaceState(null, "", address);
  secondWindow.href = addressOf(roomOfAddress());
  show(target);
});

// The address may ask for another backend than the usual one.
function seatDown(seat) {
  const inputs = [...seat.querySelectorAll(".dialects input")];
  const asked = new URLSearchParams(location.search).get(inputs[0].name);
  const chosen = inputs.find((input) => input.value === asked) ?? inputs.find((input) => input.defaultChecked);
  chosen.checked = true;
  show(chosen);
}

// The chat takes the backend; what the page says of it follows.
function show({ name, value, labels }) {
  const seat = document.getElementsByName(name)[0].closest(".seat");
  seat.querySelector("roomlet-chat").setAttribute("backend", value);
  document.querySelector(`[data-label="${name}"]`).textContent = labels[0].textContent.toLowerCase();
  for (const place of [seat, ...document.querySelectorAll(`[data-column="${name}"]`)]) {
    for (const text of place.querySelectorAll("[data-of]")) text.hidden = text.dataset.of !== value;
  }
}

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
