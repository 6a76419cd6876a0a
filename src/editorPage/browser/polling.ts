// Asks the bridge for the state of the saves.
import type { HostPageStatus } from "../pageMessages.ts";
import { pollInMs } from "./rules.ts";

interface PollingParts {
  readonly ask: () => Promise<Response>;
  readonly isBusy: () => boolean;
  /** Called with each answer. */
  readonly took: (status: HostPageStatus) => void;
  /** Called when there will be no more answers. */
  readonly ended: (reason: "expired") => void;
  /** Called after each attempt. */
  readonly reached: (isReached: boolean) => void;
}

export function statusPolling({ ask, isBusy, took, ended, reached }: PollingParts) {
  let timer: number | undefined;
  let isStopped = false;
  let isAsking = false;
  let isWantedAgain = false;
  let failures = 0;
  let newsAtMs = performance.now();
  let lastNews = "";

  function noteNews({ now: _now, ...news }: HostPageStatus): void {
    const text = JSON.stringify(news);
    if (text !== lastNews) newsAtMs = performance.now();
    lastNews = text;
  }

  async function poll(): Promise<void> {
    clearTimeout(timer);
    isWantedAgain = isAsking;
    if (isAsking || isStopped) return;
    isAsking = true;
    let answer: HostPageStatus | undefined;
    let hasEnded = false;
    try {
      const answered = await ask();
      hasEnded = answered.status === 410;
      if (!hasEnded && !answered.ok) throw new Error(String(answered.status));
      if (!hasEnded) answer = await answered.json();
      failures = 0;
    } catch {
      failures += 1;
    }
    isAsking = false;
    if (isStopped) return;
    if (hasEnded) ended("expired");
    else if (answer !== undefined) {
      noteNews(answer);
      took(answer);
    }
    // One lost answer does not mean that the network is down.
    reached(failures === 0 || (failures === 1 && navigator.onLine));
    const quietMs = performance.now() - newsAtMs;
    const pause = pollInMs({ isHidden: document.hidden, isBusy: isBusy(), quietMs, failures });
    timer = setTimeout(poll, isWantedAgain ? 0 : pause);
  }

  return {
    /** Something has happened: asks at once; polling continues from there. */
    now: () => {
      newsAtMs = performance.now();
      void poll();
    },
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
