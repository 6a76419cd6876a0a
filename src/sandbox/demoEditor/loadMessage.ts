import type { StoredFile } from "./storedFile.ts";
import type { Caller } from "./wopiClient.ts";

const loadPattern = /^load url=(\S+)/;

/**
 * What a Collabora answers to the `load url=…` with which every page begins. It asks the host at once, whatever the
 * token: whoever reaches its socket can find out whether it reaches a host.
 * @param mayCall whether the editor may call the host of a WOPISrc
 */
export async function answerLoad(
  text: string,
  parts: { mayCall: (wopiSrc: string) => boolean; file: StoredFile },
): Promise<readonly string[]> {
  const [, encoded] = loadPattern.exec(text) ?? [];
  const caller = encoded === undefined ? undefined : callerOf(encoded);
  if (caller === undefined) return [];
  if (!parts.mayCall(caller.wopiSrc)) return ["error: cmd=internal kind=unauthorized"];
  const answer = await parts.file.checkFileInfo(caller);
  if (!("problem" in answer)) return [];
  return [
    answer.problem.startsWith("Unauthorized")
      ? "error: cmd=internal kind=unauthorized"
      : "error: cmd=storage kind=loadfailed",
  ];
}

function callerOf(encoded: string): Caller | undefined {
  const address = decoded(encoded);
  if (address === undefined || !URL.canParse(address)) return undefined;
  const [wopiSrc = ""] = address.split("?");
  const given = new URL(address).searchParams;
  return {
    wopiSrc,
    accessToken: given.get("access_token") ?? "",
    accessTokenTtl: given.get("access_token_ttl") ?? "",
    frameParameters: [],
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
