import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type IdentityScene,
  type IdentityServer,
  type IdentityStage,
  identityStage,
} from "../support/identityStage.ts";
import { until } from "../support/until.ts";
import type { WopiAnswer, WopiClient } from "../support/wopiClient.ts";

const saved = "what the editor has saved";
const name = "Report.docx";

/** What an owner does to files at the drive, behind the back of whoever has one open. */
const deeds: Readonly<Record<string, (at: IdentityStage, scene: IdentityScene) => Promise<void>>> = {
  "is left alone": async () => undefined,
  "goes to the trash": async (at, { folder }) => at.trash(`${folder}/a/${name}`),
  "goes to the trash, and another is moved to its place": async (at, { folder }) => {
    await at.trash(`${folder}/a/${name}`);
    await at.move(`${folder}/b/${name}`, `${folder}/a`);
  },
  "is renamed, and another is renamed to its name": async (at, { folder }) => {
    await at.rename(`${folder}/b/${name}`, "Secret.docx");
    await at.move(`${folder}/b/Secret.docx`, `${folder}/a`);
    await at.rename(`${folder}/a/${name}`, "Report 2025.docx");
    await at.rename(`${folder}/a/Secret.docx`, name);
  },
  "is moved, and another is moved to its place": async (at, { folder }) => {
    await at.owner.put(`${folder}/c/keep.docx`, "keeps the folder");
    await at.move(`${folder}/a/${name}`, `${folder}/c`);
    await at.move(`${folder}/b/${name}`, `${folder}/a`);
  },
  "lies in a folder that is renamed, and another folder takes its name": async (at, { folder }) => {
    await at.rename(`${folder}/a`, "a 2025");
    await at.rename(`${folder}/b`, "a");
  },
  "is renamed, and a copy of it takes its place": async (at, { folder }) => {
    await aSecondLater();
    await at.owner.put(`${folder}/c/keep.docx`, "keeps the folder");
    await at.move(`${folder}/a/${name}`, `${folder}/c`, true);
    await at.rename(`${folder}/a/${name}`, "Report 2025.docx");
    await at.move(`${folder}/c/${name}`, `${folder}/a`);
  },
  "changes places with another, and back": async (at, { folder }) => {
    await aSecondLater();
    await at.rename(`${folder}/a`, "a 2025");
    await at.rename(`${folder}/b`, "a");
    await at.rename(`${folder}/a`, "b");
    await at.rename(`${folder}/a 2025`, "a");
  },
};
const isGone = (deed: string) => deed.includes("trash");
/** The bytes at the old path are the document's own: itself, or a copy. */
const holdsOurBytes = (deed: string) => deed.includes("copy") || deed.includes("and back") || deed === "is left alone";

const operations: Readonly<Record<string, (client: WopiClient) => Promise<WopiAnswer>>> = {
  CheckFileInfo: (client) => client.check(),
  GetFile: (client) => client.get(),
  "GetFile, in part": (client) => client.get({ Range: "bytes=0-3" }),
  "GetFile, beyond its end": (client) => client.get({ Range: "bytes=25-" }),
  LOCK: (client) => client.lock("A"),
  REFRESH_LOCK: (client) => client.refresh("A"),
  PutFile: (client) => client.put(saved, "A"),
  "PutFile, the last of all": (client) => client.put(saved, "A", { "X-COOL-WOPI-IsExitSave": "true" }),
  PutRelative: (client) => client.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": "Save as.docx" }, saved),
  Rename: (client) => client.post("RENAME_FILE", { "X-WOPI-Lock": "A", "X-WOPI-RequestedName": "Renamed" }),
  UNLOCK: (client) => client.unlock("A"),
};
const always = ["CheckFileInfo", "GetFile", "LOCK", "PutFile", "PutRelative", "Rename"];
const unlocked = ["GetFile, in part", "GetFile, beyond its end"];
const underLock = ["REFRESH_LOCK", "PutFile, the last of all", "UNLOCK"];

