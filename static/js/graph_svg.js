// The graph as it stands, as one SVG file that needs nothing else.
import { figure } from "./graph_data.js";
import { WORDS } from "./graph_panel.js";

const EDGE = 40;
const ROOM = 260;

export function saveSvg(canvas, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([draw(canvas)], { type: "image/svg+xml" }));
  link.download = `${name}-lineage.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function draw(canvas) {
  const { shown, graph, colours } = canvas;
  const at = new Map(shown.map((node) => [node, canvas.at(node)]));
  const places = [...at.values()];
  const least = (key) => places.reduce((found, one) => Math.min(found, one[key]), Infinity) - EDGE;
  const most = (key) => places.reduce((found, one) => Math.max(found, one[key]), -Infinity) + EDGE;
  const [left, top] = [least("x"), least("y")];
  const [width, height] = [most("x") - left + ROOM, most("y") - top];
  const edges = { plain: "", path: "" };
  for (const node of shown) {
    for (const parent of node.parents.filter((one) => at.has(one))) {
      const isPath = graph.path.has(node) && graph.chief(node) === parent;
      edges[isPath ? "path" : "plain"] += curve(at.get(parent), at.get(node));
    }
  }
  const line = (path, colour, wide) => `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${wide}"/>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${left} ${top} ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${colours.surface}"/>`,
    line(edges.plain, colours["line-strong"], 1),
    line(edges.path, colours.accent, 2.5),
    ...shown.map((node) => drawn(canvas, node, at.get(node))),
    "</svg>",
  ].join("\n");
}

function drawn(canvas, node, { x, y }) {
  const { graph, colours } = canvas;
  const isChief = graph.path.has(node);
  const fill = node.status === "error" ? "none" : node.step === null ? colours.surface : canvas.scale[node.step];
  const shape = `<path d="${outline(canvas.kindOf(node), x, y)}" fill="${fill}" stroke="${isChief ? colours.accent : canvas.lineOf(node)}" stroke-width="${isChief ? 2 : 1.1}"/>`;
  const ring = node.status === "integrated" ? `<circle cx="${x}" cy="${y}" r="8.5" fill="none" stroke="${colours["line-control"]}"/>` : "";
  const name = isChief ? `<text x="${x + 13}" y="${y + 4}" fill="${colours.text}">${safe(node.label)} ${figure(node.value)}</text>` : "";
  return `<g><title>${safe(`${node.number} ${node.label}: ${node.value === null ? WORDS[node.status][1] : figure(node.value)}`)}</title>${shape}${ring}${name}</g>`;
}

function outline(kind, x, y) {
  if (kind === "baseline") return `M${x - 6} ${y - 6}h12v12h-12z`;
  if (kind === "starting") return `M${x} ${y - 7}l7 7-7 7-7-7z`;
  if (kind === "evaluation_error") return `M${x} ${y - 6.6}l6.6 12h-13.2z`;
  if (kind === "error") return `M${x - 5} ${y - 5}l10 10m0-10l-10 10`;
  return `M${x - 6} ${y}a6 6 0 1 0 12 0a6 6 0 1 0-12 0z`;
}

function curve(from, to) {
  const bend = (to.x - from.x) / 2;
  return `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}

// Characters that mean something in XML, and those that may not stand in it at all.
function safe(text) {
  const named = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "").replace(/[&<>"]/g, (one) => named[one]);
}
