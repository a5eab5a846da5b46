// The event stream of a whole browser: one connection for everything that its pages look at.
//
// `of` is an experiment's id, or empty for the whole deployment. The address names the newest position known of each, so
// that a stream that was lost, or is opened anew for one more page, misses nothing.
const FIRST_RETRY_MS = 250;
const SLOWEST_RETRY_MS = 30_000;
const TOGETHER_MS = 10;

export class Stream {
  // `listen` hears {is: "open"}, {is: "lost", failures} and {is: "changed", of, position, kinds}.
  constructor(url, listen) {
    this.url = url;
    this.listen = listen;
    this.positions = new Map();
    this.failures = 0;
    this.isOpen = false;
  }

  // Tells of what comes after a position; gives the newest one that it told others of, when that is beyond.
  follow(of, after) {
    const known = this.positions.get(of);
    if (known === undefined) {
      this.positions.set(of, after);
      this.openSoon();
    }
    return known > after ? known : null;
  }

  // Tries again now, when it is lost: somebody has come who may be signed in again.
  hurry() {
    if (this.failures && this.positions.size) this.openSoon();
  }

  // Tells of nothing but these from now on; without any, the connection ends.
  keep(wanted) {
    for (const of of [...this.positions.keys()]) if (!wanted.has(of)) this.positions.delete(of);
    if (!this.positions.size) this.close();
  }

  openSoon(after = TOGETHER_MS) {
    clearTimeout(this.opening);
    this.opening = setTimeout(() => this.open(), after);
  }

  open() {
    this.close();
    const url = new URL(this.url);
    for (const [of, position] of this.positions) url.searchParams.append("of", `${of}:${position}`);
    this.source = new EventSource(url);
    this.source.onopen = () => this.begin();
    this.source.onmessage = (event) => this.hear(JSON.parse(event.data));
    this.source.onerror = () => this.lose();
  }

  close() {
    this.source?.close();
    this.source = null;
    this.isOpen = false;
    clearTimeout(this.opening);
  }

  begin() {
    this.failures = 0;
    this.isOpen = true;
    this.listen({ is: "open" });
  }

  hear({ of, position, kinds }) {
    if (!this.positions.has(of)) return;
    this.positions.set(of, Math.max(position, this.positions.get(of)));
    this.listen({ is: "changed", of, position, kinds });
  }

  // After a server has started again, its browsers do not all come back in the same moment.
  lose() {
    this.close();
    this.failures += 1;
    this.listen({ is: "lost", failures: this.failures });
    const longest = Math.min(FIRST_RETRY_MS * 2 ** this.failures, SLOWEST_RETRY_MS);
    this.openSoon(longest * (0.5 + Math.random() / 2));
  }
}
