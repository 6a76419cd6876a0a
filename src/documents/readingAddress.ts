import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { type AccessGrant, wopiFileId } from "./grants.ts";

/**
 * Addresses that read one document and do nothing else, for callers that add no access token: an editor's server
 * (FileUrl) and a person's browser (DownloadUrl). They end with the session; what it may is looked up at each call.
 */
const readers = ["direct", "download"] as const;
type Reader = (typeof readers)[number];

/** WOPI's FileUrl: where the editor's server reads the document, straight from the drive if it can. */
export async function fileUrl(services: Pick<Services, "tokens" | "wopiUrl">, grant: AccessGrant): Promise<string> {
  const { tokens, wopiUrl } = services;
  return `${wopiUrl}/wopi/files/${wopiFileId(grant.document)}/direct/contents?read=${await sign(tokens, grant, "direct")}`;
}

/** WOPI's DownloadUrl: where a person's browser downloads the document. */
export async function downloadUrl(
  { tokens, bridgeUrl }: Pick<Services, "tokens" | "bridgeUrl">,
  grant: AccessGrant,
): Promise<string> {
  return `${bridgeUrl}/download/${await sign(tokens, grant, "download")}`;
}

/**
 * The grant behind such an address.
 * @throws tokenInvalid when it is another kind of token, its session has ended, or may no longer read this way
 */
export async function readerOf(
  { tokens, grants }: Pick<Services, "tokens" | "grants">,
  reader: Reader,
  token: unknown,
): Promise<AccessGrant> {
  const claims = await tokens.verify(typeof token === "string" ? token : "");
  const grant = await grants.find(claims.grantId);
  const isMeant = grant !== undefined && claims.fileId === resourceOf(grant, reader) && mayReadOutside(grant);
  if (!isMeant || grant.revokedAtMs !== undefined) throw new BridgeError({ kind: "tokenInvalid" });
  return grant;
}

/** Collabora shows FileUrl to the browser, so it is as good as a download; and the file itself has no watermark. */
export function mayReadOutside({ restrictions }: Pick<AccessGrant, "restrictions">): boolean {
  return restrictions.download !== true && restrictions.watermark === undefined;
}

function sign(tokens: Services["tokens"], grant: AccessGrant, reader: Reader): Promise<string> {
  return tokens.sign({ grantId: grant.id, fileId: resourceOf(grant, reader), expiresAtMs: grant.expiresAtMs });
}

/** No file's id has a slash: neither token works as an access token. */
const resourceOf = (grant: AccessGrant, reader: Reader): string => `${reader}/${wopiFileId(grant.document)}`;
