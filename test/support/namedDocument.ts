import { expect } from "vitest";
import { linkOwner } from "./linkOwner.ts";
import type { OperationsStage } from "./operationsStage.ts";
import type { Stage } from "./stage.ts";
import type { TestBridge } from "./testBridge.ts";
import { utf7 } from "./utf7.ts";
import { editorForm } from "./webPerson.ts";
import { type WopiAnswer, type WopiClient, wopiClient, wopiOfForm } from "./wopiClient.ts";

/** What PutRelativeFile and RenameFile answer. */
export interface NamedDocument {
  readonly Name: string;
  readonly Url: string;
  readonly HostEditUrl: string;
  readonly HostViewUrl: string;
  readonly LastModifiedTime: string;
}

/** @returns the body of an answer that must be 200 */
export function namedDocument(answer: WopiAnswer): NamedDocument {
  expect(answer.status, `${answer.text} ${JSON.stringify([...answer.headers])}`).toBe(200);
  return answer.json() as unknown as NamedDocument;
}

/** An editor's server that has nothing but an address with a token in it. */
export function openedAt(url: string, like: WopiClient): WopiClient {
  const parsed = new URL(url);
  const token = parsed.searchParams.get("access_token");
  if (token === null) throw new Error(`no token in ${parsed.pathname}`);
  return wopiClient({ ...like.session, access_token: token }, `${parsed.origin}${parsed.pathname}`, like.send);
}

/** What a host page hands to the editor. */
export async function hostPageFacts(url: string): Promise<{ status: number; action: string; token: string }> {
  const answered = await fetch(url);
  const page = await answered.text();
  const value = (pattern: RegExp): string => (pattern.exec(page)?.[1] ?? "").replaceAll("&amp;", "&");
  return {
    status: answered.status,
    action: value(/<form id="editor-form" method="post" action="([^"]*)"/),
    token: value(/name="access_token" value="([^"]*)"/),
  };
}

/** An editor's server that was reached through a host page. */
export async function openedByPage(url: string, like: WopiClient): Promise<WopiClient> {
  const { action, token } = await hostPageFacts(url);
  const src = new URL(action).searchParams.get("WOPISrc") ?? "";
  return wopiClient({ ...like.session, access_token: token }, src);
}

/** Save As, as editors ask for it. */
export const saveAs = (client: WopiClient, headers: Record<string, string>, body = "the copy"): Promise<WopiAnswer> =>
  client.post("PUT_RELATIVE", headers, body);

export const suggest = (client: WopiClient, name: string, body?: string): Promise<WopiAnswer> =>
  saveAs(client, { "X-WOPI-SuggestedTarget": utf7(name) }, body);

export const exactly = (client: WopiClient, name: string, overwrite?: string, body?: string): Promise<WopiAnswer> =>
  saveAs(
    client,
    {
      "X-WOPI-RelativeTarget": utf7(name),
      ...(overwrite === undefined ? {} : { "X-WOPI-OverwriteRelativeTarget": overwrite }),
    },
    body,
  );

let folders = 0;

/** Opened by its owner, who has signed in on the bridge's own pages. */
export async function openAsOwner(bridge: TestBridge | OperationsStage, path: string): Promise<WopiClient> {
  if ("openAsOwner" in bridge) return bridge.openAsOwner(path);
  const { person } = await linkOwner(bridge);
  const page = await person.follow(await person.get(`/open?file_id=${(await bridge.alice.info(path)).id}`));
  return wopiOfForm(editorForm(page));
}

/** A document in a folder of its own, opened to edit: by its owner, or as a portal that trusts its people says. */
export async function openInFolder(
  bridge: TestBridge | OperationsStage,
  more: Record<string, unknown> = {},
  name = "Report.docx",
) {
  const folder = `named ${++folders}`;
  const path = `${folder}/${name}`;
  expect(await bridge.alice.put(path, "the original")).toBe(0);
  if (Object.keys(more).length === 0) return { folder, path, client: await openAsOwner(bridge, path) };
  const options = { save_as: "overwrite", ...(more["options"] as object | undefined) };
  return { folder, path, client: await bridge.open(path, { ...more, options }) };
}

/** Every name in a folder with what it holds. */
export async function contentsOf(bridge: Stage, folder: string): Promise<Record<string, string>> {
  const names = await bridge.alice.list(folder);
  const texts = await Promise.all(names.map((name) => bridge.alice.read(`${folder}/${name}`)));
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ""]));
}
