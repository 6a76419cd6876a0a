import fs, { promises } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** Every call of the file system below one folder, counted, and failing where it is told to. */
export interface DiskFaults {
  /** Names of the calls so far. */
  readonly calls: readonly string[];
  /** Asked before each call. @returns the error's code, undefined when the call may go on */
  fault: ((call: string, index: number) => string | undefined) | undefined;
  reset(): void;
  undo(): void;
}

const pathCalls = ["open", "rename", "rm", "readdir", "stat", "statfs", "writeFile", "mkdir"] as const;
const handleCalls = ["writev", "appendFile", "sync", "close"] as const;

export function diskFaults(dir: string): DiskFaults {
  const calls: string[] = [];
  const faults: DiskFaults = {
    calls,
    fault: undefined,
    reset: () => {
      calls.length = 0;
      faults.fault = undefined;
    },
    undo: () => {
      Object.assign(promises, original);
      syncBuiltinESMExports();
    },
  };
  const original = Object.fromEntries(pathCalls.map((name) => [name, promises[name]]));
  const meet = (call: string): void => {
    const code = faults.fault?.(call, calls.length);
    calls.push(call);
    if (code !== undefined) throw Object.assign(new Error(`${code}: ${call}`), { code });
  };
  const watched = (handle: FileHandle): FileHandle =>
    new Proxy(handle, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return async (...given: unknown[]) => {
          if (!handleCalls.some((one) => one === name)) return value.apply(target, given);
          try {
            meet(String(name));
          } catch (error) {
            // A close that fails has closed all the same.
            if (name === "close") await target.close();
            throw error;
          }
          return value.apply(target, given);
        };
      },
    });
  for (const name of pathCalls) {
    const call = promises[name] as (...given: unknown[]) => Promise<unknown>;
    const met = async (...given: unknown[]): Promise<unknown> => {
      if (!String(given[0]).startsWith(dir)) return call(...given);
      meet(name);
      const answer = await call(...given);
      return name === "open" ? watched(answer as FileHandle) : answer;
    };
    Object.assign(fs.promises, { [name]: met });
  }
  syncBuiltinESMExports();
  return faults;
}
