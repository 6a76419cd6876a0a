import { type Call, type Route, readFields, sendData } from "./call.ts";
import { DriveError, invalidParameter } from "./driveError.ts";
import type { FakeDrive, FakeSettings, FakeViewer } from "./fakeDrive.ts";

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

/** The few settings a bridge's operator touches; they act at once. */
export const adminRoutes: readonly Route[] = [
  { method: "POST", path: "/api/v4/admin/settings", run: showSettings },
  { method: "PATCH", path: "/api/v4/admin/settings", run: changeSettings },
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
  if (key === "file_viewers") return JSON.stringify([{ viewers: drive.viewers }]);
  return undefined;
}

function changeSetting(drive: FakeDrive, key: string, value: string): void {
  const numberSetting = numberSettings[key];
  if (numberSetting) drive.settings[numberSetting] = Number(value);
  else if (key === "siteURL") drive.siteUrls = value.split(",");
  else if (key === "login_captcha") drive.settings.loginCaptcha = value === "1";
  else if (key === "file_viewers") drive.viewers = readViewers(value);
}

function readViewers(value: string): FakeViewer[] {
  try {
    const groups = JSON.parse(value) as { viewers: FakeViewer[] }[];
    return groups.flatMap((group) => group.viewers).filter((viewer) => viewer.type === "wopi");
  } catch {
    throw new DriveError(40001, "Parameter error");
  }
}
