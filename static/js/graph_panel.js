// What is known of the variant that is looked at, in words: beside the graph, and told to who cannot see it.
import { figure } from "./graph_data.js";

export const WORDS = {
  starting: ["run", "in the making"],
  success: ["ok", "scored"],
  integrated: ["ok", "integrated"],
  error: ["bad", "failed"],
  evaluation_error: ["bad", "not evaluated"],
};
const LISTED = 8;

export class Panel {
  constructor(root, graph, go) {
    this.root = root;
    this.graph = graph;
    this.go = go;
    this.place = root.querySelector("[data-graph-panel]");
    this.said = root.querySelector("[data-graph-said]");
  }

  url(kind, node) {
    return this.root.dataset[kind].replace("__id__", encodeURIComponent(node.id));
  }

  show(node, isChosen, choose) {
    if (!node) return this.place.replaceChildren(make("p", { className: "sub" }, "Choose a variant in the graph."));
    const [shape, word] = WORDS[node.status];
    this.place.replaceChildren(
      make("h3", { className: "graph-name" }, make("a", { href: this.url("variantUrl", node) }, `${node.number} ${node.label}`)),
      make("p", { className: "row" }, make("span", { className: `chip is-${shape}` }, word), make("span", { className: "sub" }, this.standing(node))),
      make("dl", { className: "pairs" }, ...this.facts(node)),
      make("div", { className: "acts" }, ...this.acts(node, isChosen, choose)),
    );
  }

  standing(node) {
    if (node === this.graph.best) return "the best so far";
    if (node.number === this.graph.baseline) return "the baseline";
    return this.graph.path.has(node) ? "on the way to the best" : "";
  }

  facts(node) {
    const rows = [[this.root.dataset.objective || "score", [make("b", {}, figure(node.value)), ...this.gain(node)]]];
    rows.push([node.parents.length > 1 ? "Built on" : "Built on", node.parents.length ? this.links(node.parents) : ["nothing that is known here"]]);
    rows.push(["Built on it", node.children.length ? this.links(this.inOrder(node.children)) : ["nothing yet"]]);
    return rows.flatMap(([name, parts]) => [make("dt", {}, name), make("dd", {}, ...parts)]);
  }

  gain(node) {
    const chief = this.graph.chief(node);
    if (node.value === null || !chief || chief.value === null) return [];
    const more = node.value - chief.value;
    const kind = more === 0 ? "sub" : this.graph.isBetter(more, 0) ? "up" : "down";
    return [" ", make("span", { className: kind }, more === 0 ? "±0" : `${more > 0 ? "+" : ""}${figure(more)}`), make("span", { className: "sub" }, " against its parent")];
  }

  inOrder(nodes) {
    const rank = (one) => (one.value === null ? Infinity : this.graph.isLessBetter ? one.value : -one.value);
    return [...nodes].sort((a, b) => rank(a) - rank(b) || a.number - b.number);
  }

  links(nodes) {
    const shown = nodes.slice(0, LISTED).map((one) => {
      const link = make("button", { type: "button", className: "link" }, `${one.number} ${one.label}`);
      link.addEventListener("click", () => this.go(one));
      return make("span", { className: "graph-kin" }, link, make("span", { className: "sub" }, ` ${figure(one.value)}`));
    });
    return nodes.length > LISTED ? [...shown, make("span", { className: "sub" }, `and ${nodes.length - LISTED} more`)] : shown;
  }

  acts(node, isChosen, choose) {
    const made = node.status === "success" || node.status === "integrated";
    const acts = [make("a", { className: "btn is-small", href: this.url("variantUrl", node) }, "Open")];
    if (made && this.root.dataset.buildUrl) acts.push(make("a", { className: "btn is-small", href: this.url("buildUrl", node) }, "Build on this"));
    if (node.parents.length) acts.push(make("a", { className: "btn is-small is-quiet", href: this.url("diffUrl", node) }, "What changed"));
    const compare = make("button", { type: "button", className: "btn is-small is-quiet" }, isChosen ? "Not to compare" : "Compare…");
    compare.setAttribute("aria-pressed", isChosen);
    compare.addEventListener("click", () => choose(node));
    return [...acts, compare];
  }

  // The same in one sentence, for ears.
  say(node) {
    const named = (nodes) => nodes.slice(0, 3).map((one) => `${one.number} ${one.label}`).join(", ") + (nodes.length > 3 ? ` and ${nodes.length - 3} more` : "");
    const parts = [`${node.number} ${node.label}`, WORDS[node.status][1]];
    if (node.value !== null) parts.push(`${this.root.dataset.objective || "score"} ${figure(node.value)}`);
    if (this.standing(node)) parts.push(this.standing(node));
    parts.push(node.parents.length ? `built on ${named(node.parents)}` : "built on nothing that is known here");
    parts.push(node.children.length ? `${node.children.length} built on it` : "nothing built on it yet");
    this.tell(`${parts.join("; ")}.`);
  }

  tell(words) {
    this.said.textContent = words;
  }
}

export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
