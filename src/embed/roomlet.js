// Defines <roomlet-chat> and loads the WebAssembly behind it.

const ATTRIBUTES = [
  "api-key",
  "auth-mode",
  "backend",
  "dialect",
  "endpoint",
  "events",
  "kind",
  "lang",
  "name",
  "namespace",
  "profile",
  "region",
  "room",
  "storage",
];
// These may change while the chat runs. A change of another means another conversation: the widget starts anew.
const CHANGEABLE = new Set(["lang", "name", "room"]);
const PROPERTIES = ["auth", "user"];

// The element's size and looks until the WebAssembly brings the real ones, and where it cannot be loaded.
const FIRST_STYLE = `
  :host { display: block; block-size: var(--roomlet-height, 480px); contain: layout style; }
  :host([hidden]) { display: none; }
  .loading { margin: 0; padding: 1em; text-align: center; opacity: 0; animation: appear 0s 0.5s forwards; }
  .failure { margin: 0; padding: 1em; border: 1px solid; border-radius: 0.75em; }
  @keyframes appear { to { opacity: 0.6; } }
`;

// The chat's code could not be had or may not run here; everything else is about what the page asks for.
class LoadError extends Error {}

let loading;

// One instance of the WebAssembly serves all elements of the page.
function load() {
  loading ??= import(new URL("./roomlet-app.js", import.meta.url).href)
    .then(async (app) => {
      const module_or_path = new URL("./roomlet-app_bg.wasm", import.meta.url);
      await app.default({ module_or_path });
      return app;
    })
    .catch((error) => {
      // A network that comes back gets another chance.
      loading = undefined;
      throw new LoadError(explainLoading(error));
    });
  return loading;
}

class RoomletChat extends HTMLElement {
  static observedAttributes = ATTRIBUTES;

  #root = this.attachShadow({ mode: "open" });
  #handle;
  // Counts starts and stops, so that a start that was overtaken while it waited gives up.
  #turn = 0;
  #failedTurn;
  #signsOut = false;
  #changed = false;
  #auth;
  #user;

  constructor() {
    super();
    // What a page has set before this script ran hides the properties of the class.
    for (const name of PROPERTIES) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  // async ({backend, reason}) => {token, expiresAt?} | {accessKeyId, secretAccessKey, sessionToken?, expiration?} | null
  get auth() {
    return this.#auth;
  }

  set auth(auth) {
    if (this.#auth === auth) return;
    this.#auth = auth;
    this.#handle?.authChanged();
  }

  // {name}, for display only; wins over the attribute `name`.
  get user() {
    return this.#user;
  }

  set user(user) {
    this.#user = user;
    this.#update();
  }

  // How many messages of others in the shown room the person has not seen.
  get unread() {
    return this.#handle?.unread ?? 0;
  }

  // Connects now, whatever the reason for waiting was; after signOut() as somebody new.
  reconnect() {
    if (this.#handle) this.#handle.reconnect();
    else if (this.isConnected && this.#turn === this.#failedTurn) this.#start();
  }

  // Ends the connections and deletes what is kept of this person. Before the chat has loaded there are no connections;
  // what is kept is deleted when it has.
  signOut() {
    if (this.#handle) this.#handle.signOut();
    else this.#signsOut = true;
  }

  connectedCallback() {
    if (!this.#handle) this.#start();
  }

  disconnectedCallback() {
    // An element that is moved is disconnected and connected in one go.
    queueMicrotask(() => {
      if (!this.isConnected) this.#stop();
    });
  }

  // Moving by moveBefore() keeps everything.
  connectedMoveCallback() {}

  attributeChangedCallback(name, before, now) {
    if (before === now || !this.isConnected) return;
    if (CHANGEABLE.has(name)) {
      this.#update();
    } else {
      this.#stop();
      this.#start();
    }
  }

  // Several changes at once are taken over together.
  #update() {
    if (!this.#handle || this.#changed) return;
    this.#changed = true;
    queueMicrotask(() => {
      this.#changed = false;
      if (!this.#handle) return;
      try {
        this.#handle.update(this.#options());
      } catch (error) {
        this.#report(error);
      }
    });
  }

  async #start() {
    const turn = ++this.#turn;
    this.#say("loading", "status", "…");
    try {
      const app = await load();
      if (turn !== this.#turn) return;
      this.#root.replaceChildren();
      this.#handle = app.mount(this, this.#root, this.#options());
      if (this.#signsOut) this.#handle.signOut();
      this.#signsOut = false;
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
    }
  }

  #stop() {
    this.#turn += 1;
    const handle = this.#handle;
    this.#handle = undefined;
    handle?.free();
    this.#root.replaceChildren();
  }

  #options() {
    const given = ATTRIBUTES.map((name) => [name, this.getAttribute(name)]);
    const { name, ...attributes } = Object.fromEntries(given);
    const own = this.#user?.name;
    return JSON.stringify({ ...attributes, name: typeof own === "string" ? own : name });
  }

  #fail(error) {
    this.#failedTurn = this.#turn;
    this.#say("failure", "alert", error.message);
    this.#report(error);
  }

  // Plain words in place of the chat.
  #say(part, role, text) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(FIRST_STYLE);
    this.#root.adoptedStyleSheets = [sheet];
    const words = document.createElement("p");
    words.className = part;
    words.setAttribute("part", part);
    words.setAttribute("role", role);
    words.textContent = text;
    this.#root.replaceChildren(words);
  }

  #report(error) {
    const detail = { message: error.message };
    this.dispatchEvent(new CustomEvent("roomlet-error", { bubbles: true, composed: true, detail }));
  }
}

function explainLoading(error) {
  const { message } = error;
  // What browsers say of a policy without 'wasm-unsafe-eval'.
  if (/unsafe-eval|Content Security Policy/i.test(message)) {
    return "The chat cannot start: this page’s security policy forbids WebAssembly. Add 'wasm-unsafe-eval' to its script-src.";
  }
  return `The chat could not be loaded. Reload the page to try again. (${message})`;
}

if (!customElements.get("roomlet-chat")) customElements.define("roomlet-chat", RoomletChat);
