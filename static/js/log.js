// Follows logs: <pre data-log-url data-log-offset data-log-live> asks `url?offset=N` and appends what is new.
//
// A log is followed by its reader, too, while they look at its end: the box beside it says so, and leads back there.
// The answer is plain text; `X-Log-Offset` is the offset to ask from next, `X-Log-Ended: true` says that no more will come.
const EVERY_MS = 1000;
const QUIET_MS = 3000;
const MOST_CHARACTERS = 1_000_000;
const NEAR_END_PIXELS = 24;

const followed = new WeakSet();

// Begins with every log that is not followed yet: called once for the page, and again for each part that was taken over.
export function followLogs(within = document) {
  for (const log of within.querySelectorAll("[data-log-url]")) {
    if (followed.has(log)) continue;
    followed.add(log);
    log.scrollTop = log.scrollHeight;
    if ("logLive" in log.dataset) new Follower(log, within.querySelector("[data-log-follow]")).again(EVERY_MS);
  }
}

class Follower {
  constructor(log, box) {
    this.log = log;
    this.box = box;
    log.addEventListener("scroll", () => box && (box.checked = this.isAtEnd));
    box?.addEventListener("change", () => box.checked && this.showEnd());
    document.addEventListener("visibilitychange", () => document.hidden || this.again(0));
  }

  get isAtEnd() {
    const { log } = this;
    return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PIXELS;
  }

  showEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  again(after) {
    clearTimeout(this.timer);
    const isGoingOn = "logLive" in this.log.dataset && this.log.isConnected;
    if (isGoingOn && !document.hidden) this.timer = setTimeout(() => this.read(), after);
  }

  async read() {
    if (this.isReading) return;
    this.isReading = true;
    const gained = await this.fetchMore().catch(() => 0);
    this.isReading = false;
    this.again(gained ? EVERY_MS : QUIET_MS);
  }

  async fetchMore() {
    const url = new URL(this.log.dataset.logUrl, location.href);
    url.searchParams.set("offset", this.log.dataset.logOffset);
    const answer = await fetch(url, { cache: "no-store" });
    if (!answer.ok) return 0;
    const text = await answer.text();
    this.append(text);
    this.log.dataset.logOffset = answer.headers.get("X-Log-Offset") ?? this.log.dataset.logOffset;
    if (answer.headers.get("X-Log-Ended") === "true") this.end();
    return text.length;
  }

  append(text) {
    if (!text) return;
    const { log } = this;
    const isFollowed = this.box?.checked ?? this.isAtEnd;
    log.append(text);
    if (log.textContent.length > MOST_CHARACTERS) log.textContent = log.textContent.slice(-MOST_CHARACTERS / 2);
    if (isFollowed) this.showEnd();
  }

  end() {
    delete this.log.dataset.logLive;
    document.dispatchEvent(new CustomEvent("log:ended"));
  }
}
