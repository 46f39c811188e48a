// Defines <roomlet-chat> and loads the WebAssembly behind it.

const ATTRIBUTES = ["backend", "dialect", "endpoint", "lang", "name", "profile", "room", "storage"];
// A change of these means another conversation: the widget starts anew.
const LASTING = new Set(["backend", "dialect", "endpoint", "profile", "storage"]);

// Shown where the chat itself cannot be loaded.
const FALLBACK_STYLE = `
  :host { display: block; }
  .failure { margin: 0; padding: 1em; font: inherit; border: 1px solid; border-radius: 0.75em; }
`;

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
      throw error;
    });
  return loading;
}

class RoomletChat extends HTMLElement {
  static observedAttributes = ATTRIBUTES;

  #root = this.attachShadow({ mode: "open" });
  #handle;
  // Counts starts and stops, so that a start that was overtaken while it waited gives up.
  #turn = 0;
  #changed = false;

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
    if (LASTING.has(name)) {
      this.#stop();
      this.#start();
    } else if (this.#handle && !this.#changed) {
      // Several attributes that change together are taken over together.
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
  }

  async #start() {
    const turn = ++this.#turn;
    try {
      const app = await load();
      if (turn !== this.#turn) return;
      this.#root.replaceChildren();
      this.#handle = app.mount(this, this.#root, this.#options());
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
    return JSON.stringify(Object.fromEntries(given));
  }

  #fail(error) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(FALLBACK_STYLE);
    this.#root.adoptedStyleSheets = [sheet];
    const words = document.createElement("p");
    words.className = "failure";
    words.setAttribute("part", "failure");
    words.setAttribute("role", "alert");
    words.textContent = explain(error);
    this.#root.replaceChildren(words);
    this.#report(error);
  }

  #report(error) {
    const detail = { message: explain(error) };
    this.dispatchEvent(new CustomEvent("roomlet-error", { bubbles: true, composed: true, detail }));
  }
}

function explain(error) {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof WebAssembly.CompileError && /unsafe-eval|Content Security Policy/i.test(message)) {
    return "The chat cannot start: this page’s security policy forbids WebAssembly. Add 'wasm-unsafe-eval' to its script-src.";
  }
  if (error instanceof TypeError || error instanceof WebAssembly.CompileError) {
    return `The chat could not be loaded. Reload the page to try again. (${message})`;
  }
  return message;
}

if (!customElements.get("roomlet-chat")) customElements.define("roomlet-chat", RoomletChat);
