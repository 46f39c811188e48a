const chat = document.querySelector("roomlet-chat");
const places = [...document.querySelectorAll(".place")];
const moveButton = document.querySelector("#move");
const removeButton = document.querySelector("#remove");
const said = document.querySelector("#said");
let at = 0;

moveButton.addEventListener("click", () => {
  at = (at + 1) % places.length;
  put();
});

removeButton.addEventListener("click", () => {
  if (chat.isConnected) {
    chat.remove();
    moveButton.disabled = true;
    removeButton.textContent = "Put it back";
    said.textContent = "The chat is not on the page.";
  } else {
    put();
    moveButton.disabled = false;
    removeButton.textContent = "Take it away";
  }
});

function put() {
  const place = places[at];
  // Where the browser has moveBefore(), the list keeps even its scroll position.
  if (chat.isConnected && place.moveBefore) place.moveBefore(chat, null);
  else place.append(chat);
  said.textContent = `The chat is in the ${at === 0 ? "wide" : "narrow"} place.`;
}
