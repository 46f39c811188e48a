//! Narrow, light and dark.

use roomlet_e2e::{Backend, Chat, Screen, chromium, journey};
use roomlet_local::PathFaults;
use serde_json::json;

/// WCAG 2.2, success criterion 1.4.3, for text of this size.
const READABLE: f64 = 4.5;

#[test]
fn nothing_overflows_at_280_pixels() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let visit = backend.basic().by("Ann").in_room("a-room-with-quite-a-long-name-for-a-phone");
        let ann = stage.enter(&visit).await;
        chromium::set_viewport(&ann.window, 280, 640).await;
        everything_at_once(&backend, &ann).await;
        ann.paste(&"x".repeat(40_000)).await;
        ann.until("the composer complains", |screen| !screen.problem.is_empty()).await;

        assert_eq!(overflowing(&ann).await, [""; 0]);
        let languages = [
            ("ko", "연결됨"),
            ("ja", "接続済み"),
            ("de", "Verbunden"),
            ("es", "Conectado"),
            ("ar", "متصل"),
        ];
        for (language, connected) in languages {
            ann.set_attribute("lang", language).await;
            ann.until(language, |screen| screen.status_words == connected).await;
            assert_eq!(overflowing(&ann).await, [""; 0], "{language}");
        }
    });
}

#[test]
fn the_words_of_a_failure_fit_280_pixels() {
    journey(async |stage| {
        let visit = roomlet_e2e::Visit::to_page("one.html").with("backend", "nonsense");
        let ann = stage.open(&visit).await;
        chromium::set_viewport(&ann.window, 280, 640).await;
        ann.until("words", |screen| !screen.failure.is_empty()).await;
        assert_eq!(overflowing(&ann).await, [""; 0]);
    });
}

#[test]
fn text_is_readable_in_light_and_dark() {
    journey(async |stage| {
        let backend = Backend::start().await;
        let ann = stage.enter(&backend.basic().by("Ann")).await;
        everything_at_once(&backend, &ann).await;
        ann.paste(&"a long draft ".repeat(4_000)).await;
        ann.until("the composer complains", |screen| !screen.problem.is_empty()).await;
        let mut backgrounds = Vec::new();
        for scheme in ["light", "dark"] {
            chromium::prefer_color_scheme(&ann.window, scheme).await;
            let measured: Vec<Contrast> = ann.run(CONTRAST, vec![json!(PARTS_WITH_TEXT)]).await;
            assert_eq!(measured.len(), PARTS_WITH_TEXT.len(), "each is there: {measured:#?}");
            let faint = measured.iter().filter(|part| part.ratio < READABLE).collect::<Vec<_>>();
            assert!(faint.is_empty(), "{scheme}: {faint:#?}");
            let background =
                "return getComputedStyle(root.querySelector('.chat')).backgroundColor;";
            backgrounds.push(ann.run::<String>(background, Vec::new()).await);
        }
        assert_ne!(backgrounds[0], backgrounds[1], "light and dark differ");
    });
}

/// Where text stands, with everything on the screen that [`everything_at_once`] brings.
const PARTS_WITH_TEXT: [&str; 14] = [
    ".title",
    ".status-text",
    ".date time",
    ".message:not(.own) .author",
    ".message:not(.own) .text",
    ".message.own[data-delivery='sent'] .text",
    ".message.own[data-delivery='sent'] .time",
    ".message[data-delivery='not-confirmed'] .reason",
    ".message[data-delivery='not-confirmed'] [data-action='retry']",
    ".notice",
    ".interruption",
    ".input",
    ".counter",
    ".problem-text",
];

#[derive(Debug, serde::Deserialize)]
struct Contrast {
    #[allow(dead_code, reason = "shown when a part is too faint")]
    part: String,
    ratio: f64,
}

/// Paints colours onto a canvas, so that the browser itself turns any notation into bytes, and blends what is translucent
/// over what is behind it.
const CONTRAST: &str = "\
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const paint = (colours) => {
      canvas.globalCompositeOperation = 'copy'; canvas.fillStyle = 'white'; canvas.fillRect(0, 0, 1, 1);
      canvas.globalCompositeOperation = 'source-over';
      for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (colour) => {
      const [red, green, blue] = colour.map((byte) => byte / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element) => {
      const colours = [];
      for (let at = element; at; at = at.parentElement) colours.unshift(getComputedStyle(at).backgroundColor);
      return colours;
    };
    return arguments[1].flatMap((part) => {
      const element = root.querySelector(part);
      if (!element) return [];
      const colours = behind(element);
      const back = luminance(paint(colours));
      const text = luminance(paint([...colours, getComputedStyle(element).color]));
      return [{ part, ratio: (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05) }];
    });";

/// Brings each kind of row onto the screen: others' and own messages, one not confirmed, a notice, an interruption.
async fn everything_at_once(backend: &Backend, ann: &Chat) {
    let room: String = ann.run("return host.getAttribute('room') ?? 'lobby';", Vec::new()).await;
    ann.say("An own message that is long enough to be broken into several lines.").await;
    ann.until("sent", |screen| screen.messages.len() == 1 && screen.all_own_sent()).await;
    let other = json!({
        "roomId": room, "senderConnectionId": "c1=", "createdAt": "2026-01-02T03:04:05.678Z",
        "text": format!("https://example.org/{}", "path/".repeat(40)),
    });
    backend.send_raw(&room, &other.to_string());
    backend.send_raw(&room, &format!("no-json-{}", "z".repeat(300)));
    ann.until("both are there", |screen| screen.notices.len() == 1).await;
    backend.close_all(1012);
    ann.until("told of the interruption", |screen| screen.interruptions == 1).await;
    ann.until_online().await;
    backend.trouble_basic(PathFaults { fail_next_sends: 1, ..PathFaults::default() }).await;
    ann.say("not confirmed").await;
    let is_so =
        |screen: &Screen| screen.messages.iter().any(|message| message.delivery == "not-confirmed");
    ann.until("not confirmed", is_so).await;
}

/// The parts that are wider than their place, but for those that only screen readers meet.
async fn overflowing(chat: &Chat) -> Vec<String> {
    let script = "\
        const limit = document.documentElement.clientWidth + 0.5; \
        const parts = [document.documentElement, ...root.querySelectorAll('*')]; \
        const hidden = (part) => getComputedStyle(part).clipPath !== 'none' || getComputedStyle(part).textOverflow === 'ellipsis'; \
        const name = (part) => part.getAttribute('class') || part.tagName; \
        return parts.filter((part) => !hidden(part)).flatMap((part) => { \
            const wide = part.scrollWidth > part.clientWidth && part.clientWidth > 0; \
            const out = part.getBoundingClientRect().right > limit; \
            return wide || out ? [`${name(part)}: ${part.scrollWidth} in ${part.clientWidth}, to ${part.getBoundingClientRect().right}`] : []; \
        });";
    chat.run(script, Vec::new()).await
}
