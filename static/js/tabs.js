// Where a bar of tabs or of states is wider than the screen it begins at the one that is shown, and knows on which side
// there are more.
const SLACK = 2;

function mark(bar) {
  bar.classList.toggle("has-before", bar.scrollLeft > SLACK);
  bar.classList.toggle("has-after", bar.scrollLeft + bar.clientWidth < bar.scrollWidth - SLACK);
}

export function showCurrentTab() {
  for (const bar of document.querySelectorAll("nav.tabs, .ways nav")) {
    const tab = bar.querySelector("[aria-current]");
    if (tab && bar.scrollWidth > bar.clientWidth) bar.scrollLeft = tab.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
    bar.addEventListener("scroll", () => mark(bar), { passive: true });
    new ResizeObserver(() => mark(bar)).observe(bar);
    mark(bar);
  }
}
