// Defines <roomlet-chat> and loads the WebAssembly behind it.

const ATTRIBUTES = [
  "api-key",
  "auth-mode",
  "backend",
  "dialect",
  "dir",
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
const CHANGEABLE = new Set(["dir", "lang", "name", "room"]);
const PROPERTIES = ["auth", "texts", "user"];

// The element's size and looks until the WebAssembly brings the real ones, and where it cannot be loaded.
const FIRST_STYLE = `
  :host { display: block; block-size: var(--roomlet-height, 480px); contain: layout style; }
  :host([hidden]) { display: none; }
  .loading { margin: 0; padding: 1em; text-align: center; opacity: 0; animation: appear 0s 0.5s forwards; }
  .failure { margin: 0; padding: 1em; border: 1px solid; border-radius: 0.75em; overflow-wrap: anywhere; }
  .detail { display: block; font-size: 0.875em; }
  @keyframes appear { to { opacity: 0.6; } }
`;

// What the element says before the WebAssembly can, by the names that a page's `texts` have for it.
const WORDS = {
  ar: {
    loading: "جارٍ تحميل الدردشة…",
    loadFailed: "تعذّر تحميل الدردشة. أعد تحميل الصفحة للمحاولة مرة أخرى.",
    loadForbidden: "لا يمكن بدء الدردشة: سياسة أمان هذه الصفحة تمنع WebAssembly.",
    refusedMisconfigured: "إعداد هذه الدردشة غير صحيح. على القائمين عليها إصلاحه.",
  },
  de: {
    loading: "Chat wird geladen …",
    loadFailed: "Der Chat konnte nicht geladen werden. Bitte laden Sie die Seite neu.",
    loadForbidden: "Der Chat kann nicht starten: Die Sicherheitsrichtlinie dieser Seite verbietet WebAssembly.",
    refusedMisconfigured: "Dieser Chat ist nicht richtig eingerichtet. Das muss der Betreiber beheben.",
  },
  en: {
    loading: "Loading the chat…",
    loadFailed: "The chat could not be loaded. Reload the page to try again.",
    loadForbidden: "The chat cannot start: this page’s security policy forbids WebAssembly.",
    refusedMisconfigured: "This chat is not set up correctly. Whoever runs it must mend that.",
  },
  es: {
    loading: "Cargando el chat…",
    loadFailed: "No se pudo cargar el chat. Vuelve a cargar la página para intentarlo de nuevo.",
    loadForbidden: "El chat no puede iniciarse: la política de seguridad de esta página prohíbe WebAssembly.",
    refusedMisconfigured: "Este chat no está bien configurado. Debe corregirlo quien lo administra.",
  },
  ja: {
    loading: "チャットを読み込んでいます…",
    loadFailed: "チャットを読み込めませんでした。ページを再読み込みしてください。",
    loadForbidden: "チャットを開始できません：このページのセキュリティポリシーがWebAssemblyを禁止しています。",
    refusedMisconfigured: "このチャットは正しく設定されていません。管理者による修正が必要です。",
  },
  ko: {
    loading: "채팅을 불러오는 중…",
    loadFailed: "채팅을 불러오지 못했어요. 페이지를 새로 고쳐 다시 시도해 주세요.",
    loadForbidden: "채팅을 시작할 수 없어요. 이 페이지의 보안 정책이 WebAssembly를 금지하고 있어요.",
    refusedMisconfigured: "채팅 설정이 올바르지 않아요. 운영자가 고쳐야 해요.",
  },
};
const RIGHT_TO_LEFT = new Set(["ar"]);

// The chat's code could not be had or may not run here; everything else is about what the page asks for.
class LoadError extends Error {
  constructor({ words, detail }) {
    super(`${WORDS.en[words]} ${detail}`);
    Object.assign(this, { words, detail });
  }
}

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
  #texts;
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

  // {name: template}: the page's own texts, in place of those of the language.
  get texts() {
    return this.#texts;
  }

  set texts(texts) {
    this.#texts = texts;
    this.#update();
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
    this.#say("loading", "status", "loading");
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
    const texts = this.#texts ?? null;
    return JSON.stringify({ ...attributes, name: typeof own === "string" ? own : name, texts });
  }

  #fail(error) {
    this.#failedTurn = this.#turn;
    const { words = "refusedMisconfigured", detail = error.message } = error;
    this.#say("failure", "alert", words, detail);
    this.#report(error);
  }

  // Plain words in place of the chat, and for whoever runs it what exactly is wrong, in English.
  #say(part, role, name, detail) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(FIRST_STYLE);
    this.#root.adoptedStyleSheets = [sheet];
    const words = document.createElement("p");
    words.className = part;
    words.setAttribute("part", part);
    words.setAttribute("role", role);
    const language = this.#language();
    const own = this.#texts?.[name];
    words.lang = language;
    words.dir = this.dir || (RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr");
    words.textContent = typeof own === "string" ? own : WORDS[language][name];
    if (detail) {
      const explained = document.createElement("span");
      explained.className = "detail";
      explained.lang = "en";
      explained.dir = "ltr";
      explained.textContent = detail;
      words.append(" ", explained);
    }
    this.#root.replaceChildren(words);
  }

  // As the widget chooses it: the first that it speaks of the attribute, the page and the browser.
  #language() {
    const tags = [this.lang, document.documentElement.lang, ...(navigator.languages ?? [])];
    const primary = tags.map((tag) => tag.split(/[-_]/)[0].toLowerCase());
    return primary.find((language) => Object.hasOwn(WORDS, language)) ?? "en";
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
    return { words: "loadForbidden", detail: "Add 'wasm-unsafe-eval' to its script-src." };
  }
  return { words: "loadFailed", detail: `(${message})` };
}

if (!customElements.get("roomlet-chat")) customElements.define("roomlet-chat", RoomletChat);
