// Checks a form while somebody types: <form data-check="address"> is sent there, and the part marked data-report of the
// page that comes back takes the place of the one that is there. Nothing else of the page is touched.
const AFTER_MS = 400;

export function checkAsTyped() {
  for (const form of document.querySelectorAll("form[data-check]")) new Check(form).start();
}

class Check {
  constructor(form) {
    this.form = form;
    this.number = 0;
  }

  start() {
    this.form.addEventListener("input", () => {
      clearTimeout(this.planned);
      this.planned = setTimeout(() => this.ask(++this.number), AFTER_MS);
    });
    this.form.addEventListener("submit", () => clearTimeout(this.planned));
  }

  // An answer that is overtaken by a later one is dropped; without any, what is there stays, and the button still works.
  async ask(number) {
    try {
      const body = new FormData(this.form);
      const answer = await fetch(this.form.dataset.check, { method: "POST", body, headers: { "X-Fragment": "report" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const newer = page.querySelector("[data-report]");
      if (newer && number === this.number) this.form.querySelector("[data-report]").replaceWith(document.importNode(newer, true));
    } catch {
      // The console does not answer: the next word that is typed asks again.
    }
  }
}
