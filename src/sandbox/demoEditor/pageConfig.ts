import { z } from "zod";
import { type EditorView, isWriter, mayType } from "./editorView.ts";

/** The part of an ONLYOFFICE page's configuration that the demo editor knows; everything else in it is kept as it came. */
const configSchema = z.looseObject({
  document: z.looseObject({ permissions: z.looseObject({}).optional() }).optional(),
  editorConfig: z
    .looseObject({ customization: z.looseObject({ forcesave: z.boolean().optional() }).optional() })
    .optional(),
});

export type PageConfig = z.infer<typeof configSchema>;

/** @param field `docs_api_config` of the posted form @returns nothing set where it is absent or no such JSON */
export function readPageConfig(field: string | null): PageConfig {
  try {
    return configSchema.parse(JSON.parse(field ?? "{}"));
  } catch {
    return {};
  }
}

export function isForceSaved({ editorConfig }: PageConfig): boolean {
  return editorConfig?.customization?.forcesave === true;
}

/** The configuration as the page gets it: what the host posted comes first, the editor's own values over it. */
export function mergedPageConfig(posted: PageConfig, view: EditorView): PageConfig {
  const edits = isWriter(view) && !view.viewOnly && view.lockAtPage?.isHeld !== false;
  return {
    ...posted,
    document: {
      ...posted.document,
      key: view.documentKey,
      permissions: {
        ...posted.document?.permissions,
        edit: mayType(view),
        ...(view.info?.printsNot ? { print: false } : {}),
      },
    },
    editorConfig: { ...posted.editorConfig, mode: edits ? "edit" : "view" },
  };
}
