// Takes the parts marked data-live over from a newer copy of the page, without disturbing the person who reads it.
import { followLogs } from "./log.js";

const WRITES = "input:not([type=button], [type=submit]), textarea, select, [contenteditable]";
const MARKED_MS = 6000;

const served = new Map();

export function rememberServed() {
  for (const region of document.querySelectorAll("[data-live]")) served.set(region.dataset.live, region.outerHTML);
}

// Returns whether a part had to wait because somebody is at work in it.
export function takeOver(newer) {
  let isDeferred = false;
  for (const region of document.querySelectorAll("[data-live]")) {
    const next = newer.querySelector(`[data-live="${CSS.escape(region.dataset.live)}"]`);
    if (!next || next.outerHTML === served.get(region.dataset.live) || followsSameLog(region, next)) continue;
    if (isBusy(region)) isDeferred = true;
    else replace(region, next);
  }
  showSign(newer);
  return isDeferred;
}

// What a tab says of the page while another one is looked at.
function showSign(newer) {
  if (document.title !== newer.title) document.title = newer.title;
  const icon = document.querySelector("link[rel=icon]");
  const next = newer.querySelector("link[rel=icon]");
  if (icon && next && icon.href !== next.href) icon.href = next.href;
}

// A log that still grows does so by itself; taking it over from the page would lose the reader's place in it.
function followsSameLog(region, next) {
  const url = region.querySelector("[data-log-live]")?.dataset.logUrl;
  return url !== undefined && url === next.querySelector("[data-log-url]")?.dataset.logUrl;
}

function isBusy(region) {
  const active = document.activeElement;
  const selection = getSelection();
  return (
    (region.contains(active) && active.matches(WRITES)) ||
    (!selection.isCollapsed && region.contains(selection.anchorNode)) ||
    Boolean(region.closest(".menu[open]") || region.querySelector(".menu[open], .confirm[open]")) ||
    [...region.querySelectorAll("input, textarea, select")].some(isDirty)
  );
}

function isDirty(control) {
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  if (control.options) return [...control.options].some((option) => option.selected !== option.defaultSelected);
  return control.value !== control.defaultValue;
}

function replace(region, next) {
  served.set(region.dataset.live, next.outerHTML);
  const before = contentByKey(region);
  const restore = [keepFocus(region), keepOpen(region), keepScroll(region)];
  for (const { name } of [...region.attributes]) if (!next.hasAttribute(name)) region.removeAttribute(name);
  for (const { name, value } of next.attributes) region.setAttribute(name, value);
  region.replaceChildren(...document.importNode(next, true).childNodes);
  for (const again of restore) again();
  followLogs(region);
  markFresh(region, before);
}

function contentByKey(region) {
  return new Map([...region.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, withoutAges(row)]));
}

function withoutAges(row) {
  const copy = row.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.textContent = "";
  return copy.innerHTML;
}

function markFresh(region, before) {
  for (const row of region.querySelectorAll("tr[data-key], li[data-key]")) {
    if (before.get(row.dataset.key) === withoutAges(row)) continue;
    row.classList.add("fresh");
    setTimeout(() => row.classList.remove("fresh"), MARKED_MS);
  }
}

function keepFocus(region) {
  const active = document.activeElement;
  if (active === region || !region.contains(active)) return () => {};
  const key = active.closest("[data-key]")?.dataset.key;
  const scopeIn = () => (key && region.querySelector(`[data-key="${CSS.escape(key)}"]`)) || region;
  const place = [...scopeIn().querySelectorAll(active.tagName)].indexOf(active);
  return () => scopeIn().querySelectorAll(active.tagName)[place]?.focus({ preventScroll: true });
}

function keepOpen(region) {
  const open = [...region.querySelectorAll("details[data-key][open]")].map((details) => details.dataset.key);
  return () => {
    for (const details of region.querySelectorAll("details[data-key]")) {
      if (open.includes(details.dataset.key)) details.open = true;
    }
  };
}

function keepScroll(region) {
  const places = [...region.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  return () => region.querySelectorAll(".scroll").forEach((box, n) => box.scrollTo(...(places[n] ?? [0, 0])));
}
