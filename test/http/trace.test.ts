import { describe, expect, it } from "vitest";
import { traceOf } from "../../src/http/trace.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("the trace a request belongs to", () => {
  it("is handed on with this request as the parent", () => {
    const trace = traceOf(`00-${traceId}-00f067aa0ba902b7-01`);
    expect(trace?.traceId).toBe(traceId);
    expect(trace?.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(trace?.traceparent).not.toContain("00f067aa0ba902b7");
  });

  it.each([
    ["is none when nobody sent one", undefined],
    ["is none of a version that is not known", `01-${traceId}-00f067aa0ba902b7-01`],
    ["is none with zeros for an id", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
    ["is none with zeros for a parent", `00-${traceId}-${"0".repeat(16)}-01`],
    ["is none in capital letters", `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`],
    ["is none with more behind it", `00-${traceId}-00f067aa0ba902b7-01-x`],
    ["is none of nonsense", "nonsense"],
  ])("%s", (_sentence, header) => {
    expect(traceOf(header)).toBeUndefined();
  });
});
