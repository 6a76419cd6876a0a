import type { DiscoveryAction } from "./discoveryActions.ts";
import type { PublishedKey } from "./proofKeys.ts";

/** The editor's discovery XML: one zone, its name saying http as both suites' does. */
export function discoveryXml(
  publicUrl: string,
  actions: readonly DiscoveryAction[],
  keys?: { current: PublishedKey; previous: PublishedKey },
): string {
  const favIcon = attribute(`${publicUrl}/editor/assets/icon.svg`);
  const apps = [...new Set(actions.map(({ app }) => app))];
  const textAddress = actions.find(({ name, extension }) => name === "edit" && extension === "txt")?.urlsrc ?? "";
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    "<wopi-discovery>",
    '  <net-zone name="external-http">',
    ...apps.flatMap((app) => [
      `    <app name="${app}" favIconUrl="${favIcon}">`,
      ...actions.filter((action) => action.app === app).map(actionElement),
      "    </app>",
    ]),
    '    <app name="text/plain">',
    `      <action name="edit" ext="" default="true" urlsrc="${attribute(textAddress)}"/>`,
    "    </app>",
    '    <app name="Capabilities">',
    `      <action name="getinfo" ext="" urlsrc="${attribute(`${publicUrl}/hosting/capabilities`)}"/>`,
    "    </app>",
    "  </net-zone>",
    ...(keys === undefined ? [] : [proofKeyElement(keys)]),
    "</wopi-discovery>",
    "",
  ].join("\n");
}

function actionElement({ name, extension, isDefault, targetExtension, urlsrc }: DiscoveryAction): string {
  const marks = `${isDefault ? ' default="true"' : ""}${targetExtension ? ` targetext="${targetExtension}"` : ""}`;
  return `      <action name="${name}" ext="${extension}"${marks} urlsrc="${attribute(urlsrc)}"/>`;
}

const commonCapabilities = {
  "convert-to": { available: false },
  hasMobileSupport: true,
  hasProxyPrefix: false,
  hasTemplateSource: false,
  hasTemplateSaveAs: false,
  hasWopiAccessCheck: true,
  productName: "Demo editor",
  productVersion: "1.0",
};

export function capabilities(serverId: string | undefined): object {
  return serverId === undefined ? commonCapabilities : { ...commonCapabilities, serverId };
}

function proofKeyElement({ current, previous }: { current: PublishedKey; previous: PublishedKey }): string {
  return (
    `  <proof-key value="${current.value}" modulus="${current.modulus}" exponent="${current.exponent}" ` +
    `oldvalue="${previous.value}" oldmodulus="${previous.modulus}" oldexponent="${previous.exponent}"/>`
  );
}

function attribute(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
