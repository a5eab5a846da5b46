// Draws a graph on a canvas: only what is in view, and no more detail than the scale can show.
import { GENERATION_WIDTH, LANE_HEIGHT, STRIP_WIDTH } from "./graph_layout.js";
import { STEPS, figure } from "./graph_data.js";

const LARGEST = 7.5;
const SMALLEST = 1.6;
const TALLEST = 2.5;
const NEAR = 0.55;
const FARTHEST = 0.02;
const NEAREST = 3;

export class Canvas {
  constructor(element, graph) {
    this.element = element;
    this.graph = graph;
    this.context = element.getContext("2d");
    this.view = { x: 0, y: 0, scale: 1, stretch: 1 };
    this.shown = [];
    this.marked = new Set();
    new ResizeObserver(() => this.fitElement()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.readColours());
    new MutationObserver(() => this.readColours()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.readColours();
  }

  readColours() {
    const probe = document.createElement("span");
    this.element.after(probe);
    const read = (name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    this.colours = Object.fromEntries(
      ["surface", "text", "muted", "line-strong", "line-control", "accent", "accent-soft", "run", "bad", "wait"].map((name) => [name, read(name)]),
    );
    this.scale = Array.from({ length: STEPS }, (_, step) => read(`scale-${step}`));
    this.font = getComputedStyle(this.element).fontFamily;
    probe.remove();
    this.drawSoon();
  }

  fitElement() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const before = { width: this.width ?? width, height: this.height ?? height };
    const ratio = devicePixelRatio || 1;
    Object.assign(this, { width, height, ratio });
    this.element.width = width * ratio;
    this.element.height = height * ratio;
    this.view.x += (width - before.width) / 2;
    this.view.y += (height - before.height) / 2;
    this.draw();
  }

  // What is drawn, each with its place.
  show(nodes, layout) {
    this.shown = nodes;
    this.layout = layout;
    this.drawSoon();
  }

  at(node) {
    return this.layout.places.get(node.number);
  }

  onScreen(node) {
    const place = this.at(node);
    return [place.x * this.view.scale + this.view.x, place.y * this.tall + this.view.y];
  }

  // A wide graph uses the height that there is: lanes may stand farther apart than generations do.
  get tall() {
    return this.view.scale * this.view.stretch;
  }

  get radius() {
    return Math.min(Math.max(0.4 * Math.min(LANE_HEIGHT * this.tall, STRIP_WIDTH * this.view.scale), SMALLEST), LARGEST);
  }

  fit(nodes, most = 1.4) {
    if (!this.width) this.fitElement(); // the variants may be there before anything was laid out
    if (!nodes.length || !this.width) return;
    const places = nodes.map((node) => this.at(node));
    const [left, right, top, bottom] = bounds(places);
    const room = Math.min(this.width * 0.25, 110);
    const [wide, tall] = [(this.width - room - 40) / (right - left + 1), (this.height - 60) / (bottom - top + 1)];
    this.view.scale = Math.max(Math.min(most, wide, tall), FARTHEST);
    this.view.stretch = Math.min(Math.max(tall / this.view.scale, 1), TALLEST, Math.max(most / this.view.scale, 1));
    this.view.x = (this.width - room) / 2 - ((left + right) / 2) * this.view.scale;
    this.view.y = this.height / 2 - ((top + bottom) / 2) * this.tall;
    this.drawSoon();
  }

  // Bring a variant into view, if it is not there already.
  reveal(node) {
    const [x, y] = this.onScreen(node);
    const edge = 48;
    if (x < edge) this.view.x += edge - x;
    if (x > this.width - edge * 2) this.view.x += this.width - edge * 2 - x;
    if (y < edge) this.view.y += edge - y;
    if (y > this.height - edge) this.view.y += this.height - edge - y;
    this.drawSoon();
  }

  centre(node, scale = this.view.scale) {
    if (!this.width) this.fitElement();
    const place = this.at(node);
    this.view.scale = scale;
    Object.assign(this.view, { x: this.width / 2 - place.x * scale, y: this.height / 2 - place.y * this.tall });
    this.drawSoon();
  }

  pan(dx, dy) {
    this.view.x += dx;
    this.view.y += dy;
    this.drawSoon();
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const scale = Math.min(Math.max(this.view.scale * factor, FARTHEST), NEAREST);
    const real = scale / this.view.scale;
    Object.assign(this.view, { scale, x: x - (x - this.view.x) * real, y: y - (y - this.view.y) * real });
    this.drawSoon();
  }

  under(x, y) {
    const reach = Math.max(this.radius, 10);
    let best = null;
    for (const node of this.shown) {
      const [left, top] = this.onScreen(node);
      const far = Math.hypot(left - x, top - y);
      if (far <= reach && (!best || far < best.far)) best = { node, far };
    }
    return best?.node ?? null;
  }

  drawSoon() {
    this.planned ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.planned);
    this.planned = null;
    if (!this.layout || !this.width) return;
    const context = this.context;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const set = new Set(this.shown);
    this.drawEdges(set);
    const inView = this.shown.filter((node) => this.isInView(...this.onScreen(node), 20));
    for (const node of inView) this.drawNode(node);
    if (this.view.scale > 0.3) this.drawLabels(inView);
  }

  isInView(x, y, edge) {
    return x > -edge && y > -edge && x < this.width + edge && y < this.height + edge;
  }

