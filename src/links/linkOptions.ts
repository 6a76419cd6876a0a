import { z } from "zod";

interface OptionFacts {
  /**
   * What ticking its box changes compared with a default link. The API always says whether something is allowed; a row
   * says whether it is forbidden.
   */
  readonly ticked: "allows" | "forbids" | "adds";
  /** Name of the checkbox in the form. */
  readonly field: string;
  /** Keys in `words/en.ts`. */
  readonly label: string;
  readonly hint?: string;
  /** For the API's description. */
  readonly about: string;
}

/**
 * Every yes/no option of a link, in one place: its row, the API, the form, the link's page and what a grant takes over
 * from it are derived from here. The code that enforces an option is elsewhere, mostly in `wopi/checkFileInfo.ts`.
 */
export const linkOptions = {
  download: {
    ticked: "forbids",
    field: "no_download",
    label: "noDownload",
    about: "Whether the document can be downloaded",
  },
  print: { ticked: "forbids", field: "no_print", label: "noPrint", about: "Whether it can be printed" },
  copy: { ticked: "forbids", field: "no_copy", label: "noCopy", about: "Whether its text can be copied" },
  watermark: {
    ticked: "adds",
    field: "watermark",
    label: "watermark",
    about: "The visitor's name across every page, if the editor supports it",
  },
  rename: {
    ticked: "allows",
    field: "may_rename",
    label: "allowRename",
    hint: "allowRenameHint",
    about: "Whether visitors who can edit may rename the file",
  },
} as const satisfies Record<string, OptionFacts>;

export type LinkOption = keyof typeof linkOptions;
type Restriction = Exclude<LinkOption, "rename">;
type Forbidding = {
  [Name in LinkOption]: (typeof linkOptions)[Name]["ticked"] extends "forbids" ? Name : never;
}[LinkOption];

export const optionNames = Object.keys(linkOptions) as LinkOption[];
/** What a portal can forbid in a session too. */
export const forbidding = optionNames.filter((name): name is Forbidding => linkOptions[name].ticked === "forbids");

/** Goes beyond editing, while the others restrict it; useful only to people who may edit. */
export const isRight = (name: LinkOption): boolean => linkOptions[name].ticked === "allows";

/** One value for each of these options, under the option's name. */
export function eachOf<Name extends LinkOption, Value>(
  names: readonly Name[],
  valueFor: (name: Name, facts: OptionFacts) => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, valueFor(name, linkOptions[name])])) as Record<Name, Value>;
}

/** In rows; true forbids or adds. Options unknown to an older version are missing. Renaming has a field of its own. */
export const restrictionShape = eachOf(
  optionNames.filter((name): name is Restriction => name !== "rename"),
  () => z.boolean().exactOptional(),
);

interface OptionsInRow {
  /** Whether a visitor who may edit can rename the file. */
  readonly mayRename: boolean;
  readonly restrictions: Readonly<Partial<Record<Restriction, boolean>>>;
}

/** @returns the options whose boxes are ticked when the form shows this link */
export function tickedIn(link: OptionsInRow): LinkOption[] {
  const row = forbiddenBy(link);
  return optionNames.filter((name) => turned(linkOptions[name], "allows", row[name] === true));
}

/** All options of a link, as its row stores them. @param ticked the options whose boxes are ticked */
export function optionsInRow(ticked: readonly LinkOption[]): Required<OptionsInRow> {
  const { rename, ...restrictions } = eachOf(optionNames, (name, facts) =>
    turned(facts, "allows", ticked.includes(name)),
  );
  return { mayRename: !rename, restrictions };
}

/** What visitors who come through the link may not do. @param visitor the name that is drawn over the pages */
export function optionsForGrant(link: OptionsInRow, visitor: string) {
  const { rename, watermark, ...restrictions } = forbiddenBy(link);
  return { mayRename: !rename, restrictions: { ...restrictions, ...(watermark ? { watermark: visitor } : {}) } };
}

/** A link's options in the API. @param ticked as in `optionsInRow` */
export function optionsInApi(ticked: readonly LinkOption[]): Record<LinkOption, boolean> {
  return eachOf(optionNames, (name, facts) => turned(facts, "forbids", ticked.includes(name)));
}

/** @param before ticked so far; applies where the API leaves an option out @returns the options ticked afterwards */
export function tickedByApi(
  options: { readonly [Name in LinkOption]?: boolean | undefined },
  before: readonly LinkOption[],
): LinkOption[] {
  return optionNames.filter((name) => {
    const said = options[name];
    return said === undefined ? before.includes(name) : turned(linkOptions[name], "forbids", said);
  });
}

function forbiddenBy({ mayRename, restrictions }: OptionsInRow): Partial<Record<LinkOption, boolean>> {
  return { ...eachOf(optionNames.filter(isRight), () => true), ...restrictions, rename: !mayRename };
}

/** Inverts the value for options of one kind; applied twice, it changes nothing. */
function turned({ ticked }: OptionFacts, kind: OptionFacts["ticked"], value: boolean): boolean {
  return ticked === kind ? !value : value;
}
