/** Other work waits no longer than this for a long list. */
const atMostMs = 5;

/**
 * Lets the process serve others in the middle of long work. An embedded store answers at once: a loop over thousands
 * of entries that awaits each of them is still one long block.
 */
export class Breath {
  #sinceMs = performance.now();

  /** Await it at every step; it gives way only when enough time has passed. */
  async draw(): Promise<void> {
    if (performance.now() - this.#sinceMs < atMostMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sinceMs = performance.now();
  }
}
