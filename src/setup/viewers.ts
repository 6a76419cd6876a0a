import { z } from "zod";
import { byHand, found, type Step } from "./step.ts";

/** Cloudreve's setting `file_viewers`, in which editors and file apps stand. No I/O here. */

const viewerSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  display_name: z.string().default(""),
  exts: z.array(z.string()).default([]),
  url: z.string().optional(),
  wopi_actions: z.record(z.string(), z.record(z.string(), z.string())).nullish(),
  disabled: z.boolean().optional(),
});
/** An editor's app, a custom file app, or a viewer that Cloudreve brings itself; what is not read here is kept. */
export type Viewer = z.output<typeof viewerSchema>;

export const groupSchema = z.looseObject({ viewers: z.array(viewerSchema).nullish() });
export type ViewerGroup = z.output<typeof groupSchema>;

/** Applied to the setting as it is at that moment, so that nobody else's change is lost. */
export type ViewerChange = (groups: readonly ViewerGroup[]) => readonly ViewerGroup[];

export const fileApps = "Cloudreve: Dashboard → File system → File apps";

/** @param imported what Cloudreve reads in the editors' discovery documents @param discoveryUrl where, as text */
export function judgeImport(
  groups: readonly ViewerGroup[],
  imported: readonly Viewer[],
  discoveryUrl: string,
): Step<ViewerChange> {
  if (imported.length === 0) {
    return byHand(
      `Cloudreve finds no editor for any file type in ${discoveryUrl}.`,
      "check that DISCOVERY_URLS names the editor's discovery address",
    );
  }
  const { missing, outdated, known } = compared(groups, imported);
  if (missing.length === 0 && outdated.length === 0) {
    const off = known.filter(({ disabled }) => disabled === true);
    if (off.length === 0) return found(`Cloudreve has the editor's viewers ${namesOf(known)}.`);
    return byHand(`Cloudreve has the viewers ${namesOf(off)}, but they are disabled.`, `${fileApps}: enable them`);
  }
  const news = [
    ...(missing.length > 0 ? [`lacks the viewers ${namesOf(missing)}`] : []),
    ...(outdated.length > 0 ? [`has other addresses for ${namesOf(outdated)} than the editor names`] : []),
  ];
  return {
    is: "change",
    sentence: `Cloudreve ${news.join(", and ")}.`,
    question:
      missing.length > 0 ? `Import them from ${discoveryUrl}?` : `Take over the addresses from ${discoveryUrl}?`,
    change: (present) => withImported(present, imported),
  };
}

function compared(groups: readonly ViewerGroup[], imported: readonly Viewer[]) {
  const pairs = pairedWith(groups, imported);
  return {
    missing: imported.filter((viewer) => !pairs.has(viewer)),
    outdated: imported.filter((viewer) => {
      const known = pairs.get(viewer);
      return known !== undefined && !hasAddressesOf(known, viewer);
    }),
    known: imported.flatMap((viewer) => pairs.get(viewer) ?? []),
  };
}

/** @returns which viewer that Cloudreve has already is the same app of the editor: the same name, and a type in common */
function pairedWith(groups: readonly ViewerGroup[], imported: readonly Viewer[]): ReadonlyMap<Viewer, Viewer> {
  const free = new Set(viewersIn(groups).filter(({ type }) => type === "wopi"));
  const pairs = new Map<Viewer, Viewer>();
  const pair = (fits: (known: Viewer, viewer: Viewer) => boolean) => {
    for (const viewer of imported.filter((one) => !pairs.has(one))) {
      const known = [...free].find((one) => isSameApp(one, viewer) && fits(one, viewer));
      if (known === undefined) continue;
      free.delete(known);
      pairs.set(viewer, known);
    }
  };
  // Of two editors with the same apps, each finds its own first.
  pair(hasAddressesOf);
  pair(() => true);
  return pairs;
}

function isSameApp(known: Viewer, viewer: Viewer): boolean {
  return known.display_name === viewer.display_name && known.exts.some((extension) => viewer.exts.includes(extension));
}

/** Types that an administrator took away, or added, stay so. */
function hasAddressesOf(known: Viewer, viewer: Viewer): boolean {
  return known.exts.every((extension) => {
    const wanted = viewer.wopi_actions?.[extension];
    const actions = known.wopi_actions?.[extension] ?? {};
    return wanted === undefined || isSameRecord(actions, wanted);
  });
}

function isSameRecord(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

function withImported(groups: readonly ViewerGroup[], imported: readonly Viewer[]): readonly ViewerGroup[] {
  const pairs = pairedWith(groups, imported);
  const newer = new Map([...pairs].map(([viewer, known]) => [known, viewer]));
  const missing = imported.filter((viewer) => !pairs.has(viewer));
  const updated = groups.map((group) => ({
    ...group,
    viewers: (group.viewers ?? []).map((known) => withAddressesOf(known, newer.get(known))),
  }));
  return missing.length === 0 ? updated : [...updated, { viewers: missing }];
}

/** The id stays: people's choice of a default app is stored by it. */
function withAddressesOf(known: Viewer, viewer: Viewer | undefined): Viewer {
  if (viewer === undefined) return known;
  const actions = known.exts.map((extension) => [
    extension,
    viewer.wopi_actions?.[extension] ?? known.wopi_actions?.[extension] ?? {},
  ]);
  return { ...known, wopi_actions: Object.fromEntries(actions) };
}

/** @param url with `{$id}`, which Cloudreve replaces @param id for a new one */
export function judgeFileApp(
  groups: readonly ViewerGroup[],
  app: { readonly id: string; readonly name: string; readonly url: string },
): Step<ViewerChange> {
  const viewers = viewersIn(groups);
  const known = viewers.find(({ type, url }) => type === "custom" && url === app.url);
  if (known?.disabled === true) {
    return byHand(`Cloudreve has the file app "${known.display_name}", but it is disabled.`, `${fileApps}: enable it`);
  }
  if (known !== undefined) return found(`Cloudreve has the file app "${known.display_name}" for ${app.url}.`);
  const extensions = editableIn(viewers);
  if (extensions.length === 0) {
    return byHand(
      `The file app for ${app.url} needs file types, and Cloudreve has no editor for any yet.`,
      "import the editor's viewers, then run setup again",
    );
  }
  return {
    is: "change",
    sentence: `Cloudreve has no file app for ${app.url}.`,
    question: `Add "${app.name}" to the Open with menu of ${listed(extensions)}?`,
    change: (present) => [
      ...present,
      { viewers: [{ id: app.id, type: "custom", display_name: app.name, exts: extensions, url: app.url }] },
    ],
  };
}

/** File types that an editor edits, in order. */
function editableIn(viewers: readonly Viewer[]): string[] {
  const editors = viewers.filter(({ type, disabled }) => type === "wopi" && disabled !== true);
  const edits = editors.flatMap(({ exts, wopi_actions: actions }) =>
    exts.filter((extension) => actions?.[extension]?.["edit"] !== undefined),
  );
  return [...new Set(edits)].sort();
}

function viewersIn(groups: readonly ViewerGroup[]): readonly Viewer[] {
  return groups.flatMap(({ viewers }) => viewers ?? []);
}

function namesOf(viewers: readonly Viewer[]): string {
  return viewers.map(({ display_name: name, exts }) => `"${name}" (${listed(exts)})`).join(", ");
}

function listed(extensions: readonly string[]): string {
  return extensions.length > 6 ? `${extensions.slice(0, 6).join(", ")} and more` : extensions.join(", ");
}
