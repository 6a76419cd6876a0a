// Renews the token.
import type { NotRenewed, RenewedToken, SessionEnd } from "../pageMessages.ts";
import { backoffMs, renewalDueInMs, soonestRenewalInMs } from "./rules.ts";

/** Times on the bridge's clock; changed with each renewal. */
export interface PageToken {
  gotAtMs: number;
  endsAtMs: number;
  renewableUntilMs: number;
  isRenewed: boolean;
}

interface TokenParts {
  readonly token: PageToken;
  /** Requests a fresh token from the bridge. */
  readonly ask: () => Promise<Response>;
  /** The bridge's clock. */
  readonly now: () => number;
  readonly isOver: () => boolean;
  readonly took: (accessToken: string) => void;
  /** Called when no further token is available. */
  readonly ended: (reason: SessionEnd) => void;
}

export function tokenKeeper({ token, ask, now, isOver, took, ended }: TokenParts) {
  let timer: number | undefined;
  let isRenewing = false;
  let failures = 0;

  const canRenew = () => token.endsAtMs < token.renewableUntilMs;
  const plan = (inMs = renewalDueInMs(token, now())): void => {
    clearTimeout(timer);
    if (!isOver() && canRenew()) timer = setTimeout(renew, inMs);
  };

  async function renew(): Promise<void> {
    if (isRenewing || isOver()) return;
    isRenewing = true;
    try {
      const answered = await ask();
      if (answered.status === 410) ended(await reasonIn(answered));
      else if (!answered.ok) throw new Error(String(answered.status));
      else {
        const { access_token, access_token_ttl, renewable_until }: RenewedToken = await answered.json();
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
    /** Schedules the next renewal, or renews at once when it is due. */
    plan: () => plan(),
    /** The editor has requested a token. */
    planAsked: () => plan(soonestRenewalInMs(token, now())),
    stop: () => clearTimeout(timer),
  };
}

async function reasonIn(answered: Response): Promise<SessionEnd> {
  const { ended }: Partial<NotRenewed> = await answered.json().catch(() => ({}));
  return ended ?? "expired";
}
