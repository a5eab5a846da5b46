// Keeps a page current: a line says when something changed, the page itself says what there is to see.
//
// <body data-live-url data-live-of data-live-cursor> names the stream, what the page is about, and the position it was
// drawn at. What changed makes the page fetch its own address with `X-Fragment: live` and take over its data-live parts:
// at once, some times in a row, and on the whole once a second. `data-live-on="job gpu"` on a part says which kinds of
// events can concern it; without it, all can. Parts outside <main> are in no hurry. Without a line the page asks every
// ten seconds. Hidden pages rest. #live-state tells how current the page is.
import { setClock } from "./ages.js";
import { OwnLine, openLine } from "./line.js";
import { rememberServed, takeOver } from "./swap.js";

const BEAT_MS = 1000;
const LOOKS_IN_A_ROW = 5;
const RECOVER_MS = 1000;
const REST_PER_LOOK = 2;
const CALM_MS = 5000;
const POLL_MS = 10_000;
const STALE_MS = 30_000;
const STILL_HERE_MS = 10_000;
const FAILURES_UNTIL_POLLING = 3;

export function startLive() {
  rememberServed();
  if (document.body.dataset.liveUrl) new Live(document.body.dataset).start();
}

class Live {
  constructor({ liveUrl, liveOf, liveCursor }) {
    this.url = new URL(liveUrl, location.href);
    this.of = liveOf ?? "";
    this.cursor = Number(liveCursor) || 0;
    this.line = openLine((message) => this.hear(message));
    this.failures = 0;
    this.lookedAt = this.tookMs = this.toldAt = this.countedAt = 0;
    this.counted = LOOKS_IN_A_ROW;
    this.currentAt = Date.now();
    this.isConnected = false;
    this.isBehind = false;
    this.isSignedOut = false;
  }

  start() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.wake()));
    addEventListener("pagehide", () => this.rest());
    addEventListener("pageshow", (event) => event.persisted && this.wake());
    document.addEventListener("focusout", () => this.isWaiting && this.lookSoon());
    document.addEventListener("toggle", (event) => this.isWaiting && !event.target.open && this.lookSoon(), true);
    document.addEventListener("log:ended", () => this.lookSoon());
    setInterval(() => document.hidden || this.beat(), BEAT_MS);
    if (!document.hidden) this.connect();
  }

  rest() {
    this.line.rest();
    this.isConnected = false;
    clearTimeout(this.planned);
    this.planned = null;
  }

  wake() {
    this.connect();
    this.lookSoon();
  }

  connect() {
    this.toldAt = Date.now();
    this.line.look(this.url, this.of, this.cursor);
  }

  hear({ is, position, kinds, failures }) {
    if (document.hidden) return;
    if (is === "open") this.open();
    if (is === "changed") this.change(position, kinds);
    if (is === "lost") this.lose(failures);
    if (is === "broken") this.standAlone();
  }

  open() {
    const wasLost = this.failures > 0;
    this.failures = 0;
    this.isConnected = true;
    this.currentAt = Date.now();
    this.show();
    if (wasLost && this.isBehind) this.lookSoon();
  }

  // Also told of no newer position a page looks: so it learns that the control plane went away, or is back.
  change(position, kinds) {
    this.cursor = Math.max(this.cursor, position);
    const after = delayOf(kinds);
    if (after !== null) this.lookSoon(after);
  }

  lose(failures) {
    this.failures = failures;
    this.isConnected = false;
    this.show();
  }

  standAlone() {
    this.line = new OwnLine((message) => this.hear(message));
    this.connect();
  }

  // A part that shows readings, of which no event tells, says how many seconds they are good for.
  get isDue() {
    const seconds = document.querySelector("[data-live-every]")?.dataset.liveEvery;
    return seconds !== undefined && Date.now() - this.lookedAt >= seconds * 1000;
  }

  get isCurrent() {
    return this.isConnected && !this.isBehind;
  }

  beat() {
    if (this.isCurrent) this.currentAt = Date.now();
    const mustAsk = this.isBehind || this.failures >= FAILURES_UNTIL_POLLING;
    if (this.isCurrent && this.isDue) this.lookSoon();
    if (mustAsk && Date.now() - this.lookedAt >= POLL_MS) this.lookSoon();
    if (Date.now() - this.toldAt >= STILL_HERE_MS) this.connect();
    this.show();
  }

  // At once while there is credit for it, else when the next comes in; a page that is slow to come is asked for less.
  lookSoon(after = 0) {
    if (this.isSignedOut) return;
    const due = Math.max(Date.now() + after, this.lookedAt + REST_PER_LOOK * this.tookMs, this.creditAt());
    if (this.planned && this.plannedAt <= due) return;
    clearTimeout(this.planned);
    this.plannedAt = due;
    this.planned = setTimeout(() => this.look(), due - Date.now());
  }

  // How many looks may follow at once: they come back one by one, also while others are taken.
  get credit() {
    return Math.min(this.counted + (Date.now() - this.countedAt) / RECOVER_MS, LOOKS_IN_A_ROW);
  }

  creditAt() {
    return Date.now() + Math.max(0, (1 - this.credit) * RECOVER_MS);
  }

  async look() {
    this.planned = null;
    if (this.isLooking) {
      this.isWanted = true;
      return;
    }
    this.isLooking = true;
    const began = Date.now();
    this.counted = this.credit - 1;
    this.lookedAt = this.countedAt = began;
    await this.ask();
    this.tookMs = Date.now() - began;
    this.isLooking = false;
    this.show();
    if (this.isWanted) this.lookSoon();
    this.isWanted = false;
  }

  async ask() {
    try {
      const answer = await fetch(location.href, { headers: { "X-Fragment": "live" }, cache: "no-store" });
      this.isSignedOut = answer.status === 401 || new URL(answer.url).pathname !== location.pathname;
      this.isBehind = !answer.ok;
      if (answer.ok && !this.isSignedOut) this.take(await answer.text());
    } catch {
      this.isBehind = true;
    }
  }

  take(text) {
    const newer = new DOMParser().parseFromString(text, "text/html");
    this.isWaiting = takeOver(newer);
    this.currentAt = Date.now();
    setClock(newer.body.dataset.now);
  }

  show() {
    const [shape, words] = this.words();
    const place = document.getElementById("live-state");
    if (!place || place.dataset.words === words) return;
    place.dataset.words = words;
    place.title = words;
    place.firstElementChild.className = `shape is-${shape}`;
    place.lastElementChild.textContent = words;
  }

  words() {
    const seconds = Math.round((Date.now() - this.currentAt) / 1000);
    if (this.isSignedOut) return ["bad", "signed out: reload"];
    if (this.isCurrent) return ["ok", "live"];
    if (seconds * 1000 >= STALE_MS) return ["bad", `stale, ${seconds} s old`];
    if (this.failures >= FAILURES_UNTIL_POLLING) return ["wait", "every 10 s"];
    return this.failures || this.isBehind ? ["wait", "reconnecting"] : ["idle", "connecting"];
  }
}

// How long the page may wait before it looks at what changed; null when nothing of it shows such things.
function delayOf(kinds) {
  let shortest = null;
  for (const region of document.querySelectorAll("[data-live]")) {
    const own = region.dataset.liveOn?.split(" ");
    if (kinds && own && !kinds.some((kind) => own.includes(kind))) continue;
    const delay = region.closest("main") ? 0 : CALM_MS;
    if (shortest === null || delay < shortest) shortest = delay;
  }
  return shortest;
}
