const repeatMs = 1000;

/** One view's line to the editor's server: events down, commands up, the view's id as the only credential. */
export class Connection {
  #view;
  #events;
  #onMessage;
  #onBreak;

  constructor(view, { onMessage, onBreak }) {
    this.#view = view;
    this.#onMessage = onMessage;
    this.#onBreak = onBreak;
  }

  /** Listens, on a fresh line; for another view when one is given. */
  open(view = this.#view) {
    this.close();
    this.#view = view;
    const events = new EventSource(`/editor/events/${view}`);
    this.#events = events;
    events.addEventListener("message", (event) => {
      if (this.#events === events) this.#onMessage(JSON.parse(event.data));
    });
    events.addEventListener("error", () => {
      if (this.#events !== events) return;
      this.#onBreak();
      // The browser asks again by itself after most faults, and gives up after some.
      if (events.readyState === EventSource.CLOSED)
        setTimeout(() => {
          if (this.#events === events) this.open();
        }, repeatMs);
    });
  }

  close() {
    this.#events?.close();
    this.#events = undefined;
  }

  /** The outcome of a command, null where it has none or was refused. */
  async ask(command) {
    const answer = await this.#post(command);
    return answer.ok ? (await answer.json()).outcome : null;
  }

  /** As ask, sent again until the server has it: edits are numbered and may arrive twice. */
  async askUntilHeard(command, isStillWanted) {
    while (isStillWanted()) {
      try {
        return await this.ask(command);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, repeatMs));
      }
    }
    return null;
  }

  /** The last words of a page that goes away. */
  goodbye(command) {
    // A beacon holds 64 KB; more than that gets through only while the page still lives.
    if (!navigator.sendBeacon(this.#address, JSON.stringify(command))) void this.ask(command).catch(() => null);
  }

  get #address() {
    return `/editor/commands/${this.#view}`;
  }

  #post(command) {
    return fetch(this.#address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(command),
    });
  }
}
