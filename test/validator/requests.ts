import type { CaseRequest, Resources } from "./cases.ts";
import { dotNetUtf7, queryUtf7 } from "./nameHeaders.ts";
import { provenAsAsked, type Sign } from "./signing.ts";

/** One access token for one file. */
export interface WopiSession {
  readonly name: string;
  /** The file's address, without a token. */
  readonly wopiSrc: string;
  readonly accessToken: string;
  readonly expiresAtMs: number;
}

/** What a case has kept of the answers so far; undefined: looked for and not found. */
export type SavedState = Map<string, string | undefined>;

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

interface Circumstances {
  readonly session: WopiSession;
  readonly saved: SavedState;
  readonly resources: Resources;
  readonly sign: Sign;
  readonly nowMs: number;
}

type Attributes = CaseRequest["attributes"];

interface RequestKind {
  /** Undefined: GET. */
  readonly override?: string;
  /** GET although nothing is below the resource; with it, what is below. */
  readonly below?: string;
  readonly headers?: (attributes: Attributes) => Record<string, string>;
  readonly content?: "resource" | "body";
  /** A missing address is not the session's file: that one must not be deleted. */
  readonly deletes?: true;
  readonly attributes: readonly string[];
}

const lock = ({ Lock = "" }: Attributes) => ({ "X-WOPI-Lock": Lock });

/** What each request of the cases is on the wire, and the attributes that it may have. */
const kinds: Readonly<Record<string, RequestKind>> = {
  CheckFileInfo: { attributes: [] },
  // A lock that is named here is not sent; Microsoft's engine does not either.
  GetFile: { below: "/contents", attributes: ["Lock"] },
  // Without a lock there is no header.
  PutFile: {
    override: "PUT",
    below: "/contents",
    headers: (attributes) => (attributes["Lock"] ? lock(attributes) : {}),
    content: "resource",
    attributes: ["Lock", "ResourceId"],
  },
  PutRelativeFile: {
    override: "PUT_RELATIVE",
    headers: ({ Name, ...attributes }) => targets(Name, attributes),
    content: "resource",
    attributes: ["PutRelativeFileMode", "Name", "ResourceId", "OverwriteRelative"],
  },
  Lock: { override: "LOCK", headers: lock, attributes: ["Lock"] },
  Unlock: { override: "UNLOCK", headers: lock, attributes: ["Lock"] },
  RefreshLock: { override: "REFRESH_LOCK", headers: lock, attributes: ["Lock"] },
  UnlockAndRelock: {
    override: "LOCK",
    headers: ({ NewLock = "", OldLock = "" }) => ({ "X-WOPI-Lock": NewLock, "X-WOPI-OldLock": OldLock }),
    attributes: ["NewLock", "OldLock"],
  },
  GetLock: { override: "GET_LOCK", attributes: [] },
  DeleteFile: { override: "DELETE", deletes: true, attributes: [] },
  RenameFile: {
    override: "RENAME_FILE",
    // The last two are there and empty when the case has none.
    headers: ({ Name = "", Lock = "" }) => ({
      "X-WOPI-RequestedName": dotNetUtf7(Name),
      "X-WOPI-Lock": Lock,
      "X-WOPI-CoauthLockId": "",
    }),
    attributes: ["Name", "Lock"],
  },
  PutUserInfo: { override: "PUT_USER_INFO", content: "body", attributes: [] },
  AddActivities: { override: "ADD_ACTIVITIES", content: "body", attributes: [] },
  GetShareUrl: {
    override: "GET_SHARE_URL",
    headers: ({ UrlType = "" }) => ({ "X-WOPI-UrlType": UrlType }),
    attributes: ["UrlType"],
  },
  EnumerateAncestors: { below: "/ancestry", attributes: [] },
  EnumerateChildren: {
    below: "/children",
    headers: ({ FileExtensionFilterList: list }) => (list ? { "X-WOPI-FileExtensionFilterList": list } : {}),
    attributes: ["FileExtensionFilterList"],
  },
  CheckContainerInfo: { attributes: [] },
  CreateChildContainer: {
    override: "CREATE_CHILD_CONTAINER",
    headers: ({ FolderName, PutRelativeFileMode = "" }) => targets(FolderName, { PutRelativeFileMode }),
    attributes: ["FolderName", "PutRelativeFileMode"],
  },
  CreateChildFile: {
    override: "CREATE_CHILD_FILE",
    headers: ({ Name, ...attributes }) => targets(Name, attributes),
    attributes: ["PutRelativeFileMode", "Name", "OverwriteRelative"],
  },
  DeleteContainer: { override: "DELETE_CONTAINER", deletes: true, attributes: [] },
  RenameContainer: {
    override: "RENAME_CONTAINER",
    headers: ({ Name = "" }) => ({ "X-WOPI-RequestedName": dotNetUtf7(Name) }),
    attributes: ["Name"],
  },
  GetEcosystem: { below: "/ecosystem_pointer", attributes: [] },
  // Microsoft's engine does not read EcosystemUrl: it asks the file, and is content with what a file says.
  CheckEcosystem: { attributes: ["EcosystemUrl"] },
  // The same of WopiSrc.
  GetRootContainer: { below: "/root_container_pointer", attributes: ["WopiSrc"] },
  // No call to a WOPI host: it goes without a token, a signature and headers.
  GetFromFileUrl: { attributes: [] },
};

