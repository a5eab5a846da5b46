// Completes the last word in the box of a list: its suggestions follow what is written before.
const FIELD = /^[\w.-]+(?::|[<>]=?)/;

export function completeFilters() {
  for (const box of document.querySelectorAll("input[data-terms]")) if (box.list) complete(box);
}

function complete(box) {
  const words = [...box.list.options].map((option) => option.value);
  const field = (term) => term.match(FIELD)?.[0] ?? term;
  box.addEventListener("input", () => {
    const before = box.value.slice(0, box.value.search(/\S*$/));
    const used = new Set(before.split(/\s+/).map(field));
    const left = words.filter((word) => !used.has(field(word)));
    box.list.replaceChildren(...left.map((word) => Object.assign(document.createElement("option"), { value: before + word })));
  });
}
