import { editorForm, webPerson } from "../support/webPerson.ts";
import { sessionSchema } from "../support/wopiClient.ts";
import { folderSession } from "../wopi/folderSession.ts";
import type { WopiSession } from "./requests.ts";
import type { ValidatorStage } from "./stage.ts";

/** The sessions of the run, in the order in which groups choose among them. */
export async function openSessions(stage: ValidatorStage): Promise<readonly WopiSession[]> {
  return [await ownersSession(stage), await sessionWithoutSaveAs(stage), await sessionWithFolders(stage)];
}

/** From the bridge's own pages: the owner may delete and Save As, and reaches no folders. */
async function ownersSession({ bridgeUrl, drive, owner, newFile }: ValidatorStage): Promise<WopiSession> {
  const { id } = await owner.info(await newFile());
  const person = webPerson(bridgeUrl);
  await person.post("/signin/password", { email: drive.email, password: drive.password, return_to: "/" });
  const page = await person.follow(await person.get(`/open?file_id=${id}`));
  const { actionUrl, accessToken, expiresAtMs } = editorForm(page);
  if (actionUrl === "") throw new Error(`the owner's page shows no editor: ${page.status}`);
  return { name: "owner", wopiSrc: wopiSrcIn(actionUrl), accessToken, expiresAtMs };
}

/** From a portal that allows no Save As. */
async function sessionWithoutSaveAs({ bridgeUrl, portalKey, owner, newFile }: ValidatorStage): Promise<WopiSession> {
  const answered = await fetch(`${bridgeUrl}/api/sessions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${portalKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ uri: owner.uriOf(await newFile()), action: "edit", options: { save_as: "none" } }),
  });
  if (answered.status !== 201) throw new Error(`POST /api/sessions: ${answered.status} ${await answered.text()}`);
  const session = sessionSchema.parse(await answered.json());
  return {
    name: "no Save As",
    wopiSrc: wopiSrcIn(session.action_url),
    accessToken: session.access_token,
    expiresAtMs: session.access_token_ttl,
  };
}

const hourMs = 3_600_000;

/** As an app signs in: from the bootstrapper through the folders to the file. */
async function sessionWithFolders({ bridgeUrl, owner, newFile }: ValidatorStage): Promise<WopiSession> {
  const path = await newFile();
  const url = new URL(await (await folderSession({ url: bridgeUrl }, owner.accessToken)).file(path));
  const accessToken = url.searchParams.get("access_token") ?? "";
  return { name: "folders", wopiSrc: `${url.origin}${url.pathname}`, accessToken, expiresAtMs: Date.now() + hourMs };
}

function wopiSrcIn(actionUrl: string): string {
  const src = new URL(actionUrl).searchParams.get("WOPISrc");
  if (src === null) throw new Error("the action URL holds no WOPISrc");
  return src;
}
