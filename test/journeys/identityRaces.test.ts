import type { IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeIdentityServer, type IdentityScene, type IdentityStage, identityStage } from "../support/identityStage.ts";

const saved = "what the editor has saved";
const limitBytes = 1_000;
let at: IdentityStage;
beforeAll(async () => {
  at = await identityStage(await fakeIdentityServer({ maxEditSizeBytes: limitBytes }));
});
afterEach(() => {
  at.proxy.intercept = undefined;
});
afterAll(() => at.close());

const isOverride = (override: string) => (request: IncomingMessage) =>
  request.headers["x-wopi-override"] === override && request.url?.includes("/contents") === false;
const isCall =
  (method: string, path: string) =>
  ({ method: asked, url }: IncomingMessage): boolean =>
    asked === method && url?.startsWith(`/api/v4${path}`) === true;
const isNativeGet = isCall("GET", "/file/wopi/");

/** The owner's hand is in between the bridge's look and its call; once. */
function justBefore(isThat: (request: IncomingMessage) => boolean, deed: () => Promise<void>): { happened: boolean } {
  const moment = { happened: false };
  at.proxy.intercept = async (request) => {
    if (moment.happened || !isThat(request)) return false;
    moment.happened = true;
    await deed();
    return false;
  };
  return moment;
}

const swap = async ({ folder }: IdentityScene): Promise<void> => {
  await at.rename(`${folder}/a`, "a 2025");
  await at.rename(`${folder}/b`, "a");
};
/** Nothing lies at the old path, where Cloudreve would make a new file. */
const moveAway = ({ folder }: IdentityScene): Promise<void> => at.rename(`${folder}/a/Report.docx`, "Report 2025.docx");
const copyToItsPlace = async ({ folder }: IdentityScene): Promise<void> => {
  await at.owner.put(`${folder}/c/keep.docx`, "keeps the folder");
  await at.move(`${folder}/a/Report.docx`, `${folder}/c`, true);
  await moveAway({ folder } as IdentityScene);
  await at.move(`${folder}/c/Report.docx`, `${folder}/a`);
};

async function expectSecretUntouched({ secret }: IdentityScene): Promise<void> {
  expect(await at.textOf(secret.id)).toBe(secret.text);
  expect((await at.at(secret.id))?.primary_entity).toBe(secret.version);
  expect(await at.isLocked(secret.id)).toBe(false);
}

const edit = (more: { over?: boolean; locked?: boolean } = {}) =>
  at.scene({ action: "edit", over: false, locked: false, ...more });

