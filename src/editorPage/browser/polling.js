// Asks the bridge how the saves go.
import { pollInMs } from "./rules.js";

/**
 * `ask` asks the bridge; `took` hears each answer, `ended` that there will be none any more; `reached` follows each try
 * with whether the bridge could be reached.
 */
export function statusPolling({ ask, isBusy, took, ended, reached }) {
  let timer;
  let isStopped = false;
  let isAsking = false;
  let isWantedAgain = false;
  let failures = 0;

  async function poll() {
    clearTimeout(timer);
    isWantedAgain = isAsking;
    if (isAsking || isStopped) return;
    isAsking = true;
    let answer;
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
    else if (answer !== undefined) took(answer);
    // One lost answer is no lost network.
    reached(failures === 0 || (failures === 1 && navigator.onLine));
    const pause = pollInMs({ isHidden: document.hidden, isBusy: isBusy(), failures });
    timer = setTimeout(poll, isWantedAgain ? 0 : pause);
  }

  return {
    /** Asks at once; the next time follows by itself. */
    now: () => void poll(),
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
