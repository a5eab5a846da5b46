// Hands on the graph: keys along its edges, dragging, pinching, the wheel and the buttons.
const ZOOM = 1.25;

export function steer(view) {
  const { canvas, root } = view;
  const element = canvas.element;
  element.addEventListener("keydown", (event) => onKey(view, event));
  element.addEventListener("dblclick", (event) => view.open(canvas.under(event.offsetX, event.offsetY)));
  element.addEventListener("wheel", (event) => onWheel(view, event), { passive: false });
  drag(view);
  for (const button of root.querySelectorAll("[data-graph-zoom]")) {
    button.addEventListener("click", () => zoom(view, button.dataset.graphZoom));
  }
}

function zoom(view, way) {
  view.hasMoved = true;
  if (way === "fit") view.canvas.fit(view.canvas.shown);
  else if (way === "best") goTo(view, view.graph.best);
  else view.canvas.zoom(way === "in" ? ZOOM : 1 / ZOOM);
}

function goTo(view, node) {
  if (!node) return;
  view.look(node);
  view.canvas.centre(node, Math.max(view.canvas.view.scale, 0.7));
}

const KEYS = {
  ArrowLeft: (view) => view.look(view.graph.chief(view.focused)),
  ArrowRight: (view) => view.look(onwards(view)),
  ArrowUp: (view) => view.look(beside(view, -1)),
  ArrowDown: (view) => view.look(beside(view, 1)),
  Home: (view) => goTo(view, view.graph.byNumber.get(view.graph.baseline) ?? view.graph.nodes[0]),
  End: (view) => goTo(view, view.graph.best),
  Enter: (view) => view.open(),
  Escape: (view) => view.back(),
  "+": (view) => zoom(view, "in"),
  "=": (view) => zoom(view, "in"),
  "-": (view) => zoom(view, "out"),
  0: (view) => zoom(view, "fit"),
  b: (view) => goTo(view, view.graph.best),
};

function onKey(view, event) {
  const act = KEYS[event.key];
  if (!act || !view.focused || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  view.hasMoved = true;
  act(view);
}

// To what was built on this: the way to the best if it leads there, else the best of them.
function onwards({ graph, focused, canvas, panel }) {
  const shown = focused.children.filter((one) => canvas.shown.includes(one));
  return shown.find((one) => graph.path.has(one)) ?? panel.inOrder(shown)[0];
}

// To the next variant up or down in the same generation: its siblings come before others.
function beside({ canvas, focused }, way) {
  const here = canvas.at(focused);
  const kin = new Set(focused.parents.flatMap((one) => one.children));
  const far = (node) => (canvas.at(node).y - here.y) * way || (canvas.at(node).x - here.x) * way;
  const next = (nodes) => nodes.filter((one) => far(one) > 0).reduce((best, one) => (best && far(best) <= far(one) ? best : one), null);
  const column = canvas.shown.filter((one) => one !== focused && canvas.at(one).generation === here.generation);
  return next(column.filter((one) => kin.has(one))) ?? next(column);
}

function onWheel(view, event) {
  if (document.activeElement !== view.canvas.element && !event.ctrlKey) return;
  event.preventDefault();
  view.hasMoved = true;
  view.canvas.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)), event.offsetX, event.offsetY);
}

function drag(view) {
  const { canvas } = view;
  const element = canvas.element;
  const fingers = new Map();
  let moved = 0;
  element.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    moved = 0;
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return void (element.style.cursor = canvas.under(event.offsetX, event.offsetY) ? "pointer" : "grab");
    const now = [event.offsetX, event.offsetY];
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (fingers.size === 2) pinch(canvas, fingers, event.pointerId, now);
    else if (moved > 4) canvas.pan(now[0] - before[0], now[1] - before[1]);
    fingers.set(event.pointerId, now);
    if (moved > 4) view.hasMoved = true;
  });
  element.addEventListener("pointerup", (event) => {
    if (fingers.size === 1 && moved <= 4) view.look(canvas.under(event.offsetX, event.offsetY));
    fingers.delete(event.pointerId);
  });
  element.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
}

function pinch(canvas, fingers, moving, now) {
  const before = fingers.get(moving);
  const other = [...fingers].find(([id]) => id !== moving)[1];
  const apart = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 1;
  canvas.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
}
