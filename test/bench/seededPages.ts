import { FileActivity } from "../../src/documents/activity.ts";
import { DocumentLocks } from "../../src/documents/documentLock.ts";
import { AccessGrants } from "../../src/documents/grants.ts";
import { EditLinks } from "../../src/links/links.ts";
import { FileMutex } from "../../src/model/fileMutex.ts";
import { openSqliteStore } from "../../src/stores/sqliteStore.ts";
import { countTo } from "./stage.ts";

const atOnce = 100;
const dayMs = 24 * 3_600_000;

/**
 * Writes to a bridge's store what it would have written for documents that are open and locked, as opening thousands
 * takes minutes. The drive knows none of them: nothing may be asked but what their pages ask.
 * @returns the keys of their pages
 */
export async function seedPages(storeFile: string, count: number): Promise<string[]> {
  const now = Date.now;
  const store = openSqliteStore(storeFile, now);
  const grants = new AccessGrants(store, new EditLinks(store, now), now);
  const activity = new FileActivity(store, now);
  const drive = {
    lock: async ({ fileId: id }: { fileId: string }) => ({ ...{ id, name: "Report.docx", version: "v" }, ...facts }),
    refreshLock: async () => undefined,
    unlock: async () => true,
    stat: async () => Promise.reject(new Error("nobody asks")),
  };
  const locks = new DocumentLocks({ store, mutex: new FileMutex(), now, drive });
  const seed = async (index: number): Promise<string> => {
    const document = { account: "bench", fileId: `seeded${index}` };
    const grant = await grants.issue({
      ...{ document, fileName: "Report.docx", permission: "edit", ownerId: "owner", issuedTo: "bench" },
      ...{ person: { id: `p${index}`, name: `Person ${index}` }, restrictions: {}, saveAs: "new", mayRename: true },
      ...{ actionUrl: "https://office.example/edit", language: "en-US" },
      ...{ expiresAtMs: now() + dayMs, renewableUntilMs: now() + dayMs },
    });
    for (const call of ["checkFileInfo", "getFile"] as const) await activity.seen(grant, call);
    await locks.exclusively(document.fileId, async (lock) => {
      await lock.take("bench-lock", grant);
      await lock.holdInDrive(document);
    });
    return grants.issuePageKey(grant);
  };
  const keys: string[] = [];
  // Together, so that they share commits.
  for (let first = 0; first < count; first += atOnce) {
    keys.push(...(await Promise.all(countTo(Math.min(atOnce, count - first)).map((at) => seed(first + at)))));
  }
  await store.close();
  return keys;
}

const facts = { uri: "cloudreve://my/Report.docx", sizeBytes: 1024, modifiedAt: "2026-11-28T00:00:00Z" };
