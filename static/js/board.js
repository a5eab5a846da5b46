// Waiting jobs are moved by keys and by dragging: both press the buttons that each row has without any script.
//
// Alt+↑ and Alt+↓ move the row that has the focus, + and - change its priority. What the page says then is taken over
// in place, so that the focus stays where it is and the next key goes on from there.
import { takeOver } from "./swap.js";

const KEYS = { ArrowUp: "up", ArrowDown: "down", "+": "raise", "=": "raise", "-": "lower" };
const WRITES = "input, textarea, select, [contenteditable]";

let isBusy = false;
let dragged = null;

export function startBoard() {
  if (!document.querySelector("[data-board]")) return;
  document.addEventListener("keydown", pressed);
  for (const [kind, act] of Object.entries({ dragstart, dragover, dragend, drop })) document.addEventListener(kind, act);
  document.addEventListener("pointerdown", (event) => offerDrag(rowOf(event.target), !event.shiftKey));
}

function rowOf(target) {
  return target instanceof Element ? target.closest("[data-board] tr[data-job]") : null;
}

function pressed(event) {
  const row = rowOf(event.target);
  const act = KEYS[event.key];
  if (!row || !act || event.ctrlKey || event.metaKey || event.target.closest(WRITES)) return;
  if (event.altKey !== event.key.startsWith("Arrow")) return;
  event.preventDefault();
  const button = row.querySelector(`[data-act="${act}"]`);
  if (button) send(button.form, { [button.name]: button.value });
  else say(act === "up" || act === "down" ? "There is none of its experiment and priority to change places with." : "That is as far as priorities go.");
}

// With Shift the text of a row is selected instead.
function offerDrag(row, isWanted) {
  if (row) row.draggable = isWanted && Boolean(row.querySelector("[data-moves]"));
}

function dragstart(event) {
  dragged = rowOf(event.target);
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.job);
  dragged.classList.add("is-dragged");
}

function dragover(event) {
  const row = rowOf(event.target);
  unmark();
  if (!dragged || !row || row === dragged) return;
  event.preventDefault();
  row.classList.add(isUpperHalf(row, event) ? "drop-before" : "drop-behind");
}

function drop(event) {
  const row = rowOf(event.target);
  if (!dragged || !row || row === dragged) return;
  event.preventDefault();
  send(dragged.querySelector("[data-moves]"), { [isUpperHalf(row, event) ? "before" : "after"]: row.dataset.job });
}

function dragend() {
  dragged?.classList.remove("is-dragged");
  dragged = null;
  unmark();
}

function isUpperHalf(row, event) {
  const { top, height } = row.getBoundingClientRect();
  return event.clientY < top + height / 2;
}

function unmark() {
  for (const row of document.querySelectorAll(".drop-before, .drop-behind")) row.classList.remove("drop-before", "drop-behind");
}

async function send(form, fields) {
  if (!form || isBusy) return;
  isBusy = true;
  try {
    const body = new URLSearchParams([...new FormData(form), ...Object.entries(fields)]);
    const answer = await fetch(form.action, { method: "POST", body });
    const newer = new DOMParser().parseFromString(await answer.text(), "text/html");
    say(newer.querySelector(".messages")?.textContent ?? newer.querySelector("h1")?.textContent ?? "");
    if (answer.ok) takeOver(newer);
  } catch {
    say("The server did not answer; nothing may have changed.");
  } finally {
    isBusy = false;
  }
}

// Said aloud by a screen reader, and shown above the list until the next act.
function say(words) {
  let place = document.getElementById("board-said");
  if (!place) {
    place = Object.assign(document.createElement("p"), { id: "board-said", className: "board-said" });
    place.setAttribute("role", "status");
    document.querySelector("[data-board]").before(place);
  }
  place.textContent = words.replace(/\s+/g, " ").trim();
}
