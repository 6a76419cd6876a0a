import { randomUUID } from "node:crypto";
import { type Call, type Route, readFields, sendData } from "./call.ts";
import { DriveError, invalidParameter } from "./driveError.ts";
import type { FakeDrive, FakeSettings, FakeViewer, FakeViewerGroup } from "./fakeDrive.ts";

type NumberSetting = {
  [Key in keyof FakeSettings]: FakeSettings[Key] extends number ? Key : never;
}[keyof FakeSettings];

const numberSettings: Readonly<Record<string, NumberSetting>> = {
  maxEditSize: "maxEditSizeBytes",
  viewer_session_timeout: "viewerSessionTimeoutSeconds",
  access_token_ttl: "accessTokenTtlSeconds",
  refresh_token_ttl: "refreshTokenTtlSeconds",
  entity_url_default_ttl: "entityUrlTtlSeconds",
  entity_url_cache_margin: "entityUrlCacheMarginSeconds",
  upload_session_timeout: "uploadSessionTimeoutSeconds",
};

/** What an import takes from a discovery document; all other actions are passed over. */
const importedActions: Readonly<Record<string, string>> = { view: "view", embedview: "view", edit: "edit" };

/** The few settings a bridge's operator touches; they act at once. */
export const adminRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v4/admin/settings", run: showSettings },
  { method: "PATCH", path: "/api/v4/admin/settings", run: changeSettings },
  { method: "GET", path: "/api/v4/admin/tool/wopi", run: importEditor },
];

async function showSettings(call: Call): Promise<void> {
  const keys = (await readFields(call)).texts("keys", "Keys");
  const known = keys.flatMap((key) => {
    const value = readSetting(call.drive, key);
    return value === undefined ? [] : [[key, value]];
  });
  sendData(call, Object.fromEntries(known));
}

async function changeSettings(call: Call): Promise<void> {
  const changes = (await readFields(call)).record("settings");
  for (const [key, value] of Object.entries(changes)) {
    if (typeof value !== "string") throw invalidParameter("Parameter error");
    changeSetting(call.drive, key, value);
  }
  sendData(call, changes);
}

// The secret key is never shown.
function readSetting(drive: FakeDrive, key: string): string | undefined {
  const numberSetting = numberSettings[key];
  if (numberSetting) return String(drive.settings[numberSetting]);
  if (key === "siteURL") return drive.siteUrls.join(",");
  if (key === "login_captcha") return drive.settings.loginCaptcha ? "1" : "0";
  if (key === "file_viewers") return JSON.stringify(drive.viewerGroups);
  return undefined;
}

function changeSetting(drive: FakeDrive, key: string, value: string): void {
  const numberSetting = numberSettings[key];
  if (numberSetting) drive.settings[numberSetting] = Number(value);
  else if (key === "siteURL") drive.siteUrls = value.split(",");
  else if (key === "login_captcha") drive.settings.loginCaptcha = value === "1";
  else if (key === "file_viewers") drive.viewerGroups = readGroups(value);
}

function readGroups(value: string): FakeViewerGroup[] {
  try {
    const groups = JSON.parse(value) as { viewers?: FakeViewerGroup["viewers"] }[];
    return groups.map(({ viewers = [] }) => ({ viewers }));
  } catch {
    throw new DriveError(40001, "Parameter error");
  }
}

/** Turns a discovery document into a group of viewers, which the dashboard then adds to the setting itself. */
async function importEditor(call: Call): Promise<void> {
  const endpoint = call.query.get("endpoint") ?? "";
  if (endpoint === "") throw invalidParameter("Endpoint cannot be empty");
  sendData(call, { viewers: viewersIn(await discoveryAt(endpoint)) });
}

async function discoveryAt(endpoint: string): Promise<string> {
  const answer = await fetch(endpoint).catch(() => undefined);
  if (answer?.status !== 200) throw new DriveError(50005, "WOPI endpoint id unavailable");
  return answer.text();
}

function viewersIn(xml: string): FakeViewer[] {
  if (!/<wopi-discovery[\s>]/.test(xml)) throw new DriveError(40001, "Failed to parse WOPI response");
  const apps = [...xml.matchAll(/<app\s([^>]*?)(\/>|>([\s\S]*?)<\/app>)/g)];
  return apps.flatMap(([, app = "", , inside = ""]) => {
    const wopiActions: FakeViewer["wopi_actions"] = {};
    for (const [, action = ""] of inside.matchAll(/<action\s([^>]*?)\/?>/g)) {
      const kind = importedActions[attribute(action, "name")];
      const extension = attribute(action, "ext");
      // Entries by MIME type have no extension.
      if (kind === undefined || extension === "") continue;
      wopiActions[extension] = { ...wopiActions[extension], [kind]: attribute(action, "urlsrc") };
    }
    const exts = Object.keys(wopiActions);
    if (exts.length === 0) return [];
    const icon = attribute(app, "favIconUrl");
    const viewer = { id: randomUUID(), type: "wopi" as const, display_name: attribute(app, "name"), exts };
    return [{ ...viewer, wopi_actions: wopiActions, ...(icon === "" ? {} : { icon }) }];
  });
}

function attribute(tag: string, name: string): string {
  const [, value = ""] = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(tag) ?? [];
  const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return value.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => named[entity] ?? "");
}