/** A session reaches its file or none, whatever lies where the file has been. */
export function identityContract(openServer: () => Promise<IdentityServer>): void {
  let at: IdentityStage;
  beforeAll(async () => {
    at = await identityStage(await openServer());
  });
  afterAll(() => at?.close());

  /** Nothing of the secret was shown, and nothing of it has changed. */
  async function expectUntouched({ secret }: IdentityScene, answer: WopiAnswer): Promise<void> {
    const heard = JSON.stringify([...answer.headers]) + answer.text;
    expect(heard).not.toContain("SECRET");
    expect(heard).not.toContain(secret.version);
    expect(heard).not.toContain(`/${secret.text.length}`);
    expect(await at.textOf(secret.id)).toBe(secret.text);
    expect((await at.at(secret.id))?.primary_entity).toBe(secret.version);
    expect(await at.isLocked(secret.id)).toBe(false);
  }

  /** All that lies below the scene's folder and is not the document itself has the bytes that it had. */
  async function othersOf({ folder, ours }: IdentityScene): Promise<Record<string, string>> {
    const texts: Record<string, string> = {};
    const look = async (below: string): Promise<void> => {
      const listed = await at.owner.call("GET", `/file?uri=${encodeURIComponent(at.owner.uriOf(below))}&page_size=100`);
      for (const file of (listed.data as { files: { type: number; id: string; name: string }[] }).files) {
        if (file.type === 1) await look(`${below}/${file.name}`);
        else if (file.id !== ours.id && !file.name.startsWith("Save as")) {
          texts[`${file.id} ${file.name}`] = await at.owner.read(`${below}/${file.name}`);
        }
      }
    };
    await look(folder);
    return texts;
  }

  for (const over of [false, true]) {
    const credential = over ? "when the credential has ended" : "with a credential";
    for (const locked of [false, true]) {
      const lock = locked ? "a document whose lock the owner has broken" : "a document that is not locked";
      describe.each(Object.keys(deeds))(`${credential}, ${lock}, which %s`, (deed) => {
        it.each([...always, ...(locked ? underLock : unlocked)])("to edit: %s", async (operation) => {
          const scene = await at.scene({ action: "edit", over, locked });
          if (locked) await at.forceUnlock(`${scene.folder}/a/${name}`);
          await deeds[deed]?.(at, scene);
          const before = await othersOf(scene);
          const answer = await run(operation, scene);
          await expectUntouched(scene, answer);
          expect(await othersOf(scene)).toEqual(before);
          expectAnswer(answer, { operation, deed, over, locked }, scene);
          await expectPlaced(answer, operation, deed, scene);
        });
      });
    }
    describe.each(Object.keys(deeds))(`${credential}, a document to view, which %s`, (deed) => {
      it.each(["CheckFileInfo", "GetFile"])("%s", async (operation) => {
        const scene = await at.scene({ action: "view", over, locked: false });
        await deeds[deed]?.(at, scene);
        const answer = await run(operation, scene);
        await expectUntouched(scene, answer);
        expectAnswer(answer, { operation, deed, over, locked: false }, scene);
      });

      it("is neither locked nor written", async () => {
        const scene = await at.scene({ action: "view", over, locked: false });
        await deeds[deed]?.(at, scene);
        const before = await othersOf(scene);
        for (const operation of ["LOCK", "REFRESH_LOCK", "PutFile", "PutRelative", "Rename", "UNLOCK"]) {
          const answer = await run(operation, scene);
          expect(answer.status).toBeGreaterThanOrEqual(400);
          await expectUntouched(scene, answer);
        }
        expect(await othersOf(scene)).toEqual(before);
        if (!isGone(deed)) expect(await at.textOf(scene.ours.id)).toBe(scene.ours.text);
      });
    });
  }

  async function run(operation: string, { client }: IdentityScene): Promise<WopiAnswer> {
    const answer = await operations[operation]?.(client);
    if (answer === undefined) throw new Error(`no such operation: ${operation}`);
    return answer;
  }

  function expectAnswer(
    answer: WopiAnswer,
    { operation, deed, over, locked }: { operation: string; deed: string; over: boolean; locked: boolean },
    { ours }: IdentityScene,
  ): void {
    if (answer.status === 200 && operation === "GetFile") expect(answer.text).toBe(ours.text);
    if (answer.status === 206) expect(answer.text).toBe(ours.text.slice(0, 4));
    if (answer.status === 200 && operation === "CheckFileInfo") expect(answer.json()["Version"]).toBe(ours.version);
    expect({ operation, status: answer.status }).toEqual({
      operation,
      status: statusOf({ operation, deed, over, locked }),
    });
  }

  function statusOf({
    operation,
    deed,
    over,
    locked,
  }: {
    operation: string;
    deed: string;
    over: boolean;
    locked: boolean;
  }) {
    const good = operation === "GetFile, in part" ? 206 : operation === "GetFile, beyond its end" ? 416 : 200;
    // A lock that does not stand here is said so of files alone that are there.
    const isUnlocked = !locked && (operation === "REFRESH_LOCK" || operation === "UNLOCK");
    if (isUnlocked && !(isGone(deed) && !over)) return 409;
    if (operation === "UNLOCK" && locked) return isGone(deed) && !over ? 404 : 200;
    // The lock that stands here goes on, whatever the drive can say of the file.
    if (locked && over && (operation === "LOCK" || operation === "REFRESH_LOCK")) return 200;
    // What was known under the lock is shown as long as the lock would stand: metadata, and bytes of that version.
    if (locked && operation === "CheckFileInfo") return 200;
    if (isGone(deed) && !over) return locked && operation.startsWith("GetFile") ? good : 404;
    if (!over) return good;
    if (operation === "PutRelative" || operation === "Rename") return 503;
    if (operation.startsWith("GetFile") || operation === "CheckFileInfo") return holdsOurBytes(deed) ? good : 503;
    // Bytes alone do not tell a copy from the file; the time of its last change does.
    return holdsOurBytes(deed) && !deed.includes("copy") ? good : 503;
  }

  /** What was saved is in the document, or was refused and waits. */
  async function expectPlaced(
    answer: WopiAnswer,
    operation: string,
    deed: string,
    scene: IdentityScene,
  ): Promise<void> {
    if (isGone(deed)) return;
    const isWritten = operation.startsWith("PutFile") && answer.status === 200;
    expect(await at.textOf(scene.ours.id)).toBe(isWritten ? saved : scene.ours.text);
    const path = await at.pathOf(scene.ours.id);
    if (operation === "Rename" && answer.status === 200) expect(path).toMatch(/\/Renamed\.docx$/);
    const beside = await at.owner.list(path.slice(0, path.lastIndexOf("/")));
    expect(beside.includes("Save as.docx")).toBe(operation === "PutRelative" && answer.status === 200);
  }
}

/** Cloudreve's native answers tell whole seconds. */
async function aSecondLater(): Promise<void> {
  const second = Math.floor(Date.now() / 1000);
  await until("the next second", () => Math.floor(Date.now() / 1000) > second);
}
