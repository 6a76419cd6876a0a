import { Readable } from "node:stream";
import { childAddress } from "../../documents/folderReach.ts";
import type { AccessGrant } from "../../documents/grants.ts";
import type { DriveEntry, DriveFolderPage } from "../../model/drive.ts";
import { BridgeError } from "../../model/failure.ts";
import { fileType } from "../../model/fileName.ts";
import type { Services } from "../../services.ts";
import { type ContainerCall, type ContainerOperation, containerPointer } from "./containerCall.ts";

type Needs = Pick<Services, "drive" | "tokens" | "wopiUrl">;

/**
 * The folders and files in a folder, sent page by page as the drive gives them: ten thousand files need no more memory
 * than a hundred.
 * @see WOPI EnumerateChildren
 */
export function enumerateChildren(services: Needs): ContainerOperation {
  return async (call) => {
    const types = wantedTypes(call);
    const { grant, folder } = call;
    const next = (after?: string) => services.drive.list(grant.document.account, folder.uri, after);
    // Before the answer begins: its status can still tell what is wrong.
    const first = await next();
    return { jsonStream: Readable.from(jsonOf(services, grant, types, first, next)) };
  };
}

/** @returns extensions in lower case without their dot; undefined = all files */
function wantedTypes(call: ContainerCall): ReadonlySet<string> | undefined {
  const list = call.header("X-WOPI-FileExtensionFilterList");
  if (list === undefined) return undefined;
  const types = list.split(",").map((type) => type.trim().replace(/^\./, "").toLowerCase());
  return new Set(types.filter((type) => type !== ""));
}

async function* jsonOf(
  services: Needs,
  grant: AccessGrant,
  types: ReadonlySet<string> | undefined,
  first: DriveFolderPage,
  next: (after: string) => Promise<DriveFolderPage>,
): AsyncGenerator<string> {
  yield '{"ChildContainers":[';
  let isInFiles = false;
  let separator = "";
  for (let page: DriveFolderPage | undefined = first; page !== undefined; ) {
    const children = page.entries.filter((entry) => isWanted(entry, types));
    const folders = children.filter(({ kind }) => kind === "folder");
    const files = children.filter(({ kind }) => kind === "file");
    // The drive lists folders first, also across pages.
    if (isInFiles && folders.length > 0)
      throw new BridgeError({ kind: "driveFailed", code: 0, said: "a folder after files" });
    if (folders.length > 0) {
      const pointers = await Promise.all(folders.map((entry) => containerPointer(services, grant, entry)));
      yield separator + pointers.map((pointer) => JSON.stringify(pointer)).join(",");
      separator = ",";
    }
    if (files.length > 0) {
      if (!isInFiles) yield '],"ChildFiles":[';
      const facts = await Promise.all(files.map((entry) => childFile(services, grant, entry)));
      yield (isInFiles ? "," : "") + facts.map((fact) => JSON.stringify(fact)).join(",");
      isInFiles = true;
    }
    page = page.next === undefined ? undefined : await next(page.next);
  }
  yield isInFiles ? "]}" : '],"ChildFiles":[]}';
}

const isWanted = ({ kind, name }: DriveEntry, types: ReadonlySet<string> | undefined): boolean =>
  kind === "folder" || types === undefined || types.has(fileType(name) ?? "");

async function childFile(services: Needs, grant: AccessGrant, entry: DriveEntry): Promise<object> {
  return {
    Name: entry.name,
    Url: await childAddress(services, grant, entry.id),
    Version: entry.version,
    Size: entry.sizeBytes,
    LastModifiedTime: entry.modifiedAt,
  };
}
