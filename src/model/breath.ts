/** The longest time that a long list keeps other work waiting. */
const atMostMs = 5;

/**
 * Lets the process do other work in the middle of long work. An embedded store answers at once, so even a loop that
 * awaits each of thousands of entries blocks everything else.
 */
export class Breath {
  #sinceMs = performance.now();

  /** Await it at every step; it yields only when enough time has passed. */
  async draw(): Promise<void> {
    if (performance.now() - this.#sinceMs < atMostMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sinceMs = performance.now();
  }
}
