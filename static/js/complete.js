// Completes the last word in the box of a list: its suggestions follow what is written before.
export function completeFilters() {
  const box = document.getElementById("narrow");
  if (!box?.list) return;
  const words = [...box.list.options].map((option) => option.value);
  box.addEventListener("input", () => {
    const before = box.value.slice(0, box.value.search(/\S*$/));
    const used = new Set(before.split(/\s+/).map((term) => term.split(":")[0]));
    const left = words.filter((word) => !used.has(word.split(":")[0]));
    box.list.replaceChildren(...left.map((word) => Object.assign(document.createElement("option"), { value: before + word })));
  });
}
