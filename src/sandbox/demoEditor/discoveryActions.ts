import { collaboraPath } from "./addresses.ts";
import type { GuiseName } from "./guises.ts";

export interface DiscoveryAction {
  readonly app: string;
  readonly name: string;
  readonly extension: string;
  readonly urlsrc: string;
  readonly isDefault?: boolean;
  readonly targetExtension?: string;
}

const plainExtensions = ["txt", "md", "csv", "json", "html", "wopitest", "docx", "xlsx"];

const collaboraExtensions: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ["txt", "md", "csv", "json", "html", "docx", "xlsx"].map((extension) => [extension, ["edit", "view"]]),
  ),
  odt: ["edit"],
  wopitest: ["edit"],
  pdf: ["view_comment"],
};

const onlyofficePlaceholders =
  "<rs=DC_LLCC&><dchat=DISABLE_CHAT&><embed=EMBEDDED&><fs=FULLSCREEN&><hid=HOST_SESSION_ID&><rec=RECORDING&>" +
  "<sc=SESSION_CONTEXT&><thm=THEME_ID&><ui=UI_LLCC&><wopisrc=WOPI_SOURCE&>";

const onlyofficeAddresses: Readonly<Record<string, string>> = {
  view: "view?",
  edit: "edit?",
  editnew: "edit?",
  mobileView: "view?mobile=1&",
  mobileEdit: "edit?mobile=1&",
  embedview: "view?embed=1&",
  formedit: "edit?",
  formsubmit: "edit?formsubmit=1&",
};

const onlyofficeUsual = ["view", "edit", "mobileView", "mobileEdit", "embedview"];

const onlyofficeExtensions: Readonly<Record<string, { type: string; actions: readonly string[] }>> = {
  ...Object.fromEntries(
    ["txt", "md", "json", "html", "wopitest", "odt"].map((each) => [each, { type: "word", actions: onlyofficeUsual }]),
  ),
  docx: { type: "word", actions: [...onlyofficeUsual, "editnew"] },
  doc: { type: "word", actions: ["view", "mobileView", "embedview", "convert"] },
  csv: { type: "cell", actions: onlyofficeUsual },
  xlsx: { type: "cell", actions: [...onlyofficeUsual, "editnew"] },
  pdf: { type: "pdf", actions: ["view", "mobileView", "embedview", "formedit", "formsubmit"] },
};

/** Everything that discovery offers, at the origin that browsers use. */
export function discoveryActions(guise: GuiseName, publicUrl: string, release: string): DiscoveryAction[] {
  switch (guise) {
    case "plain":
      return plainExtensions.flatMap((extension) => [
        { app: "Text", name: "edit", extension, urlsrc: `${publicUrl}/editor/edit?`, isDefault: true },
        { app: "Text", name: "view", extension, urlsrc: `${publicUrl}/editor/view?` },
      ]);
    case "collabora":
      return Object.entries(collaboraExtensions).flatMap(([extension, names]) =>
        names.map((name, index) => ({
          app: "writer",
          name,
          extension,
          urlsrc: `${publicUrl}${collaboraPath(release)}?`,
          isDefault: index === 0,
        })),
      );
    case "onlyoffice":
      return Object.entries(onlyofficeExtensions).flatMap(([extension, { type, actions }]) =>
        actions.map((name) => onlyofficeAction(`${publicUrl}/hosting/wopi`, type, name, extension)),
      );
  }
}

function onlyofficeAction(base: string, type: string, name: string, extension: string): DiscoveryAction {
  const isConversion = name === "convert";
  const address = isConversion ? `convert-and-edit/${extension}/docx?` : `${type}/${onlyofficeAddresses[name]}`;
  return {
    app: type,
    name,
    extension,
    urlsrc: `${base}/${address}${onlyofficePlaceholders}`,
    ...(isConversion ? { targetExtension: "docx" } : {}),
    ...(name === "edit" ? { isDefault: true } : {}),
  };
}
