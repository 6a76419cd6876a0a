import type { Restrictions } from "../documents/grants.ts";

/**
 * The form field `docs_api_config`; the editor's own values override it.
 * @returns JSON: what a visitor may not do, and that Save stores at once, not only when the last person has left
 */
export function pageConfig({ download, print, copy }: Restrictions): string {
  const permissions = {
    ...(download === true ? { download: false } : {}),
    ...(print === true ? { print: false } : {}),
    ...(copy === true ? { copy: false } : {}),
  };
  return JSON.stringify({ document: { permissions }, editorConfig: { customization: { forcesave: true } } });
}
