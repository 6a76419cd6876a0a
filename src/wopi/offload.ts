import type { DriveFile } from "../model/drive.ts";
import type { Services } from "../services.ts";
import type { WopiCall, WopiReply } from "./wopiCall.ts";

/** `nginx.conf` sets it on every call that it passes on, in place of what the caller sent. */
const mark = "X-Offload";

/** Smaller documents are sent sooner than their address is tried. */
const leastBytes = 128 * 1024;

/** Whether the call came through a proxy that understands `handOver`: editors, or the doctor, may also come directly. */
export function isMarked({ config }: Pick<Services, "config">, header: WopiCall["header"]): boolean {
  return config.GETFILE_OFFLOAD !== "none" && header(mark) === config.GETFILE_OFFLOAD;
}

/**
 * Where the proxy reads the whole document.
 * @returns what follows the place where the drive serves contents; undefined when the bridge has to send it
 */
export async function addressForProxy(
  services: Pick<Services, "config" | "drive">,
  { grant, header, signal }: Pick<WopiCall, "grant" | "header" | "signal">,
  file: DriveFile,
): Promise<string | undefined> {
  if (!isMarked(services, header) || file.sizeBytes < leastBytes) return undefined;
  return services.drive.addressForProxy(grant.document, file, signal);
}

/**
 * The answer that nginx replaces by what it reads there. Not a 200: whoever does not understand it must not take it for an
 * empty document. The address has a header of its own, as nginx would decode it in X-Accel-Redirect. Should the version
 * vanish before nginx asks, the drive answers 200 with JSON; no save based on that gets in, as its base is not current.
 */
export function handOver(address: string, headers: Readonly<Record<string, string>>): WopiReply {
  const toProxy = { "X-Accel-Redirect": "@drive", "X-Offload-Content": address };
  return { status: 302, headers: { ...headers, ...toProxy, "Content-Type": "application/octet-stream" } };
}