describe("a file that changes places with another in the moment between the proof and the call", () => {
  it("is locked where it is, and the other is not", async () => {
    const scene = await edit();
    const moment = justBefore(isOverride("LOCK"), () => swap(scene));
    expect((await scene.client.lock("A")).status).toBe(200);
    expect(moment.happened).toBe(true);
    await expectSecretUntouched(scene);
    expect(await at.isLocked(scene.ours.id)).toBe(true);
    expect((await scene.client.put(saved, "A")).status).toBe(200);
    expect(await at.textOf(scene.ours.id)).toBe(saved);
  });

  it("is not locked without a credential, and neither is the other", async () => {
    const scene = await edit({ over: true });
    const moment = justBefore(isOverride("LOCK"), () => swap(scene));
    expect((await scene.client.lock("A")).status).toBe(503);
    expect(moment.happened).toBe(true);
    await expectSecretUntouched(scene);
    expect(await at.isLocked(scene.ours.id)).toBe(false);
  });

  it.each([false, true])("is read where it is or not at all; credential ended: %s", async (over) => {
    const scene = await at.scene({ action: "view", over, locked: false });
    const moment = { happened: false };
    at.proxy.intercept = async (request, response) => {
      // No download address: the bytes must come through the session.
      if (isCall("POST", "/file/url")(request) || isCall("GET", "/file/content")(request)) {
        response.writeHead(200, { "Content-Type": "application/json" }).end('{"code":40016,"msg":""}');
        return true;
      }
      if (!moment.happened && isNativeGet(request) && request.url?.includes("/contents") === true) {
        moment.happened = true;
        await swap(scene);
      }
      return false;
    };
    const answer = await scene.client.get();
    expect(moment.happened).toBe(true);
    expect({ status: answer.status, text: answer.text }).toEqual(
      over ? { status: 503, text: "" } : { status: 200, text: scene.ours.text },
    );
  });

  it("is not written under a lock that the owner has just broken, and neither is the other", async () => {
    const scene = await edit({ locked: true });
    const moment = justBefore(isOverride("REFRESH_LOCK"), async () => {
      await at.forceUnlock(`${scene.folder}/a/Report.docx`);
      await swap(scene);
    });
    expect((await scene.client.put(saved, "A")).status).toBe(200);
    expect(moment.happened).toBe(true);
    expect(await at.textOf(scene.ours.id)).toBe(saved);
    await expectSecretUntouched(scene);
  });

  it("is not written without a credential: the bytes wait until its place is known again", async () => {
    const scene = await edit({ over: true, locked: true });
    justBefore(isOverride("REFRESH_LOCK"), async () => {
      await at.forceUnlock(`${scene.folder}/a/Report.docx`);
      await swap(scene);
    });
    expect((await scene.client.put(saved, "A")).status).toBe(503);
    await expectSecretUntouched(scene);
    expect(await at.replay()).toBeGreaterThan(0);
    await expectSecretUntouched(scene);
    // And back.
    await at.rename(`${scene.folder}/a`, "b");
    await at.rename(`${scene.folder}/a 2025`, "a");
    await at.replay();
    expect(await at.textOf(scene.ours.id)).toBe(saved);
    await expectSecretUntouched(scene);
  });

  it("is not written by a late save when the other lies there", async () => {
    const scene = await edit();
    const moment = justBefore(isCall("PUT", "/file/content"), () => swap(scene));
    expect((await scene.client.put(saved, "A")).status).toBe(409);
    expect(moment.happened).toBe(true);
    await expectSecretUntouched(scene);
    expect((await scene.client.put(saved, "A")).status).toBe(200);
    expect(await at.textOf(scene.ours.id)).toBe(saved);
  });

  it("gets no double by a late save: what was made in its place goes to the trash", async () => {
    const scene = await edit();
    const moment = justBefore(isCall("PUT", "/file/content"), () => moveAway(scene));
    expect((await scene.client.put(saved, "A")).status).toBe(503);
    expect(moment.happened).toBe(true);
    expect(await at.owner.list(`${scene.folder}/a`)).toEqual(["Report 2025.docx"]);
    await at.replay();
    expect(await at.textOf(scene.ours.id)).toBe(saved);
  });

  it("leaves a copy in its place as it was", async () => {
    const scene = await edit();
    const moment = justBefore(isCall("PUT", "/file/content"), () => copyToItsPlace(scene));
    expect((await scene.client.put(saved, "A")).status).toBe(503);
    expect(moment.happened).toBe(true);
    expect(await at.owner.read(`${scene.folder}/a/Report.docx`)).toBe(scene.ours.text);
    expect((await at.owner.info(`${scene.folder}/a/Report.docx`)).primary_entity).toBe(scene.ours.version);
    await at.replay();
    expect(await at.textOf(scene.ours.id)).toBe(saved);
    expect(await at.owner.read(`${scene.folder}/a/Report.docx`)).toBe(scene.ours.text);
  });

  it.each([
    ["another lies there", swap],
    ["nothing lies there", moveAway],
    ["a copy lies there", copyToItsPlace],
  ])("is not replaced by a large save while %s", async (_where, deed) => {
    const scene = await edit();
    const large = "x".repeat(limitBytes + 1);
    const moment = justBefore(isCall("PUT", "/file/upload"), () => deed(scene));
    const answer = await scene.client.put(large, "A");
    expect(moment.happened).toBe(true);
    expect(answer.status).not.toBe(200);
    await expectSecretUntouched(scene);
    expect(await at.textOf(scene.ours.id)).toBe(scene.ours.text);
    if (deed === moveAway) expect(await at.owner.list(`${scene.folder}/a`)).toEqual(["Report 2025.docx"]);
    if (deed === copyToItsPlace) expect(await at.owner.read(`${scene.folder}/a/Report.docx`)).toBe(scene.ours.text);
    expect((await scene.client.put(large, "A")).status).toBe(200);
    expect(await at.textOf(scene.ours.id)).toBe(large);
    await expectSecretUntouched(scene);
  });

  it("is not renamed, and the other has its own name again", async () => {
    const scene = await edit();
    const moment = justBefore(isCall("POST", "/file/rename"), async () => {
      at.proxy.intercept = undefined;
      await swap(scene);
    });
    const rename = () => scene.client.post("RENAME_FILE", { "X-WOPI-RequestedName": "Renamed" });
    expect((await rename()).status).toBe(503);
    expect(moment.happened).toBe(true);
    expect((await at.at(scene.secret.id))?.name).toBe("Report.docx");
    expect((await at.at(scene.ours.id))?.name).toBe("Report.docx");
    expect((await rename()).status).toBe(200);
    expect((await at.at(scene.ours.id))?.name).toBe("Renamed.docx");
    await expectSecretUntouched(scene);
  });

  it("is not said to be deleted, and what went in its place can be had back from the trash", async () => {
    const scene = await edit();
    const client = await at.openAsOwner(scene.ours.id);
    const moment = justBefore(isCall("DELETE", "/file"), () => swap(scene));
    expect((await client.post("DELETE")).status).toBe(503);
    expect(moment.happened).toBe(true);
    expect(await at.textOf(scene.ours.id)).toBe(scene.ours.text);
    expect(await at.at(scene.secret.id)).toBeUndefined();
    const { data } = await at.owner.call("GET", `/file/info?id=${scene.secret.id}`);
    expect((data as { path: string }).path).toMatch(/^cloudreve:\/\/trash\//);
  });

  it("gets a new file beside itself, and none beside the other", async () => {
    const scene = await edit();
    const moment = justBefore(isCall("POST", "/file/create"), () => swap(scene));
    const saveAs = () => scene.client.post("PUT_RELATIVE", { "X-WOPI-SuggestedTarget": "New.docx" }, saved);
    await saveAs();
    expect(moment.happened).toBe(true);
    expect(await at.owner.list(`${scene.folder}/a`)).toEqual(["Report.docx"]);
    expect((await saveAs()).status).toBe(200);
    expect(await at.owner.list(`${scene.folder}/a 2025`)).toEqual(["New.docx", "Report.docx"]);
    expect(await at.owner.list(`${scene.folder}/a`)).toEqual(["Report.docx"]);
  });
});

describe("what is remembered of a file", () => {
  it("never takes in what lies in its place: a session refused once is refused for good", async () => {
    const scene = await edit({ over: true });
    await swap(scene);
    for (let again = 0; again < 3; again++) {
      for (const call of [
        scene.client.check(),
        scene.client.get(),
        scene.client.lock("A"),
        scene.client.put(saved, "A"),
      ]) {
        expect((await call).status).toBe(503);
      }
    }
    await expectSecretUntouched(scene);
  });

  it("goes on with what was saved through the session alone, lock after lock", async () => {
    const scene = await edit({ over: true });
    for (const text of ["one", "two", "three"]) {
      expect((await scene.client.lock("A")).status).toBe(200);
      expect((await scene.client.put(text, "A")).status).toBe(200);
      expect((await scene.client.unlock("A")).status).toBe(200);
      expect((await scene.client.get()).text).toBe(text);
    }
    expect(await at.textOf(scene.ours.id)).toBe("three");
  });
});
