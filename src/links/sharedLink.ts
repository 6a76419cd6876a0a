import type { Allowance } from "../model/allowances.ts";
import type { DriveAccount } from "../model/drive.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { linkTarget } from "./folderLink.ts";
import { type EditLink, linkEnd } from "./links.ts";
import { addressOf, makeLink } from "./manageLinks.ts";

type Needs = Parameters<typeof makeLink>[0] & Pick<Services, "mutex" | "allowances">;

/** New links of one person: an editor that asks in a loop, for file after file, must not fill the store. */
const newLinks: Allowance = { most: 100, withinMs: 3_600_000 };

/**
 * The address of the owner's own link to a file or folder, for an editor's Share button: one link for each permission, made at
 * the first call. It is not used any more once it has ended or was given another permission. With a password or an end
 * that the owner has added, it still is: a new one without them would undo that.
 * @param account the owner's
 * @throws fileMissing, tooManyAttempts; signInNeeded when the account ends with its access token, and any link with it
 */
export async function sharedLink(
  services: Needs,
  account: DriveAccount,
  fileId: string,
  permission: "view" | "edit",
  signal: AbortSignal,
): Promise<string> {
  if (account.endsAtMs !== undefined) throw new BridgeError({ kind: "signInNeeded" });
  const maker = `person:${account.userId}`;
  // Calls at the same time find the link that the first of them makes.
  return services.mutex.run(
    `shared ${maker} ${fileId} ${permission}`,
    async (lease) => {
      const known = await knownAddress(services, maker, fileId, permission);
      if (known !== undefined) {
        await linkTarget(services, account.account, { fileId });
        return known;
      }
      await services.allowances.take("shared links of", maker, newLinks);
      lease.requireMine();
      const wishes = { permission, sharedFor: permission };
      return (await makeLink(services, account, { fileId }, maker, wishes)).url;
    },
    signal,
  );
}

async function knownAddress(
  services: Needs,
  maker: string,
  fileId: string,
  permission: "view" | "edit",
): Promise<string | undefined> {
  const isIt = (link: EditLink): boolean =>
    link.fileId === fileId &&
    link.sharedFor === permission &&
    link.permission === permission &&
    linkEnd(link, services.now()) === undefined;
  for (const link of (await services.links.madeBy(maker)).filter(isIt)) {
    const url = await addressOf(services, link);
    if (url !== undefined) return url;
  }
  return undefined;
}
