import { randomBytes } from "node:crypto";

/** W3C Trace Context, version 00. */
const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A request's place in a trace that started elsewhere. */
export interface Trace {
  readonly traceId: string;
  /** What is passed on, with this request as the parent. */
  readonly traceparent: string;
}

/**
 * @param header value of `traceparent` as received
 * @returns undefined when it is missing or not valid; it is then not passed on
 */
export function traceOf(header: string | undefined): Trace | undefined {
  const [, traceId = "", parentId = "", flags = ""] = pattern.exec(header ?? "") ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(parentId)) return undefined;
  return { traceId, traceparent: `00-${traceId}-${randomBytes(8).toString("hex")}-${flags}` };
}