/** @returns the first thing of a request that this engine cannot send, in words */
export function unknownRequest({ name, attributes, mutators }: CaseRequest): string | undefined {
  const kind = kinds[name];
  if (kind === undefined) return `the request ${name}`;
  const attribute = Object.keys(attributes).find((key) => key !== "OverrideUrl" && !kind.attributes.includes(key));
  if (attribute !== undefined) return `${attribute} of ${name}`;
  const mutator = mutators.find((element) => !["AccessToken", "ProofKey"].includes(element.name));
  return mutator && `the mutator ${mutator.name}`;
}

/** The answer to GetFile is bytes: nothing in it can be read as JSON. */
export function answersText({ name }: CaseRequest): boolean {
  return name !== "GetFile";
}

/** @throws Error when it depends on something that no answer held */
export function httpRequest(request: CaseRequest, circumstances: Circumstances): HttpRequest {
  const { session, saved, resources, sign, nowMs } = circumstances;
  const { name, attributes, mutators } = request;
  const kind = kinds[name];
  if (kind === undefined) throw new Error(`the request ${name} is not known`);
  const { override, below = "" } = kind;
  const method = override === undefined ? "GET" : "POST";
  const address = savedAddress(attributes["OverrideUrl"], saved);
  if (name === "GetFromFileUrl") {
    if (address === undefined) throw new Error("there is no address to read from");
    return { method, url: new URL(address).href, headers: {}, body: undefined };
  }
  if (address === undefined && kind.deletes) throw new Error("there is no address of what is to be deleted");
  const given = address === undefined ? ownAddress(session, below) : addressBelow(address, below);
  const { accessToken, url } = withMutatedToken(request, address === undefined ? session.accessToken : null, given);
  const body = contentOf(request, kind, resources);
  const proofKey = mutators.find((mutator) => mutator.name === "ProofKey");
  return {
    method,
    url,
    headers: {
      ...kind.headers?.(attributes),
      ...(name === "PutRelativeFile" ? { "X-WOPI-Size": String(body?.length) } : {}),
      ...(override === undefined ? {} : { "X-WOPI-Override": override }),
      ...provenAsAsked(proofKey, nowMs, (atMs) => sign({ accessToken, url, atMs })),
      Authorization: `Bearer ${accessToken}`,
    },
    body,
  };
}

/** @returns undefined for the session's own file, which also stands in for what an answer did not hold */
function savedAddress(given: string | undefined, saved: SavedState): string | undefined {
  if (!given?.startsWith("$State:")) return given || undefined;
  const key = given.slice("$State:".length);
  if (!saved.has(key)) throw new Error(`no answer has given ${key}`);
  return saved.get(key) || undefined;
}

function ownAddress({ wopiSrc, accessToken, expiresAtMs }: WopiSession, below: string): string {
  const token = [...Buffer.from(accessToken)].map(asInQuery).join("");
  return new URL(`${wopiSrc}${below}?access_token=${token}&access_token_ttl=${expiresAtMs}`).href;
}

/** The strictest reading: all but letters and digits is escaped. */
function asInQuery(byte: number): string {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z0-9]/.test(character)) return character;
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

function addressBelow(address: string, below: string): string {
  const url = new URL(address);
  url.pathname += below;
  return url.href;
}

/** @param ownToken null: the address has one of its own */
function withMutatedToken(
  { mutators }: CaseRequest,
  ownToken: string | null,
  address: string,
): { accessToken: string; url: string } {
  const mutator = mutators.find(({ name }) => name === "AccessToken");
  const url = new URL(address);
  const given = ownToken ?? url.searchParams.get("access_token");
  if (given === null) throw new Error("the address has no access token");
  const accessToken = mutator === undefined ? given : (mutator.attributes["Mutation"] ?? "no-such-token");
  if (accessToken === given) return { accessToken, url: address };
  url.searchParams.set("access_token", accessToken);
  return { accessToken, url: url.href };
}

function contentOf({ attributes, body }: CaseRequest, kind: RequestKind, resources: Resources): Buffer | undefined {
  if (kind.content === undefined) return undefined;
  if (kind.content === "body") return Buffer.from(body ?? "");
  const content = resources.get(attributes["ResourceId"] ?? "");
  if (content === undefined) throw new Error(`there is no resource ${attributes["ResourceId"]}`);
  return content;
}

/** Names of PutRelativeFile and of the two that create: proposed, exact, or forbidden both. */
function targets(name: string | undefined, { PutRelativeFileMode, OverwriteRelative }: Attributes) {
  const target = queryUtf7(name ?? "");
  const suggested = { "X-WOPI-SuggestedTarget": target };
  const relative = { "X-WOPI-RelativeTarget": target };
  switch (PutRelativeFileMode) {
    case "Suggested":
      return suggested;
    case "Conflicting":
      return { ...suggested, ...relative };
    case "ExactName":
      return {
        ...relative,
        // As .NET writes a boolean.
        ...(OverwriteRelative === undefined
          ? {}
          : { "X-WOPI-OverwriteRelativeTarget": OverwriteRelative.toLowerCase() === "true" ? "True" : "False" }),
      };
    default:
      throw new Error(`PutRelativeFileMode ${PutRelativeFileMode} is not known`);
  }
}
