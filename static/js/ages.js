// Relative times stay true between answers, counted on the server's clock. The words are those of web_ui/filters.py.
const SPANS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const MONTH = 30 * 86400;
const EVERY_MS = 5000;

let ahead = 0;

export function setClock(serverNow) {
  ahead = Date.parse(serverNow) - Date.now() || 0;
}

export function age(then, now) {
  const seconds = Math.abs(now - then) / 1000;
  const [size, unit] = SPANS.find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

export function ago(then, now) {
  const seconds = (now - then) / 1000;
  if (seconds > -1 && seconds < 5) return "just now";
  return seconds > 0 ? `${age(then, now)} ago` : `in ${age(then, now)}`;
}

function tell() {
  const now = Date.now() + ahead;
  for (const element of document.querySelectorAll("time[data-time]")) {
    const then = Date.parse(element.dateTime);
    if (Math.abs(now - then) / 1000 >= MONTH) continue;
    const words = element.dataset.time === "age" ? age(then, now) : ago(then, now);
    if (element.textContent !== words) element.textContent = words;
  }
}

export function keepAges() {
  setClock(document.body.dataset.now);
  setInterval(() => document.hidden || tell(), EVERY_MS);
}
