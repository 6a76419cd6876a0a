import { randomUUID } from "node:crypto";
import { driveProxy } from "./driveProxy.ts";
import { type Fault, shapeOf } from "./faults.ts";

/**
 * @param index how many calls came before this one
 * @param address path and query
 * @returns what goes wrong with this call; undefined when it passes
 */
export type FaultPlan = (index: number, shape: string, address: string) => Fault | undefined;

/** The upstream calls of one call of an editor. */
interface WatchedCall {
  /** To be sent by the editor: the bridge hands this id on to the drive. */
  readonly headers: Readonly<Record<string, string>>;
  /** The upstream calls so far, in order. */
  readonly shapes: readonly string[];
  /** How often something went wrong. */
  readonly played: () => number;
}

/** Stands between a bridge and the drive, tells the calls of one save from another's, and lets them go wrong. */
export interface FaultProxy {
  readonly url: string;
  watch(plan?: FaultPlan): WatchedCall;
  /** For what belongs to no watched call, such as the replay. */
  others: FaultPlan;
  close(): Promise<void>;
}

const passes: FaultPlan = () => undefined;

export async function faultProxy(driveUrl: string): Promise<FaultProxy> {
  const proxy = await driveProxy(driveUrl);
  const plans = new Map<unknown, FaultPlan>();
  let otherCalls = 0;
  const faulty: FaultProxy = {
    url: proxy.url,
    others: passes,
    watch: (plan = passes) => {
      const id = randomUUID();
      const shapes: string[] = [];
      let played = 0;
      plans.set(id, (_index, shape, address) => {
        const fault = plan(shapes.length, shape, address);
        shapes.push(shape);
        if (fault !== undefined) played++;
        return fault;
      });
      return { headers: { "X-WOPI-CorrelationId": id }, shapes, played: () => played };
    },
    close: () => proxy.close(),
  };
  proxy.intercept = async (request, response) => {
    const shape = shapeOf(request);
    const plan = plans.get(request.headers["x-cr-correlation-id"]) ?? faulty.others;
    const fault = plan(otherCalls++, shape, request.url ?? "");
    // A drive that breaks off by itself is one more fault.
    await fault?.play({ request, response, driveUrl, shape }).catch(() => response.destroy());
    return fault !== undefined;
  };
  return faulty;
}
