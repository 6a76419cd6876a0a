import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config.ts";
import { readHead } from "../documents/spoolFile.ts";
import { largestSaveShare, leftFreeBytes } from "../documents/spoolRoom.ts";
import { spoolStage } from "../documents/waitingSaves.ts";
import type { Clock } from "../model/keyValueStore.ts";
import { type Finding, failed, finding, ok, type Verdict, warning } from "./finding.ts";
import { reasonOf } from "./httpProbe.ts";

/** The spool also holds saves that are being placed right now. */
const underWayMs = 60_000;
const shownSaves = 3;
const mebibyte = 1024 * 1024;
/** With less than this, even the saves of a quiet day may not fit. */
const leastFreeBytes = 64 * mebibyte;

interface WaitingSave {
  readonly fileName: string;
  readonly personName: string;
  readonly receivedAtMs: number;
}

/**
 * Tests writing to the spool folder and reads the saves that wait there. It does not use SaveSpool.open, which would
 * remove the bodies that a running bridge is still receiving.
 */
export async function examineSpool(config: Config, now: Clock): Promise<Finding[]> {
  const { SPOOL_DIR: dir, MAX_FILE_MB: maxFileMb } = config;
  try {
    await mkdir(dir, { recursive: true });
    const probe = join(dir, `.probe-${randomBytes(6).toString("hex")}`);
    await (await open(probe, "wx")).close();
    await rm(probe);
  } catch (error) {
    const sentence = `The spool folder ${dir} is not writable (${reasonOf(error)}), so nothing can be saved.`;
    const verdict = failed(sentence, "SPOOL_DIR=data/spool (a folder the bridge's user can write to)");
    return [finding("bridge", "spool", verdict)];
  }
  const { bavail, bsize, blocks } = await statfs(dir);
  const { saves, brokenNames } = await contentOf(dir);
  const lifetimeMs = config.SPOOL_DAYS * 24 * 3_600_000;
  const leftMb = Math.floor(leftFreeBytes({ sizeBytes: blocks * bsize }) / mebibyte);
  return [
    finding("bridge", "spool", judgeFreeSpace(bavail * bsize, maxFileMb, dir)),
    finding("bridge", "spool's disk", judgeSharedDisk(await sharesDisk(config), leftMb)),
    finding("bridge", "spool content", judgeSpoolContent(saves, brokenNames, now(), lifetimeMs)),
  ];
}

/** Are store and spool on the same disk? A store elsewhere, or in memory, is not. */
export async function sharesDisk({
  STORE_URL: storeUrl,
  SPOOL_DIR: dir,
}: Pick<Config, "STORE_URL" | "SPOOL_DIR">): Promise<boolean> {
  if (!storeUrl.startsWith("file:")) return false;
  const storeDir = dirname(resolve(storeUrl.slice("file:".length)));
  try {
    const [store, spool] = await Promise.all([stat(storeDir), stat(dir)]);
    return store.dev === spool.dev;
  } catch {
    // Whichever can't be used is reported by its own check.
    return false;
  }
}

export function judgeSharedDisk(isShared: boolean, leftMb: number): Verdict {
  return isShared
    ? ok(`Spool and store share a disk. The spool keeps ${leftMb} MB of it free for the store.`)
    : ok("Spool and store are on different disks.");
}

export function judgeFreeSpace(freeBytes: number, maxFileMb: number, dir: string): Verdict {
  const freeMb = Math.floor(freeBytes / mebibyte);
  const sentence = `The spool folder ${dir} is writable, with ${freeMb} MB free.`;
  if (freeBytes < leastFreeBytes)
    return failed(`${sentence} Saves will soon be refused.`, "SPOOL_DIR=<a folder on a disk with more space>");
  // The largest save must fit into one session's share.
  if (freeMb * largestSaveShare >= maxFileMb) return ok(sentence);
  return warning(
    `${sentence} One session gets a quarter of that, which is less than MAX_FILE_MB.`,
    "SPOOL_DIR=<a folder on a disk with more space>",
  );
}

export function judgeSpoolContent(
  saves: readonly WaitingSave[],
  brokenNames: readonly string[],
  nowMs: number,
  lifetimeMs: number,
): Verdict {
  const waiting = saves
    .filter(({ receivedAtMs }) => nowMs - receivedAtMs > underWayMs)
    .sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  if (waiting.length > 0) {
    const shown = waiting
      .slice(0, shownSaves)
      .map(
        ({ fileName, personName, receivedAtMs }) => `"${fileName}" by ${personName} since ${isoMinute(receivedAtMs)}`,
      );
    const more = waiting.length > shownSaves ? `, and ${waiting.length - shownSaves} more` : "";
    const sentence = `${counted(waiting.length, "save")} not yet in Cloudreve: ${shown.join(", ")}${more}.`;
    const ending = waiting.filter(({ receivedAtMs }) => spoolStage(receivedAtMs, nowMs, lifetimeMs) !== "young");
    if (ending.length > 0) {
      const soon = ` ${counted(ending.length, "save")} due to be removed within a week (SPOOL_DAYS).`;
      return warning(sentence + soon, "ask the owners to download them at /saves, or raise SPOOL_DAYS");
    }
    return warning(sentence, "keep SPOOL_DIR and leave the bridge running: it retries them automatically");
  }
  if (brokenNames.length > 0) {
    const sentence = `${counted(brokenNames.length, "save")} damaged by a power cut: ${brokenNames.slice(0, shownSaves).join(", ")}.`;
    return warning(sentence, "look at the .broken files in SPOOL_DIR, or let their owners download them at /saves");
  }
  return ok("No saves are waiting.");
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what} is` : `${count} ${what}s are`;
}

function isoMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}

async function contentOf(dir: string): Promise<{ saves: WaitingSave[]; brokenNames: string[] }> {
  const names = await readdir(dir);
  const saves: WaitingSave[] = [];
  for (const name of names.filter((one) => /\.(save|undecided)$/.test(one))) {
    const save = await readSave(join(dir, name));
    if (save !== undefined) saves.push(save);
  }
  return { saves, brokenNames: names.filter((name) => name.endsWith(".broken")) };
}

/** @returns undefined when the bridge has placed it in the meantime */
async function readSave(path: string): Promise<WaitingSave | undefined> {
  try {
    const head = await readHead(path);
    if (head.is === "placing") return head.facts;
    if (head.is === "unread") return undefined;
    return { fileName: head.facts.wopiFileId, personName: "someone", receivedAtMs: head.facts.receivedAtMs };
  } catch {
    return undefined;
  }
}
