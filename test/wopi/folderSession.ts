import type { Stage } from "../support/stage.ts";
import { fetchedAnswer, type WopiAnswer } from "../support/wopiClient.ts";

export interface Pointer {
  readonly Name: string;
  readonly Url: string;
}

/** An app on a phone or desktop, signed in to the drive: it reaches folders. */
export interface FolderSession {
  /** What Bootstrap answered. */
  readonly bootstrap: { readonly EcosystemUrl: string; readonly UserId: string; readonly UserFriendlyName: string };
  readonly root: Pointer;
  /** The Url of a folder, from the root. */
  folder(path: string): Promise<string>;
  /** The Url of a file, from the root. */
  file(path: string): Promise<string>;
}

/** Calls an address that the bridge has given out, token included. @param below path below the resource */
export function callAt(
  url: string,
  { override, below = "", headers = {} }: { override?: string; below?: string; headers?: Record<string, string> } = {},
): Promise<WopiAnswer> {
  const [address = "", query = ""] = url.split("?");
  return fetchedAnswer(
    fetch(`${address}${below}?${query}`, {
      method: override === undefined ? "GET" : "POST",
      headers: { ...(override === undefined ? {} : { "X-WOPI-Override": override }), ...headers },
    }),
  );
}

/** @param headers of the call to the bootstrapper */
export function askBootstrapper(
  bridgeUrl: string,
  headers: Record<string, string>,
  method = "POST",
): Promise<WopiAnswer> {
  return fetchedAnswer(fetch(`${bridgeUrl}/wopibootstrapper`, { method, headers }));
}

export async function folderSession(stage: Pick<Stage, "url">, accessToken: string): Promise<FolderSession> {
  const operation = { "X-WOPI-EcosystemOperation": "GET_ROOT_CONTAINER" };
  const answered = await askBootstrapper(stage.url, { Authorization: `Bearer ${accessToken}`, ...operation });
  if (answered.status !== 200) throw new Error(`the bootstrapper: ${answered.status} ${answered.text}`);
  const { Bootstrap, RootContainerInfo } = answered.json() as {
    Bootstrap: FolderSession["bootstrap"];
    RootContainerInfo: { ContainerPointer: Pointer };
  };
  return {
    bootstrap: Bootstrap,
    root: RootContainerInfo.ContainerPointer,
    ...below(RootContainerInfo.ContainerPointer),
  };
}

/** What an open document's editor reaches by its token: the ecosystem, and from there the drive. */
export async function reachedFrom(fileUrl: string): Promise<Omit<FolderSession, "bootstrap"> & { ecosystem: string }> {
  const { Url } = (await callAt(fileUrl, { below: "/ecosystem_pointer" })).json() as { Url: string };
  const { ContainerPointer } = (await callAt(Url, { below: "/root_container_pointer" })).json() as {
    ContainerPointer: Pointer;
  };
  return { ecosystem: Url, root: ContainerPointer, ...below(ContainerPointer) };
}

function below(root: Pointer): Pick<FolderSession, "folder" | "file"> {
  const child = async (url: string, of: "ChildContainers" | "ChildFiles", name: string): Promise<string> => {
    const children = (await callAt(url, { below: "/children" })).json() as Record<typeof of, Pointer[]>;
    const found = children[of].find(({ Name }) => Name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found.Url;
  };
  const folder = async (path: string) => {
    let url = root.Url;
    for (const name of path === "" ? [] : path.split("/")) url = await child(url, "ChildContainers", name);
    return url;
  };
  return {
    folder,
    file: async (path) => {
      const steps = path.split("/");
      return child(await folder(steps.slice(0, -1).join("/")), "ChildFiles", steps.at(-1) ?? "");
    },
  };
}
