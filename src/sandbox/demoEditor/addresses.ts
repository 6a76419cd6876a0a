import type { GuiseName } from "./guises.ts";

/** What an address of the editor's page is for. */
export interface PageAddress {
  readonly viewOnly: boolean;
  /** The format to make of an old one before anybody edits. */
  readonly convertsTo?: string;
}

const onlyofficePage = /^\/hosting\/wopi\/(?:word|cell|slide|pdf)\/(edit|view)$/;
const onlyofficeConversion = /^\/hosting\/wopi\/convert-and-edit\/[a-z0-9]+\/([a-z0-9]+)$/;

/**
 * @param release the hash of Collabora's release: its file server knows no other
 * @returns undefined where the editor has no page
 */
export function pageAddress(guise: GuiseName, path: string, release: string): PageAddress | undefined {
  switch (guise) {
    case "plain":
      return path === "/editor/edit" || path === "/editor/view" ? { viewOnly: path.endsWith("view") } : undefined;
    case "collabora":
      return path === collaboraPath(release) ? { viewOnly: false } : undefined;
    case "onlyoffice": {
      const [, action] = onlyofficePage.exec(path) ?? [];
      const [, convertsTo] = onlyofficeConversion.exec(path) ?? [];
      if (convertsTo !== undefined) return { viewOnly: false, convertsTo };
      return action === undefined ? undefined : { viewOnly: action === "view" };
    }
  }
}

/** One address for everything: what a person may do is up to CheckFileInfo. */
export function collaboraPath(release: string): string {
  return `/browser/${release}/cool.html`;
}
