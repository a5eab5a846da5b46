// Saves the draft of a desk's form by itself: soon after something was entered, and when the page is left.
//
// <form id="work"> with a field called `draft` is sent to its own address with act=save and `X-Fragment: draft`; the answer
// says what there is to say: the part marked data-draft, and the lists of files marked data-kept. When another tab has
// saved another version, saving stops until the person decides.
const AFTER_MS = 1500;
const LEAVING_BYTES = 60_000;

export function keepDrafts() {
  const form = document.querySelector("form#work");
  if (form?.elements.namedItem("draft")) new Draft(form).start();
}

class Draft {
  constructor(form) {
    this.form = form;
    this.isDirty = false;
    this.isStopped = false;
    this.saving = null;
  }

  start() {
    for (const type of ["input", "change"]) this.form.addEventListener(type, (event) => this.onEntered(event));
    this.form.addEventListener("submit", (event) => this.onSubmit(event));
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => document.hidden && this.leave());
  }

  onEntered(event) {
    if (event.target.name === "draft") return;
    this.isDirty = true;
    clearTimeout(this.planned);
    this.planned = setTimeout(() => this.save(), AFTER_MS);
  }

  // A save on its way would make what is sent now look like an older version.
  async onSubmit(event) {
    clearTimeout(this.planned);
    this.isStopped = true;
    if (!this.saving) return;
    event.preventDefault();
    await this.saving;
    this.form.requestSubmit(event.submitter);
  }

  content() {
    const content = new FormData(this.form);
    content.set("act", "save");
    return content;
  }

  save() {
    if (this.saving || this.isStopped || !this.isDirty) return;
    this.isDirty = false;
    this.tell("Saving…");
    this.saving = this.send().finally(() => (this.saving = null));
  }

  async send() {
    try {
      await this.post(this.words() ?? this.content());
    } catch {
      this.isDirty = true;
      this.tell("Not saved: the console does not answer. It is tried again as you go on.");
    }
  }

  take(answer, page) {
    const newer = page.querySelector("[data-draft]");
    if (!newer) {
      this.isDirty = true;
      this.tell("Not saved: the console could not take it. Save the draft to see why.");
      return;
    }
    const words = this.form.querySelector("[data-draft] [data-draft-words]");
    words.replaceChildren(...document.importNode(newer.querySelector("[data-draft-words]"), true).childNodes);
    if (answer.status === 409) {
      this.isStopped = true;
      return;
    }
    this.form.elements.namedItem("draft").value = newer.querySelector("input[name=draft]").value;
    for (const list of page.querySelectorAll("[data-kept]")) this.takeFiles(list);
  }

  takeFiles(list) {
    const own = this.form.querySelector(`[data-kept="${CSS.escape(list.dataset.kept)}"]`);
    const input = this.form.elements.namedItem(list.dataset.kept);
    if (!own || !input?.files?.length) return;
    own.replaceChildren(...document.importNode(list, true).childNodes);
    input.value = "";
  }

  // What is left over when the page goes away; files are too large for this, and stay to be chosen again.
  leave() {
    const words = this.words(true);
    if (!this.isDirty || this.isStopped || this.saving || !words) return;
    this.isDirty = false;
    this.post(words).catch(() => (this.isDirty = true));
  }

  // The words alone, if they are few enough to go on their way while the page goes away; with new files only if told so.
  words(isWithoutFiles = false) {
    const entries = [...this.content()];
    const hasFiles = entries.some(([, value]) => typeof value !== "string" && value.size > 0);
    if (hasFiles && !isWithoutFiles) return null;
    const words = new URLSearchParams(entries.filter(([, value]) => typeof value === "string"));
    return words.toString().length > LEAVING_BYTES ? null : words;
  }

  async post(body) {
    const keepalive = body instanceof URLSearchParams;
    const headers = { "X-Fragment": "draft" };
    const answer = await fetch(this.form.getAttribute("action"), { method: "POST", body, headers, keepalive });
    this.take(answer, new DOMParser().parseFromString(await answer.text(), "text/html"));
  }

  tell(words) {
    this.form.querySelector("[data-draft-words]").textContent = words;
  }
}
