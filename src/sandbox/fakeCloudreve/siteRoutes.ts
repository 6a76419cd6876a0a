import type { BuiltinViewer } from "./builtinViewers.ts";
import { type Call, type Route, sendData } from "./call.ts";
import type { FakeViewer } from "./fakeDrive.ts";
import { anonymousObject, userObject } from "./userRoutes.ts";

const backendVersion = "4.14.0";

/** Health, and what the site tells anybody about itself. */
export const siteRoutes: readonly Route[] = [
  { method: "GET", path: "/api/v4/site/ping", run: (call) => sendData(call, backendVersion) },
  { method: "GET", path: "/api/v4/site/config/basic", run: showBasic },
  { method: "GET", path: "/api/v4/site/config/login", run: showLogin },
  { method: "GET", path: "/api/v4/site/config/explorer", run: showExplorer },
  { method: "GET", path: "/version.json", run: showFrontendVersion, isPage: true },
];

function showBasic(call: Call): void {
  const { drive, caller } = call;
  sendData(call, {
    instance_id: drive.state.instanceId,
    title: drive.siteTitle,
    themes: "{}",
    default_theme: "#1976d2",
    user: caller ? userObject(drive, caller) : anonymousObject(drive),
    logo: "/static/img/logo.svg",
    logo_light: "/static/img/logo_light.svg",
    custom_html: {},
    captcha_ReCaptchaKey: "defaultKey",
    captcha_type: "normal",
    captcha_cap_asset_server: "jsdelivr",
    app_promotion: true,
  });
}

function showLogin(call: Call): void {
  sendData(call, {
    ...(call.drive.settings.loginCaptcha ? { login_captcha: true } : {}),
    authn: true,
    register_enabled: true,
    tos_url: "https://cloudreve.org/privacy-policy",
    privacy_policy_url: "https://cloudreve.org/privacy-policy",
  });
}

function showExplorer(call: Call): void {
  const isEnabled = (viewer: FakeViewer | BuiltinViewer) => viewer["disabled"] !== true;
  const groups = call.drive.viewerGroups.map(({ viewers }) => ({
    viewers: viewers.filter(isEnabled).map(publicViewer),
  }));
  sendData(call, {
    icons: "[]",
    map_provider: "openstreetmap",
    google_map_tile_type: "regular",
    file_viewers: groups,
    max_batch_size: 3000,
    thumbnail_width: 400,
    thumbnail_height: 300,
    custom_props: [
      {
        id: "description",
        name: "fileManager.description",
        type: "text",
        icon: "fluent:slide-text-24-filled",
      },
      {
        id: "rating",
        name: "fileManager.rating",
        type: "rating",
        icon: "fluent:data-bar-vertical-star-24-filled",
        max: 5,
      },
    ],
    show_encryption_status: true,
  });
}

// The action URLs stay with the server.
function publicViewer(viewer: FakeViewer | BuiltinViewer): Record<string, unknown> {
  if (viewer.type !== "wopi") return { ...viewer };
  const { id, type, display_name, exts, icon } = viewer;
  return { id, type, display_name, exts, ...(icon === undefined ? {} : { icon }) };
}

function showFrontendVersion(call: Call): void {
  const body = JSON.stringify({ name: "cloudreve-frontend", version: backendVersion });
  call.response.writeHead(200, {
    "Accept-Ranges": "bytes",
    "Content-Length": body.length,
    "Content-Type": "application/json",
    "Last-Modified": new Date(call.drive.now()).toUTCString(),
  });
  call.response.end(body);
}
