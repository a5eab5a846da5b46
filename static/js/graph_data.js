// The variants of an experiment and what each was built on, as they come in pieces.
import { Layout } from "./graph_layout.js";

const STATUSES = { ".": "starting", "+": "success", "*": "integrated", "-": "error", "!": "evaluation_error" };
export const STEPS = 7;

export class Graph {
  constructor(isLessBetter) {
    this.isLessBetter = isLessBetter;
    this.nodes = [];
    this.byNumber = new Map();
    this.cursor = null;
    this.total = 0;
  }

  // Take in a piece: new variants and changed ones, in columns.
  take(piece) {
    this.cursor ??= piece.cursor;
    this.total = piece.total;
    this.baseline = piece.baseline;
    this.bestNumber = piece.best;
    piece.numbers.forEach((number, at) => {
      const facts = { status: STATUSES[piece.statuses[at]], value: piece.values[at], parentNumbers: piece.parents[at] };
      const node = this.byNumber.get(number);
      if (node) Object.assign(node, facts);
      else this.add({ number, id: piece.ids[at], label: piece.labels[at], ...facts });
    });
    this.tie();
  }

  add(node) {
    this.nodes.push(node);
    this.byNumber.set(node.number, node);
  }

  // Tie variants to each other, and see what leads to the best.
  tie() {
    for (const node of this.nodes) node.children = [];
    for (const node of this.nodes) {
      node.parents = node.parentNumbers.map((number) => this.byNumber.get(number)).filter(Boolean);
      for (const parent of node.parents) parent.children.push(node);
    }
    this.best = this.byNumber.get(this.bestNumber) ?? null;
    this.path = new Set(this.wayTo(this.best));
    this.rank();
  }

  isBetter(value, than) {
    return this.isLessBetter ? value < than : value > than;
  }

  // From a variant to the root, by the better parent each time.
  wayTo(node) {
    const way = [];
    for (let at = node; at && !way.includes(at); at = this.chief(at)) way.push(at);
    return way;
  }

  chief(node) {
    const rank = (one) => (one.value === null ? -Infinity : this.isLessBetter ? -one.value : one.value);
    return node.parents.reduce((best, one) => (best && rank(best) >= rank(one) ? best : one), null);
  }

  // How good each value is, in steps: a tenth that is far worse than the rest does not flatten it.
  rank() {
    const values = this.nodes.map((node) => node.value).filter((value) => value !== null).sort((a, b) => a - b);
    const few = Math.floor(values.length / 10);
    const [low, high] = this.isLessBetter ? [values.at(-1 - few), values[0]] : [values[few], values.at(-1)];
    this.range = values.length ? [low, high] : null;
    for (const node of this.nodes) node.step = node.value === null ? null : stepOf(node.value, low, high);
  }

  // The variants that nothing came of: failed or no better than their parents, and so is all that was built on them.
  deadEnds() {
    const dead = new Set();
    const order = new Layout();
    for (const node of this.nodes) order.add(node.number, node.parentNumbers);
    const generation = (node) => order.places.get(node.number).generation;
    for (const node of [...this.nodes].sort((a, b) => generation(b) - generation(a))) {
      if (this.leadsNowhere(node) && node.children.every((one) => dead.has(one))) dead.add(node);
    }
    return dead;
  }

  leadsNowhere(node) {
    if (this.path.has(node) || node.number === this.baseline || node.status === "starting") return false;
    if (node.value === null) return true;
    return node.parents.some((one) => one.value !== null && !this.isBetter(node.value, one.value));
  }

  // A variant with everything above it, below it, or both.
  kin(node, isUpwards, isDownwards) {
    const found = new Set([node]);
    const spread = (way) => {
      const seen = new Set([node]);
      for (const one of seen) for (const next of one[way]) seen.add(next);
      for (const one of seen) found.add(one);
    };
    if (isUpwards) spread("parents");
    if (isDownwards) spread("children");
    return found;
  }

  matching(words) {
    const wanted = words.trim().toLowerCase();
    if (!wanted) return [];
    return this.nodes.filter((one) => `${one.number}` === wanted || one.id === wanted || one.label.toLowerCase().includes(wanted));
  }
}

export function stepOf(value, low, high) {
  if (low === high) return STEPS - 1;
  const share = (value - low) / (high - low);
  return Math.min(Math.max(Math.floor(share * STEPS), 0), STEPS - 1);
}

// A value at reading precision, as the pages write it.
export function figure(value, digits = 5) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en-US").replace("-", "−");
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−");
}
