// Keeps a page current: one event stream says when to look again, the page itself says what there is to see.
//
// <body data-live-url data-live-cursor> names the stream and the position the page was drawn at. Each event makes the
// page fetch its own address with `X-Fragment: live`, at most once a second, and take over its data-live parts. Without a
// stream it asks every ten seconds. Hidden pages rest. #live-state tells how current the page is.
import { setClock } from "./ages.js";
import { rememberServed, takeOver } from "./swap.js";

const APART_MS = 1000;
const POLL_MS = 10_000;
const STALE_MS = 30_000;
const FAILURES_UNTIL_POLLING = 3;
const SLOWEST_RETRY_MS = 30_000;

export function startLive() {
  const { liveUrl, liveCursor } = document.body.dataset;
  rememberServed();
  if (liveUrl) new Live(liveUrl, liveCursor ?? "").start();
}

class Live {
  constructor(url, cursor) {
    this.url = new URL(url, location.href);
    this.cursor = cursor;
    this.failures = 0;
    this.lookedAt = 0;
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
    setInterval(() => document.hidden || this.beat(), APART_MS);
    if (!document.hidden) this.connect();
  }

  rest() {
    this.source?.close();
    this.source = null;
    this.isConnected = false;
    clearTimeout(this.retry);
  }

  wake() {
    if (!this.source) this.connect();
    this.lookSoon();
  }

  connect() {
    this.rest();
    this.url.searchParams.set("after", this.cursor);
    this.source = new EventSource(this.url);
    this.source.onopen = () => this.onOpen();
    this.source.onmessage = (event) => this.onEvent(event);
    this.source.onerror = () => this.onLost();
  }

  onOpen() {
    const wasLost = this.failures > 0;
    this.failures = 0;
    this.isConnected = true;
    this.currentAt = Date.now();
    this.show();
    if (wasLost) this.lookSoon();
  }

  onEvent(event) {
    this.cursor = event.lastEventId || this.cursor;
    this.lookSoon();
  }

  onLost() {
    this.failures += 1;
    this.isConnected = false;
    this.show();
    if (this.source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => document.hidden || this.connect(), Math.min(APART_MS * 2 ** this.failures, SLOWEST_RETRY_MS));
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
    this.show();
  }

  lookSoon() {
    if (this.planned || this.isSignedOut) return;
    this.planned = setTimeout(() => this.look(), Math.max(this.lookedAt + APART_MS - Date.now(), 0));
  }

  async look() {
    this.lookedAt = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { "X-Fragment": "live" }, cache: "no-store" });
      this.isSignedOut = answer.status === 401 || new URL(answer.url).pathname !== location.pathname;
      this.isBehind = !answer.ok;
      if (answer.ok && !this.isSignedOut) this.take(await answer.text());
    } catch {
      this.isBehind = true;
    }
    this.planned = null;
    this.show();
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
