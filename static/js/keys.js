// The keys of a page: `/` searches, `g` and a letter goes, j and k walk the rows, c claims, x selects, ? lists all this.
// Nothing happens while somebody writes. Every key does what a link or a button on the page does.
const WRITES = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog";
const CHORD_MS = 1500;
const GOES = {
  o: "Overview", i: "Ideator", x: "Executor", e: "Evaluator", l: "Lineage", d: "Ideas", v: "Variants", t: "Tasks",
  j: "Jobs", n: "Events", a: "Admin", h: "Home", w: "My work", q: "Queue", u: "GPUs",
};
const ELSEWHERE = { h: ".brand", q: ".fleet" };

export function startKeys() {
  let chordUntil = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isWriting(event.target) || document.querySelector("dialog[open]")) return;
    const isChord = Date.now() < chordUntil;
    chordUntil = 0;
    if (event.key === "g" && !isChord) chordUntil = Date.now() + CHORD_MS;
    else if (isChord ? go(event.key) : act(event.key)) event.preventDefault();
  });
}

// The field of a dialog that was just closed keeps the focus until the next frame; nobody writes in what is not shown.
function isWriting(target) {
  return Boolean(target.closest(WRITES)?.checkVisibility());
}

function act(key) {
  switch (key) {
    case "/": return search();
    case "j": return step(1);
    case "k": return step(-1);
    case "c": return press('form[action$="/claim"] button');
    case "x": return press("input[type=checkbox]");
    case "?": return help();
    default: return false;
  }
}

function way(letter) {
  const label = GOES[letter];
  const tabs = [...document.querySelectorAll(".tabs a")];
  return (label && tabs.find((tab) => tab.firstChild.textContent.trim() === label)) || document.querySelector(ELSEWHERE[letter] ?? "#none");
}

function go(letter) {
  const link = way(letter);
  link?.click();
  return Boolean(link);
}

function search() {
  const box = document.getElementById("find");
  if (box?.checkVisibility()) box.focus();
  else document.querySelector(".find-way")?.click();
  return Boolean(box);
}

function rows() {
  return [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a[href]") && row.checkVisibility());
}

function step(by) {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(document.activeElement.closest("main tbody tr"));
  const row = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  (row.querySelector("a.key") ?? row.querySelector("a[href]")).focus();
  row.scrollIntoView({ block: "nearest" });
  return true;
}

// What the row with the focus offers; on a page of one thing, what the page offers.
function press(selector) {
  const row = document.activeElement.closest("main tbody tr");
  const found = (row ?? (rows().length ? null : document.querySelector("main")))?.querySelector(selector);
  found?.click();
  return Boolean(found);
}

function lines() {
  const found = [["/", "Search"], ["Ctrl K", "Go anywhere, do anything on this page"]];
  if (rows().length) found.push(["j k", "Next row, row before"], ["Enter", "Open the row"]);
  if (document.querySelector('main form[action$="/claim"]')) found.push(["c", "Claim the task of the row"]);
  if (document.querySelector("main tbody input[type=checkbox]")) found.push(["x", "Select the row"]);
  for (const letter of Object.keys(GOES)) if (way(letter)) found.push([`g ${letter}`, GOES[letter]]);
  return [...found, ["?", "This list"]];
}

function help() {
  const dialog = document.createElement("dialog");
  dialog.className = "palette keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = Object.assign(document.createElement("h2"), { id: "keys-title", textContent: "Keys of this page" });
  const list = document.createElement("dl");
  for (const [keys, words] of lines()) {
    const term = document.createElement("dt");
    for (const key of keys.split(" ")) term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    list.append(term, Object.assign(document.createElement("dd"), { textContent: words }));
  }
  const close = Object.assign(document.createElement("button"), { className: "btn", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  const head = document.createElement("header");
  head.append(title, close);
  dialog.append(head, list);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return true;
}
