import { z } from "zod";
import { bareAddress } from "../editors/actionUrl.ts";
import { envelopeIn } from "./driveAnswers.ts";
import { failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import { type Asked, isAnswer } from "./httpProbe.ts";

/** Which editors does Cloudreve open files with, and does the bridge read their discovery? No I/O here. */

const fileApps = "Cloudreve: Dashboard → File system → File apps → import WOPI";

/** The types everyone edits. */
export const officeExtensions = ["docx", "xlsx", "pptx", "odt"] as const;

export interface Viewer {
  readonly id: string;
  readonly name: string;
  readonly extensions: readonly string[];
}

const viewersSchema = z.object({
  file_viewers: z.array(
    z.object({
      viewers: z
        .array(
          z.object({
            id: z.string(),
            type: z.string(),
            display_name: z.string().default(""),
            exts: z.array(z.string()),
          }),
        )
        .nullish(),
    }),
  ),
});

const actionsSchema = z.array(
  z.object({
    viewers: z
      .array(
        z.object({
          type: z.string(),
          disabled: z.boolean().optional(),
          wopi_actions: z.record(z.string(), z.record(z.string(), z.string())).nullish(),
        }),
      )
      .nullish(),
  }),
);

/** @returns the WOPI viewers in `/site/config/explorer`; undefined when the answer is something else */
export function viewersIn(explorer: Asked): readonly Viewer[] | undefined {
  const config = viewersSchema.safeParse(envelopeIn(explorer)?.data);
  return config.data?.file_viewers
    .flatMap(({ viewers }) => viewers ?? [])
    .filter(({ type }) => type === "wopi")
    .map(({ id, display_name: name, exts }) => ({ id, name, extensions: exts }));
}

/** @param setting Cloudreve's `file_viewers` @returns the origins that its WOPI viewers open */
export function actionOriginsIn(setting: string | undefined): readonly string[] | undefined {
  const groups = actionsSchema.safeParse(parsed(setting));
  if (!groups.success) return undefined;
  const urls = groups.data
    .flatMap(({ viewers }) => viewers ?? [])
    .filter(({ type, disabled }) => type === "wopi" && disabled !== true)
    .flatMap(({ wopi_actions: actions }) => Object.values(actions ?? {}))
    .flatMap((byAction) => Object.values(byAction));
  const origins = urls.map(originOf).filter((origin) => origin !== undefined);
  return [...new Set(origins)];
}

/** @param urlsrc may contain placeholders in angle brackets */
export function originOf(urlsrc: string): string | undefined {
  const bare = bareAddress(urlsrc);
  return URL.canParse(bare) ? new URL(bare).origin : undefined;
}

/** @param editable extensions the editors can edit; undefined = no discovery document could be read */
export function judgeViewer(
  extension: string,
  viewers: readonly Viewer[],
  editable: ReadonlySet<string> | undefined,
  discoveryUrl: string | undefined,
): Verdict {
  const viewer = viewers.find(({ extensions }) => extensions.includes(extension));
  if (viewer !== undefined) {
    const opens = `Cloudreve opens ${extension} with "${viewer.name || viewer.id}"`;
    if (editable !== undefined) return ok(`${opens}.`);
    if (discoveryUrl !== undefined) return skipped(`${opens}. Checked once the editor's discovery can be read.`);
    return warning(
      `${opens}, but the editor behind it could not be asked whether it is there.`,
      "DISCOVERY_URLS=<the editor's address, as seen from the bridge>/hosting/discovery",
    );
  }
  if (editable !== undefined && !editable.has(extension)) return skipped(`The editor does not edit ${extension}.`);
  const sentence = `Cloudreve has no WOPI viewer for ${extension}, so these documents can't be opened.`;
  const change = `${fileApps}: ${discoveryUrl ?? "<address of the editor>/hosting/discovery"}`;
  if (editable !== undefined) return failed(sentence, change);
  if (discoveryUrl === undefined) return warning(sentence, change);
  return skipped(`Checked once the editor's discovery can be read.`);
}

/** Can any document be opened at all? */
export function judgeViewers(
  viewers: readonly Viewer[],
  editable: ReadonlySet<string> | undefined,
  discoveryUrl: string | undefined,
): Verdict {
  const change = `${fileApps}: ${discoveryUrl ?? "<address of the editor>/hosting/discovery"}`;
  const opened = new Set(viewers.flatMap(({ extensions }) => extensions));
  if (opened.size === 0) return failed("Cloudreve has no WOPI viewer, so no document can be opened.", change);
  const both = [...opened].filter((extension) => editable?.has(extension) !== false);
  if (both.length === 0) return failed("Cloudreve's WOPI viewers cover no file type that the editor can edit.", change);
  const shown = `${both.slice(0, 8).join(", ")}${both.length > 8 ? " and more" : ""}`;
  if (editable === undefined)
    return skipped(`Cloudreve has a WOPI viewer for ${shown}. Checked once an editor answers.`);
  return ok(`Cloudreve opens ${shown} in a WOPI editor.`);
}

/** Cloudreve locks a file only through a viewer: without one, others can write it while it is edited. */
export function judgeShields(viewers: readonly Viewer[], editable: ReadonlySet<string> | undefined): Verdict {
  if (editable === undefined) return skipped("Checked once the editor's discovery can be read.");
  const opened = new Set(viewers.flatMap(({ extensions }) => extensions));
  // Some editors also list actions by MIME type, without an extension.
  const bare = [...editable].filter((extension) => extension !== "" && !opened.has(extension));
  if (bare.length === 0) return ok("Cloudreve can lock every file type that the editor edits.");
  const shown = `${bare.slice(0, 8).join(", ")}${bare.length > 8 ? " and more" : ""}`;
  return warning(
    `Cloudreve has no viewer for ${shown}, so it can't lock such files: a save is then guarded by the file's version only.`,
    `${fileApps} again, or add these types to the viewer`,
  );
}

/** @param discovered the origins of the actions in the discovery documents that could be read */
export function judgeOrigins(
  inCloudreve: readonly string[] | undefined,
  discovered: readonly string[],
  isAdministrator: boolean,
): Verdict {
  if (inCloudreve === undefined || inCloudreve.length === 0) {
    return skipped(
      isAdministrator
        ? "Cloudreve's viewers have no address."
        : "Only an administrator can see which address Cloudreve's viewers open, and there was no document to test it with.",
    );
  }
  if (discovered.length === 0) {
    const change = `DISCOVERY_URLS=${inCloudreve[0]}/hosting/discovery`;
    return warning("No editor's discovery could be read, so editors' calls can't be verified.", change);
  }
  const discoveryOf = (origin: string) => `${origin}/hosting/discovery`;
  const strangers = inCloudreve.filter((origin) => !discovered.includes(origin));
  if (strangers.length === 0)
    return ok(`Cloudreve's viewers open ${inCloudreve.join(", ")}, which matches the editor's discovery.`);
  const sentence = `Cloudreve's viewers open ${strangers.join(", ")}, but the bridge reads the discovery of ${discovered.join(", ")}`;
  if (strangers.length < inCloudreve.length) {
    return warning(
      `${sentence}, so calls from the others can't be verified.`,
      `DISCOVERY_URLS=${[...discovered, ...strangers].map(discoveryOf).join(",")}`,
    );
  }
  return failed(
    `${sentence}, so calls from the editor people use can't be verified.`,
    `DISCOVERY_URLS=${strangers.map(discoveryOf).join(",")}`,
  );
}

/** @returns origin of the editor in the answer of `PUT /file/viewerSession` */
export function mintedOrigin(session: Asked): string | undefined {
  if (!isAnswer(session)) return undefined;
  const minted = z.object({ wopi_src: z.string() }).safeParse(envelopeIn(session)?.data);
  return minted.success ? originOf(minted.data.wopi_src) : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
