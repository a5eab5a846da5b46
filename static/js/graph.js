// The graph of a whole experiment: loads it in pieces, lets people move in it, and has it grow without moving anything.
import { Canvas } from "./graph_canvas.js";
import { Graph, figure } from "./graph_data.js";
import { Layout } from "./graph_layout.js";
import { Panel } from "./graph_panel.js";
import { steer } from "./graph_steering.js";
import { saveSvg } from "./graph_svg.js";

const WHOLE_UNTIL = 250;
const COMPARED = 4;

export async function startGraph(root) {
  const view = new GraphView(root);
  await view.load();
  root.dataset.ready = "yes";
  return view;
}

class GraphView {
  constructor(root) {
    this.root = root;
    this.graph = new Graph(root.dataset.direction === "minimize");
    this.canvas = new Canvas(root.querySelector("canvas"), this.graph);
    this.panel = new Panel(root, this.graph, (node) => this.look(node));
    this.mode = "all";
    this.layout = new Layout();
    this.trail = [];
    this.chosen = new Set();
    steer(this);
    this.wire();
  }

  one(name) {
    return this.root.querySelector(`[data-graph-${name}]`);
  }

  wire() {
    for (const button of this.root.querySelectorAll("[data-graph-mode]")) {
      button.addEventListener("click", () => this.setMode(button.dataset.graphMode));
    }
    this.one("dead").addEventListener("change", () => this.arrange());
    this.one("search").addEventListener("input", (event) => this.find(event.target.value));
    this.one("search").addEventListener("keydown", (event) => event.key === "Enter" && this.nextFound(event));
    this.one("save").addEventListener("click", () => saveSvg(this.canvas, this.root.dataset.name));
    const stamp = document.querySelector("[data-live=stamp]");
    if (stamp) new MutationObserver(() => this.grow()).observe(stamp, { attributes: true, childList: true, subtree: true });
  }

  // Pieces are asked for all at once, since numbers have no gaps, and taken in as they follow each other. The page has
  // asked for the first of them already.
  async load() {
    const size = Number(this.root.dataset.piece);
    const asked = [];
    for (let after = 0; after === 0 || after < Number(this.root.dataset.total); after += size) asked.push(this.fetch({ after }, "default"));
    let piece = null;
    for (const coming of asked) {
      piece = await coming;
      if (!piece) return;
      this.take(piece);
    }
    while (piece.next !== null) {
      piece = await this.fetch({ after: piece.next });
      if (!piece) return;
      this.take(piece);
    }
    if (!this.hasMoved) this.frame();
  }

  take(piece) {
    const isFirst = this.graph.cursor === null;
    this.graph.take(piece);
    this.sync();
    if (isFirst) this.begin();
  }

  async fetch(query, cache = "no-store") {
    const url = new URL(this.root.dataset.url, location.href);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    try {
      const answer = await fetch(url, { cache });
      if (answer.ok) return await answer.json();
    } catch {
      // told below
    }
    this.panel.tell("The graph cannot be read now; it is asked for again when something changes.");
    return null;
  }

  // What has changed since: new variants find a place of their own, all others keep theirs.
  async grow() {
    if (this.isAsking) return void (this.isDue = true);
    this.isAsking = true;
    do {
      this.isDue = false;
      const piece = this.graph.cursor === null ? null : await this.fetch({ since: this.graph.cursor });
      if (!piece) break;
      this.isDue ||= piece.cursor > this.graph.cursor && piece.numbers.length >= 1000;
      this.graph.cursor = piece.cursor;
      this.graph.take(piece);
      this.sync();
      this.panel.show(this.focused, this.chosen.has(this.focused), (node) => this.choose(node));
    } while (this.isDue);
    this.isAsking = false;
  }

  begin() {
    const wanted = new URL(location.href).searchParams.get("around");
    const first = this.graph.nodes.find((node) => node.id === wanted) ?? this.graph.best ?? this.graph.nodes[0];
    if (first) this.focus(first);
    this.frame();
  }

