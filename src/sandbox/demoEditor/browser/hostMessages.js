/**
 * The talk with the page around the editor: JSON strings, to and from one exact origin, and nothing is
 * heard before that page has said Host_PostmessageReady.
 */
export class HostMessages {
  #origin = "";
  #ready = false;
  #hears = [];
  #tells = [];
  #actions;

  /** `actions` maps a MessageId to what the editor does with its Values. */
  constructor(actions) {
    this.#actions = actions;
    window.addEventListener("message", (event) => this.#hear(event));
  }

  /**
   * The PostMessageOrigin of CheckFileInfo; anything but one exact origin means silence. `hears` and `tells` are the
   * messages that the suite knows: others are neither obeyed nor sent.
   */
  allow(origin, { hears, tells }) {
    this.#hears = hears;
    this.#tells = tells;
    this.#origin = isExactOrigin(origin) ? origin : "";
  }

  send(messageId, values = {}) {
    if (this.#origin === "" || window.parent === window || !this.#tells.includes(messageId)) return;
    const message = { MessageId: messageId, SendTime: Date.now(), Values: values };
    window.parent.postMessage(JSON.stringify(message), this.#origin);
  }

  #hear(event) {
    if (this.#origin === "" || event.origin !== this.#origin || event.source !== window.parent) return;
    const message = parse(event.data);
    if (message === undefined) return;
    if (message.MessageId === "Host_PostmessageReady") this.#ready = true;
    else if (this.#ready && this.#hears.includes(message.MessageId) && Object.hasOwn(this.#actions, message.MessageId))
      this.#actions[message.MessageId](message.Values ?? {});
  }
}

function isExactOrigin(origin) {
  try {
    return new URL(origin).origin === origin;
  } catch {
    return false;
  }
}

function parse(data) {
  try {
    const message = JSON.parse(data);
    return typeof message?.MessageId === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
