// Makes the chats that the address asks for: each parameter is an attribute, but for these two.
const { chats = "1", "page-lang": pageLang, ...attributes } = Object.fromEntries(
  new URLSearchParams(location.search),
);
if (pageLang) document.documentElement.lang = pageLang;

function makeChat() {
  const chat = document.createElement("roomlet-chat");
  for (const [name, value] of Object.entries(attributes)) chat.setAttribute(name, value);
  return chat;
}

for (let made = 0; made < Number(chats); made += 1) document.querySelector("main").append(makeChat());
