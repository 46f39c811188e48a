// Makes the chats that the address asks for: each parameter is an attribute, but for these three.
const { chats = "1", "page-lang": pageLang, "sign-in": signIn, ...attributes } = Object.fromEntries(
  new URLSearchParams(location.search),
);
if (pageLang) document.documentElement.lang = pageLang;

// Who the person is, the site knows.
async function askSite(question) {
  const answer = await fetch(`sign-in?${new URLSearchParams(question)}`);
  return answer.json();
}

function makeChat() {
  const chat = document.createElement("roomlet-chat");
  for (const [name, value] of Object.entries(attributes)) chat.setAttribute(name, value);
  if (signIn === "site") chat.auth = askSite;
  return chat;
}

for (let made = 0; made < Number(chats); made += 1) document.querySelector("main").append(makeChat());
