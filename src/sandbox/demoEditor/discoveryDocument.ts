import type { PublishedKey } from "./proofKeys.ts";

const extensions = ["txt", "md", "csv", "json", "html", "wopitest"];

/** The editor's discovery XML in Collabora's form: one zone, action URLs without placeholders. */
export function discoveryXml(publicUrl: string, keys?: { current: PublishedKey; previous: PublishedKey }): string {
  const edit = attribute(`${publicUrl}/editor/edit?`);
  const view = attribute(`${publicUrl}/editor/view?`);
  const actions = extensions.flatMap((extension) => [
    `      <action name="edit" ext="${extension}" default="true" urlsrc="${edit}"/>`,
    `      <action name="view" ext="${extension}" urlsrc="${view}"/>`,
  ]);
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    "<wopi-discovery>",
    '  <net-zone name="external-http">',
    `    <app name="Text" favIconUrl="${attribute(`${publicUrl}/editor/assets/icon.svg`)}">`,
    ...actions,
    "    </app>",
    '    <app name="text/plain">',
    `      <action name="edit" ext="" default="true" urlsrc="${edit}"/>`,
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

export const capabilities = {
  "convert-to": { available: false },
  hasMobileSupport: true,
  hasProxyPrefix: false,
  hasTemplateSource: false,
  hasTemplateSaveAs: false,
  hasWopiAccessCheck: true,
  productName: "Demo editor",
  productVersion: "1.0",
};

function proofKeyElement({ current, previous }: { current: PublishedKey; previous: PublishedKey }): string {
  return (
    `  <proof-key value="${current.value}" modulus="${current.modulus}" exponent="${current.exponent}" ` +
    `oldvalue="${previous.value}" oldmodulus="${previous.modulus}" oldexponent="${previous.exponent}"/>`
  );
}

function attribute(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