  drawEdges(set) {
    const kinds = { plain: new Path2D(), path: new Path2D(), own: new Path2D() };
    const counts = { plain: 0, path: 0, own: 0 };
    for (const node of this.shown) {
      const end = this.onScreen(node);
      for (const parent of node.parents) {
        if (!set.has(parent)) continue;
        const start = this.onScreen(parent);
        if (Math.max(start[0], end[0]) < 0 || Math.min(start[0], end[0]) > this.width) continue;
        if (Math.max(start[1], end[1]) < 0 || Math.min(start[1], end[1]) > this.height) continue;
        const isOwn = node === this.focused || parent === this.focused;
        const isPath = this.graph.path.has(node) && this.graph.chief(node) === parent;
        const kind = isPath ? "path" : isOwn ? "own" : "plain";
        counts[kind] += 1;
        curve(kinds[kind], start, end);
      }
    }
    // Where there are very many, each is fainter, so that what lies between them stays readable.
    this.context.globalAlpha = Math.min(1, Math.max(500 / counts.plain, 0.12));
    this.stroke(kinds.plain, this.colours["line-strong"], Math.min(1, 0.5 + this.view.scale));
    this.context.globalAlpha = Math.min(1, Math.max(40 / counts.own, 0.25));
    this.stroke(kinds.own, this.colours.muted, 1.4);
    this.context.globalAlpha = 1;
    this.stroke(kinds.path, this.colours.accent, 2.5);
  }

  stroke(path, colour, width) {
    Object.assign(this.context, { strokeStyle: colour, lineWidth: width });
    this.context.stroke(path);
  }

  drawNode(node) {
    const { context, colours } = this;
    const [x, y] = this.onScreen(node);
    const isChief = this.graph.path.has(node);
    const radius = Math.max(this.radius, isChief ? 3 : 0);
    const fill = node.step === null ? colours.surface : this.scale[node.step];
    if (radius < 2.4 && node !== this.focused && !this.marked.has(node)) {
      context.fillStyle = node.step === null ? this.lineOf(node) : fill;
      context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
      return;
    }
    const path = outline(this.kindOf(node), x, y, radius);
    context.fillStyle = fill;
    if (node.status !== "error") context.fill(path);
    this.stroke(path, isChief ? colours.accent : this.lineOf(node), isChief ? 2 : node.status === "error" ? 1.8 : 1.1);
    if (node.status === "integrated") this.stroke(outline("success", x, y, radius + 2.5), isChief ? colours.accent : colours["line-control"], 1);
    if (this.marked.has(node)) this.stroke(outline("success", x, y, radius + 5), colours.wait, 2.5);
    if (node === this.focused) this.stroke(outline("success", x, y, radius + 6), colours.text, 2);
  }

  kindOf(node) {
    return node.number === this.graph.baseline ? "baseline" : node.status;
  }

  lineOf(node) {
    const lines = { starting: "run", error: "bad", evaluation_error: "bad" };
    return this.colours[lines[node.status] ?? "line-control"];
  }

  // Names beside variants, the telling ones first, none over another.
  drawLabels(inView) {
    const { context, colours } = this;
    const taken = [];
    const weight = (node) => (node === this.focused ? 4 : node === this.graph.best ? 3 : this.marked.has(node) ? 2 : this.graph.path.has(node) ? 1 : 0);
    const isNear = this.view.scale >= NEAR;
    const candidates = inView.filter((node) => isNear || weight(node)).sort((a, b) => weight(b) - weight(a) || a.number - b.number);
    const nodes = inView.map((node) => this.onScreen(node));
    context.textBaseline = "middle";
    for (const node of candidates.slice(0, 400)) {
      const [x, y] = this.onScreen(node);
      const isBold = weight(node) > 0;
      context.font = `${isBold ? 600 : 400} 12px ${this.font}`;
      const text = this.textOf(node, isBold);
      const [left, middle] = isBold ? [x - this.radius, y - this.radius - 12] : [x + this.radius + 5, y];
      const box = [left - 3, middle - 9, left + 5 + context.measureText(text).width, middle + 9];
      if (taken.some((other) => overlap(box, other)) || (!isBold && nodes.some(([left, top]) => overlap(box, [left - 5, top - 5, left + 5, top + 5])))) continue;
      taken.push(box);
      Object.assign(context, { lineWidth: 4, lineJoin: "round", strokeStyle: colours.surface, fillStyle: isBold ? colours.text : colours.muted });
      context.strokeText(text, left, middle);
      context.fillText(text, left, middle);
    }
  }

  textOf(node, isWhole) {
    const most = isWhole ? 40 : Math.floor((GENERATION_WIDTH * this.view.scale - 20) / 6.4);
    const name = node.label.length > most ? `${node.label.slice(0, Math.max(most - 1, 1))}…` : node.label;
    return isWhole && node.value !== null ? `${name} ${figure(node.value)}` : name;
  }
}

function bounds(places) {
  const box = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of places) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.max(box[1], x);
    box[2] = Math.min(box[2], y);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

function overlap(one, other) {
  return one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
}

function curve(path, [x, y], [toX, toY]) {
  const bend = (toX - x) / 2;
  path.moveTo(x, y);
  if (y === toY) path.lineTo(toX, toY);
  else path.bezierCurveTo(x + bend, y, toX - bend, toY, toX, toY);
}

// The shape of a status, the same as in the key beside the graph.
function outline(status, x, y, radius) {
  const path = new Path2D();
  const through = (...points) => points.forEach(([dx, dy], at) => path[at ? "lineTo" : "moveTo"](x + dx * radius, y + dy * radius));
  if (status === "baseline") path.rect(x - radius, y - radius, radius * 2, radius * 2);
  else if (status === "starting") through([0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]);
  else if (status === "evaluation_error") through([0, -1.1], [1.1, 0.9], [-1.1, 0.9]);
  else if (status === "error") for (const way of [1, -1]) through([-0.8, -0.8 * way], [0.8, 0.8 * way]);
  else path.arc(x, y, radius, 0, Math.PI * 2);
  if (status === "starting" || status === "evaluation_error") path.closePath();
  return path;
}
