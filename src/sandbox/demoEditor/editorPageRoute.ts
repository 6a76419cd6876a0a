import type { IncomingMessage, ServerResponse } from "node:http";
import type { PageAddress } from "./addresses.ts";
import { editorPage, pageHeaders, refusalPage } from "./editorPage.ts";
import type { Guise } from "./guises.ts";
import { formLimitBytes, readBody, reply } from "./httpBodies.ts";
import type { OpenDocuments } from "./openDocuments.ts";
import { isForceSaved, mergedPageConfig, type PageConfig, readPageConfig } from "./pageConfig.ts";
import type { Caller } from "./wopiClient.ts";

// What only concerns the page; everything else in the frame's address goes on to the host.
const pageParameters = new Set([
  ...["wopisrc", "lang", "closebutton", "revisionhistory", "title", "theme", "ui_defaults"],
  ...["ui", "rs", "thm", "dchat", "embed", "fs", "hid", "rec", "sc", "mobile", "formsubmit"],
]);

/** Takes the form that a host page posts, and sends the page that will connect. */
export async function openPage(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  address: PageAddress,
  options: { documents: OpenDocuments; guise: Guise; onPageConfig: (config: PageConfig) => void },
): Promise<void> {
  const { documents, guise } = options;
  const body = await readBody(request, formLimitBytes);
  if (body === undefined) return reply(response, 413, "text/plain", "too large");
  const form = new URLSearchParams(body.toString("utf8"));
  const parameter = (wanted: string): string =>
    [...url.searchParams].find(([name]) => name.toLowerCase() === wanted)?.[1] ?? "";
  const refuse = (status: number, reason: string): void => {
    response.writeHead(status, pageHeaders).end(refusalPage(reason));
  };
  const accessToken = form.get("access_token") ?? "";
  if (accessToken === "") return refuse(400, "The host sent no access token.");
  const caller: Caller = {
    wopiSrc: parameter("wopisrc"),
    accessToken,
    accessTokenTtl: form.get("access_token_ttl") ?? "",
    frameParameters: frameParameters(url, guise),
  };
  const posted = guise.takesPageConfig ? readPageConfig(form.get("docs_api_config")) : {};
  const permission = parameter("permission");
  const view = documents.addView(caller, {
    viewOnly: address.viewOnly || permission === "view" || permission === "readonly",
    ...(isForceSaved(posted) ? { savesMeanwhile: true } : {}),
  });
  if (view === undefined) return refuse(403, "Unauthorized WOPI host.");
  if (address.convertsTo !== undefined) {
    const converted = await documents.convert(view, address.convertsTo);
    if ("problem" in converted) return refuse(200, converted.problem);
    response.writeHead(302, { Location: converted.hostEditUrl, "Cache-Control": "no-store" }).end();
    return;
  }
  await documents.prepare(view);
  if (guise.takesPageConfig) options.onPageConfig(mergedPageConfig(posted, view));
  response
    .writeHead(200, pageHeaders)
    .end(editorPage({ viewId: view.id, closeButton: parameter("closebutton") === "1" }));
}

function frameParameters(url: URL, { lowerCasesNames }: Guise): [string, string][] {
  return [...url.searchParams]
    .filter(([name]) => !pageParameters.has(name.toLowerCase()))
    .map(([name, value]) => [lowerCasesNames ? name.toLowerCase() : name, value]);
}
