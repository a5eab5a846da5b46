// Buttons with data-copy put that text on the clipboard, also where a page is not served securely.
const SHOWN_MS = 1500;

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser refused to copy");
}

async function answer(button) {
  const label = button.getAttribute("aria-label");
  const isCopied = await copy(button.dataset.copy).then(() => true, () => false);
  button.classList.toggle("is-copied", isCopied);
  button.setAttribute("aria-label", isCopied ? "Copied" : "Could not copy: select the text instead");
  setTimeout(() => {
    button.classList.remove("is-copied");
    button.setAttribute("aria-label", label);
  }, SHOWN_MS);
}

export function offerCopies() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) answer(button);
  });
}
