// What a person sees of one chat. Arguments: which <roomlet-chat> of the page, counted from 0.
const host = document.querySelectorAll("roomlet-chat")[arguments[0]];
const root = host?.shadowRoot;
const words = (selector, within = root) => within?.querySelector(selector)?.textContent ?? "";
const messages = [];
const notices = [];
let interruptions = 0;
for (const row of root?.querySelectorAll(".row") ?? []) {
  const message = row.querySelector(".message");
  if (message) {
    messages.push({
      row: row.dataset.row,
      text: words(".text", message),
      author: words(".author bdi", message),
      standing: words(".standing", message),
      own: message.classList.contains("own"),
      delivery: message.dataset.delivery ?? "",
      reason: words(".reason", message),
      actions: [...message.querySelectorAll("[data-action]")].map((button) => button.textContent),
    });
  } else if (row.querySelector(".interruption")) {
    interruptions += 1;
  } else if (!row.querySelector(".hole")) {
    notices.push(words(".notice", row));
  }
}
return {
  messages,
  notices,
  interruptions,
  title: words(".title"),
  status: root?.querySelector(".status")?.dataset.status ?? "",
  status_words: words(".status-text"),
  draft: root?.querySelector(".input")?.value ?? "",
  in_composer: root?.activeElement?.matches(".input") ?? false,
  can_send: root?.querySelector(".send")?.disabled === false,
  counter: words(".counter"),
  problem: words(".problem-text"),
  top: words(".top"),
  empty: words(".empty"),
  failure: words(".failure"),
  device_notice: words(".device-notice p"),
  holes: root?.querySelectorAll(".row .hole").length ?? 0,
  unread: host?.unread ?? 0,
};