  // The whole graph where it can be read, else the surroundings of what is looked at.
  frame() {
    if (!this.focused) return;
    if (this.canvas.shown.length <= WHOLE_UNTIL) this.canvas.fit(this.canvas.shown);
    else this.canvas.centre(this.focused, 0.7);
  }

  visible() {
    const { graph, mode } = this;
    const kin = mode === "all" || !this.focused ? null : graph.kin(this.anchor ?? this.focused, mode !== "down", mode !== "up");
    const dead = this.one("dead").checked ? graph.deadEnds() : null;
    return graph.nodes.filter((node) => (!kin || kin.has(node)) && (!dead?.has(node) || node === this.focused));
  }

  sync() {
    const shown = this.visible();
    for (const node of shown) {
      if (!this.layout.places.has(node.number)) this.layout.add(node.number, node.parentNumbers);
    }
    this.canvas.show(shown, this.layout);
    const { total } = this.graph;
    const counted = shown.length === total ? `${total.toLocaleString("en-US")} variants` : `${shown.length.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} variants`;
    this.one("count").textContent = counted;
    if (!this.graph.range || !this.one("low")) return;
    this.one("low").textContent = figure(this.graph.range[0], 4);
    this.one("high").textContent = figure(this.graph.range[1], 4);
  }

  // Somebody chose what to see: only then are places given anew.
  arrange() {
    this.layout = new Layout();
    this.sync();
    this.hasMoved = true;
    if (this.canvas.shown.length <= WHOLE_UNTIL) this.canvas.fit(this.canvas.shown);
    else if (this.focused) this.canvas.centre(this.focused);
    this.panel.tell(`${this.one("count").textContent} shown.`);
  }

  setMode(mode) {
    this.mode = mode;
    this.anchor = mode === "all" ? null : this.focused;
    for (const button of this.root.querySelectorAll("[data-graph-mode]")) button.setAttribute("aria-pressed", button.dataset.graphMode === mode);
    this.arrange();
  }

  // Look at a variant, and be able to come back.
  look(node, isRemembered = true) {
    if (!node || node === this.focused) return;
    if (isRemembered && this.focused) this.trail.push(this.focused);
    this.focus(node);
    if (!this.canvas.shown.includes(node)) this.setMode("all");
    this.canvas.reveal(node);
    this.panel.say(node);
    const url = new URL(location.href);
    url.searchParams.set("around", node.id);
    history.replaceState(null, "", url);
  }

  focus(node) {
    this.focused = this.canvas.focused = node;
    this.panel.show(node, this.chosen.has(node), (one) => this.choose(one));
    this.canvas.drawSoon();
  }

  back() {
    const node = this.trail.pop();
    if (node) this.look(node, false);
    else if (this.mode !== "all") this.setMode("all");
  }

  find(words) {
    this.found = this.graph.matching(words);
    this.foundAt = -1;
    this.canvas.marked = new Set([...this.found, ...this.chosen]);
    this.canvas.drawSoon();
    this.one("found").textContent = words.trim() ? `${this.found.length.toLocaleString("en-US")} found` : "";
  }

  nextFound(event) {
    event.preventDefault();
    if (!this.found?.length) return;
    this.foundAt = (this.foundAt + (event.shiftKey ? this.found.length - 1 : 1)) % this.found.length;
    this.look(this.found[this.foundAt]);
  }

  // Two to four variants go to the page that compares them.
  choose(node) {
    if (this.chosen.has(node)) this.chosen.delete(node);
    else if (this.chosen.size < COMPARED) this.chosen.add(node);
    this.canvas.marked = new Set([...(this.found ?? []), ...this.chosen]);
    this.focus(this.focused);
    const link = this.one("compare");
    const url = new URL(link.href);
    url.search = new URLSearchParams([...this.chosen].map((one) => ["variant", one.id]));
    link.href = url;
    link.hidden = this.chosen.size < 2;
    const names = [...this.chosen].map((one) => `${one.number} ${one.label}`).join(", ");
    link.textContent = `Compare ${names}`;
    this.panel.tell(this.chosen.size ? `To compare: ${names}.` : "Nothing is chosen to compare.");
  }

  open(node = this.focused) {
    if (node) location.assign(this.panel.url("variantUrl", node));
  }
}
