import { totpCode } from "../../src/sandbox/fakeCloudreve/totp.ts";

interface FileInfo {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly primary_entity: string;
  readonly updated_at: string;
}

/** Somebody at the drive who knows nothing of the bridge: reads and writes by Cloudreve's own API. */
export interface DriveAccountClient {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** @returns the envelope's code; 0 = done */
  put(path: string, text: string | Buffer): Promise<number>;
  info(path: string): Promise<FileInfo>;
  read(path: string): Promise<string>;
  /** @returns names in the folder, sorted */
  list(folder?: string): Promise<string[]>;
  /** As `list`, with all that the drive tells of each. */
  files(folder: string): Promise<FileInfo[]>;
  /** The drive's address of a path, as its API wants it. */
  uriOf(path: string): string;
  /** @returns the envelope's code; 0 = done */
  rename(path: string, newName: string): Promise<number>;
  /** Removes for good. @returns the envelope's code; 0 = done */
  remove(path: string): Promise<number>;
  /** A lock call to Cloudreve's own WOPI host. @returns its HTTP status */
  native(fileId: string, sessionToken: string, override: string, lockId: string): Promise<number>;
  /** Gives the account a second factor. @returns what an authenticator shows from now on */
  turnOnSecondFactor(now: () => number): Promise<() => string>;
  call(method: string, path: string, body?: unknown): Promise<{ code: number; data?: unknown; msg?: string }>;
}

export async function driveAccount(driveUrl: string, email: string, password: string): Promise<DriveAccountClient> {
  const api = `${driveUrl}/api/v4`;
  const signedIn = await fetch(`${api}/session/token`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  const { token } = ((await signedIn.json()) as { data: { token: { access_token: string; refresh_token: string } } })
    .data;
  const headers = { Authorization: `Bearer ${token.access_token}` };
  const uri = (path: string) =>
    encodeURIComponent(`cloudreve://my/${path.split("/").map(encodeURIComponent).join("/")}`);
  const call: DriveAccountClient["call"] = async (method, path, body) => {
    const answered = await fetch(`${api}${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await answered.json()) as { code: number };
  };
  const dataOf = async <Data>(method: string, path: string, body?: unknown): Promise<Data> => {
    const { code, data, msg } = await call(method, path, body);
    if (code !== 0) throw new Error(`${method} ${path.split("?", 1)[0]}: ${code} ${msg}`);
    return data as Data;
  };
  const files = async (folder: string): Promise<FileInfo[]> =>
    (await dataOf<{ files: FileInfo[] }>("GET", `/file?uri=${uri(folder)}&page_size=1000`)).files;
  return {
    accessToken: token.access_token,
    refreshToken: token.refresh_token,
    call,
    turnOnSecondFactor: async (now) => {
      const secret = await dataOf<string>("GET", "/user/setting/2fa");
      const codeNow = () => totpCode(secret, now());
      await call("PATCH", "/user/setting", { two_fa_enabled: true, two_fa_code: codeNow() });
      return codeNow;
    },
    put: async (path, text) => {
      const answered = await fetch(`${api}/file/content?uri=${uri(path)}`, {
        method: "PUT",
        headers: { ...headers, "Content-Type": "application/octet-stream" },
        body: Buffer.from(text),
      });
      return ((await answered.json()) as { code: number }).code;
    },
    native: async (fileId, sessionToken, override, lockId) => {
      const address = `${api}/file/wopi/${fileId}?access_token=${encodeURIComponent(sessionToken)}`;
      const answered = await fetch(address, {
        method: "POST",
        headers: { "X-WOPI-Override": override, "X-WOPI-Lock": lockId },
      });
      await answered.arrayBuffer();
      return answered.status;
    },
    uriOf: (path) => decodeURIComponent(uri(path)),
    rename: async (path, newName) =>
      (await call("POST", "/file/rename", { uri: decodeURIComponent(uri(path)), new_name: newName })).code,
    remove: async (path) =>
      (await call("DELETE", "/file", { uris: [decodeURIComponent(uri(path))], skip_soft_delete: true })).code,
    info: (path) => dataOf("GET", `/file/info?uri=${uri(path)}`),
    read: async (path) => {
      const uris = [decodeURIComponent(uri(path))];
      const { urls } = await dataOf<{ urls: { url: string }[] }>("POST", "/file/url", { uris, no_cache: true });
      const answered = await fetch(urls[0]?.url ?? "");
      if (answered.headers.get("etag") === null) throw new Error("the download URL did not give the file");
      return answered.text();
    },
    files,
    list: async (folder = "") => (await files(folder)).map(({ name }) => name).sort(),
  };
}
