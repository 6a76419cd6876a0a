import { childAddress, ecosystemAddress } from "../../documents/folderReach.ts";
import type { AccessGrant } from "../../documents/grants.ts";
import { BridgeError } from "../../model/failure.ts";
import type { Services } from "../../services.ts";
import type { WopiCall, WopiOperation } from "../wopiCall.ts";
import { requireReach } from "./ancestry.ts";
import { containerInfo } from "./checkContainerInfo.ts";
import { containerPointer } from "./containerCall.ts";

type Needs = Pick<Services, "drive" | "tokens" | "wopiUrl" | "bridgeUrl">;

/** @see WOPI GetEcosystem (files, containers) */
export function getEcosystem(services: Needs): WopiOperation {
  return async ({ grant }) => {
    requireReach(grant, "GET_ECOSYSTEM");
    return { json: { Url: await ecosystemAddress(services, grant) } };
  };
}

/** @see WOPI CheckEcosystem */
export function checkEcosystem(): WopiOperation {
  return async () => ({ json: { SupportsContainers: true } });
}

/** @see WOPI GetRootContainer (ecosystem) */
export function getRootContainer(services: Needs): WopiOperation {
  return async ({ grant }) => ({ json: await rootContainer(services, grant) });
}

/** The root of the account's drive. */
export async function rootContainer(services: Needs, grant: AccessGrant): Promise<object> {
  const root = await services.drive.folder(grant.document.account, { uri: "cloudreve://my" });
  return {
    ContainerPointer: await containerPointer(services, grant, root),
    ContainerInfo: containerInfo(services, grant, root),
  };
}

/** From an address that a person knows to the WOPISrc of the file. @see WOPI GetFileWopiSrc (ecosystem) */
export function getFileWopiSrc(services: Needs): WopiOperation {
  return async (call) => ({ json: { Url: await wopiSrcOf(services, call) } });
}

/** @throws fileMissing when the address names no file of this account's */
export async function wopiSrcOf(
  services: Needs,
  { grant, header }: Pick<WopiCall, "grant" | "header">,
): Promise<string> {
  const fileId = fileIdOf(services, header("X-WOPI-HostNativeFileName") ?? "");
  if (fileId === undefined) throw new BridgeError({ kind: "fileMissing" });
  const { id } = await services.drive.find(grant.document.account, { fileId });
  return childAddress(services, grant, id);
}

/** @returns the file's id in an address of our pages (HostEditUrl), in a WOPISrc, or as it is */
function fileIdOf({ bridgeUrl, wopiUrl }: Needs, name: string): string | undefined {
  const id = name.startsWith(`${bridgeUrl}/open?`)
    ? new URL(name).searchParams.get("file_id")
    : name.startsWith(`${wopiUrl}/wopi/files/`)
      ? name.slice(`${wopiUrl}/wopi/files/`.length).split("?", 1)[0]
      : name;
  return id !== null && id !== undefined && /^[A-Za-z0-9]{1,64}$/.test(id) ? id : undefined;
}
