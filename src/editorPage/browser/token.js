// Keeps the token fresh.
import { backoffMs, renewalDueInMs, soonestRenewalInMs } from "./rules.js";

/**
 * `token`: `gotAtMs`, `endsAtMs`, `renewableUntilMs` on the bridge's clock, changed with each renewal. `ask` asks the
 * bridge, `now` is its clock; `took` hears of a fresh access token, `ended` of the reason why there is none any more.
 */
export function tokenKeeper({ token, ask, now, isOver, took, ended }) {
  let timer;
  let isRenewing = false;
  let failures = 0;

  const canRenew = () => token.endsAtMs < token.renewableUntilMs;
  const plan = (inMs = renewalDueInMs(token, now())) => {
    clearTimeout(timer);
    if (!isOver() && canRenew()) timer = setTimeout(renew, inMs);
  };

  async function renew() {
    if (isRenewing || isOver()) return;
    isRenewing = true;
    try {
      const answered = await ask();
      if (answered.status === 410) ended((await answered.json().catch(() => ({}))).ended ?? "expired");
      else if (!answered.ok) throw new Error(String(answered.status));
      else {
        const { access_token, access_token_ttl, renewable_until } = await answered.json();
        Object.assign(token, {
          gotAtMs: now(),
          endsAtMs: access_token_ttl,
          renewableUntilMs: renewable_until,
          isRenewed: true,
        });
        took(access_token);
        failures = 0;
        plan();
      }
    } catch {
      failures += 1;
      plan(backoffMs(failures));
    }
    isRenewing = false;
  }

  return {
    canRenew,
    /** Plans the next renewal, at once when it is due. */
    plan: () => plan(),
    /** The editor has asked for one. */
    planAsked: () => plan(soonestRenewalInMs(token, now())),
    stop: () => clearTimeout(timer),
  };
}
