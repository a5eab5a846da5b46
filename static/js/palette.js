// The palette (Ctrl or Cmd and K): every page of the tabs, every experiment, the acts of this page, and what the server finds.
const ASK_MS = 150;
const MOST = 12;

export function offerPalette() {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    if (!document.querySelector(".brand") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    new Palette().open();
  });
}

function entry(element, kind, words) {
  const label = words ?? element.firstChild?.textContent.trim();
  return { label: label || element.textContent.trim(), kind, run: () => run(element) };
}

function run(element) {
  if (element.matches("summary")) element.parentElement.open = true;
  element.focus();
  if (!element.matches("summary")) element.click();
}

function local() {
  const of = (selector) => [...document.querySelectorAll(selector)];
  return [
    ...of("main .head .acts a.btn, main .head .acts button, main .head .acts summary").filter((each) => each.checkVisibility())
      .map((each) => entry(each, "act", each.textContent.trim())),
    ...of(".tabs a").map((each) => entry(each, "page")),
    ...of(".brand").map((each) => entry(each, "page", "Home")),
    ...of(".fleet").map((each) => entry(each, "page", "Queue")),
    ...of(".operator a.entry").map((each) => entry(each, "page", each.textContent.trim())),
    ...of("#switcher li .entry").map((each) => entry(each, "experiment", each.querySelector(".entry-name")?.textContent)),
  ].filter((each, at, all) => all.findIndex((other) => other.label === each.label && other.kind === each.kind) === at);
}

class Palette {
  constructor() {
    this.known = local();
    this.found = [];
    this.at = 0;
    this.dialog = Object.assign(document.createElement("dialog"), { className: "palette" });
    this.dialog.setAttribute("aria-label", "Go anywhere, do anything on this page");
    this.input = Object.assign(document.createElement("input"), { className: "input", placeholder: "Go to, do or find", maxLength: 200 });
    this.list = Object.assign(document.createElement("ul"), { className: "palette-list", id: "palette-list" });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "What there is");
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-label": "Go to, do or find", autocomplete: "off" })) {
      this.input.setAttribute(name, value);
    }
    const ask = Object.assign(document.createElement("div"), { className: "palette-ask" });
    ask.append(this.input);
    this.dialog.append(ask, this.list);
  }

  open() {
    this.input.addEventListener("input", () => this.ask());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.dialog.addEventListener("close", () => this.leave());
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.input.focus();
    this.draw();
  }

  leave() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.dialog.remove();
  }

  get shown() {
    const wanted = this.input.value.trim().toLowerCase().split(/\s+/);
    const fits = ({ label }) => wanted.every((word) => label.toLowerCase().includes(word));
    return [...this.known.filter(fits).slice(0, MOST), ...this.found.slice(0, MOST)];
  }

  ask() {
    this.at = 0;
    this.found = [];
    this.draw();
    clearTimeout(this.timer);
    this.asking?.abort();
    const q = this.input.value.trim();
    if (q.length > 1) this.timer = setTimeout(() => this.find(q), ASK_MS);
  }

  async find(q) {
    const way = document.querySelector(".find-way");
    if (!way) return;
    this.asking = new AbortController();
    const url = `${new URL(way.href).pathname}?${new URLSearchParams({ q, stay: "1" })}`;
    try {
      const answer = await fetch(url, { signal: this.asking.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.found = [...page.querySelectorAll("[data-found]")].map((link) => ({
        label: link.textContent.trim(), kind: link.dataset.found, run: () => location.assign(link.getAttribute("href")),
      }));
      this.draw();
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error; // what cannot be asked is not listed
    }
  }

  draw() {
    const shown = this.shown;
    this.list.replaceChildren(...shown.map((each, at) => this.option(each, at)));
    if (!shown.length) this.list.append(Object.assign(document.createElement("li"), { textContent: "Nothing is called that.", role: "presentation" }));
    if (shown.length) this.input.setAttribute("aria-activedescendant", `palette-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  option({ label, kind }, at) {
    const option = Object.assign(document.createElement("li"), { id: `palette-${at}` });
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(at === this.at));
    option.append(Object.assign(document.createElement("span"), { textContent: label }), Object.assign(document.createElement("span"), { className: "sub", textContent: kind }));
    option.addEventListener("click", () => this.choose(at));
    return option;
  }

  onKey(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      this.at = Math.min(Math.max(this.at + by, 0), Math.max(this.shown.length - 1, 0));
      this.draw();
      document.getElementById(`palette-${this.at}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.choose(this.at);
    }
  }

  choose(at) {
    const chosen = this.shown[at];
    if (!chosen) return;
    this.dialog.close();
    chosen.run();
  }
}
