// The hosted page's room and name, from its address: ?room=…&name=… Without them the build's own room, and a guest.

const chat = document.querySelector("roomlet-chat");
const asked = new URLSearchParams(location.search);

for (const attribute of ["room", "name"]) {
  const value = asked.get(attribute)?.trim();
  if (value) chat.setAttribute(attribute, value);
}

const room = chat.getAttribute("room");
if (room) document.title = `${room} · ${document.title}`;
