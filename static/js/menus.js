// Menus are <details>: here they also close by Escape or a click elsewhere, and the switcher filters and takes arrow keys.
const OPEN = ".menu[open], .confirm[open]";
const WRITES = "input, textarea, select, [contenteditable]";

// What closes above may take its room with it: what was pressed stays under the finger.
function closeOthers(target) {
  const { top } = target.getBoundingClientRect();
  for (const menu of document.querySelectorAll(OPEN)) {
    if (!menu.contains(target)) menu.open = false;
  }
  scrollBy({ top: target.getBoundingClientRect().top - top, behavior: "instant" });
}

function closeInnermost() {
  const menu = document.activeElement?.closest(OPEN) ?? document.querySelector(OPEN);
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

function filter(switcher, text) {
  const wanted = text.trim().toLowerCase();
  const rows = [...switcher.querySelectorAll("li[data-key]")];
  for (const row of rows) {
    row.hidden = !`${row.dataset.key} ${row.textContent}`.toLowerCase().includes(wanted);
  }
  switcher.querySelector(".empty").hidden = rows.some((row) => !row.hidden);
}

function enter(switcher) {
  if (!switcher.querySelector(".menu-panel").contains(document.activeElement)) switcher.querySelector("[type=search]").focus();
}

function clear(switcher) {
  switcher.querySelector("[type=search]").value = "";
  filter(switcher, "");
}

function step(switcher, by) {
  const entries = [...switcher.querySelectorAll("li:not([hidden]) .entry")];
  const next = entries.indexOf(document.activeElement) + by;
  if (next < 0) switcher.querySelector("[type=search]").focus();
  else entries[Math.min(next, entries.length - 1)]?.focus();
}

function onSwitcherKey(switcher, event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) {
    event.preventDefault();
    step(switcher, by);
  } else if (event.key === "Enter" && event.target.matches("[type=search]")) {
    const first = switcher.querySelector("li:not([hidden]) .entry");
    if (!first) return; // the form asks the server, which knows all of them
    event.preventDefault();
    first.click();
  }
}

export function enhanceMenus() {
  const switcher = document.getElementById("switcher");
  document.addEventListener("click", (event) => closeOthers(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeInnermost();
    if (event.key !== "/" || !switcher || document.getElementById("find") || event.target.closest(WRITES) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    switcher.open = true;
    switcher.querySelector("[type=search]").focus();
  });
  switcher?.addEventListener("toggle", () => (switcher.open ? enter(switcher) : clear(switcher)));
  switcher?.addEventListener("input", (event) => filter(switcher, event.target.value));
  switcher?.addEventListener("keydown", (event) => onSwitcherKey(switcher, event));
}
