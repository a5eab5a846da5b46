// A shared worker: holds the one event stream of a browser for all its open pages, however often they come and go.
//
// A page says {url, of, after} when it begins to look and again every few seconds, and {rest: true} when it does not look
// any more. A page that died says nothing at all, and is forgotten after a while.
import { Stream } from "./stream.js";

const LINGER_MS = 1500;
const SWEEP_MS = 30_000;
const SILENT_MS = 90_000;

const pages = new Map();
let stream = null;

addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => (data.rest ? rest(port) : look(port, data)));
  port.start();
});

function look(port, { url, of, after }) {
  stream ??= new Stream(url, tell);
  if (!pages.has(port)) stream.hurry();
  pages.set(port, { of, heardAt: Date.now() });
  const missed = stream.follow(of, after);
  if (stream.isOpen) port.postMessage({ is: "open" });
  if (stream.failures) port.postMessage({ is: "lost", failures: stream.failures });
  if (missed !== null) port.postMessage({ is: "changed", of, position: missed, kinds: null });
}

function tell(message) {
  for (const [port, page] of pages) if (message.of === undefined || message.of === page.of) port.postMessage(message);
}

// The next page of a tab comes right after the last one: the stream waits for it.
function rest(port) {
  pages.delete(port);
  setTimeout(tidy, LINGER_MS);
}

function tidy() {
  stream?.keep(new Set([...pages.values()].map((page) => page.of)));
}

setInterval(() => {
  const oldest = Date.now() - SILENT_MS;
  for (const [port, page] of pages) if (page.heardAt < oldest) pages.delete(port);
  tidy();
}, SWEEP_MS);
