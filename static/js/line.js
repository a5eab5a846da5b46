// A page's line to what happens: the stream that all pages of this browser share, or one of its own where there are no
// shared workers. (A leader among the tabs would need locks, which pages served in the clear do not have.)
import { Stream } from "./stream.js";

export function openLine(listen) {
  if (!("SharedWorker" in globalThis)) return new OwnLine(listen);
  try {
    return new SharedLine(new SharedWorker(new URL("./shared.js", import.meta.url), { type: "module" }), listen);
  } catch {
    return new OwnLine(listen);
  }
}

class SharedLine {
  constructor(worker, listen) {
    this.port = worker.port;
    this.port.onmessage = (event) => listen(event.data);
    worker.onerror = () => listen({ is: "broken" });
  }

  // Said again and again, it also tells that this page is still there.
  look(url, of, after) {
    this.port.postMessage({ url: String(url), of, after });
  }

  rest() {
    this.port.postMessage({ rest: true });
  }
}

export class OwnLine {
  constructor(listen) {
    this.listen = listen;
  }

  look(url, of, after) {
    this.stream ??= new Stream(url, this.listen);
    this.stream.follow(of, after);
  }

  rest() {
    this.stream?.keep(new Set());
  }
}
