import { z } from "zod";

interface OptionFacts {
  /**
   * What ticking its box does to a link that is otherwise as by default. Of what is allowed or forbidden the API says
   * whether it is allowed, and a row whether it is forbidden.
   */
  readonly ticked: "allows" | "forbids" | "adds";
  /** Name of the form's box. */
  readonly field: string;
  /** Keys in `pages/words/pageWords.ts`. */
  readonly label: string;
  readonly hint?: string;
  /** For the API's description. */
  readonly about?: string;
}

/**
 * Every yes/no that can be chosen for a link, once: its row, the API, the form, the link's page and what a grant takes
 * over from it follow from here. What holds an option to be true stands elsewhere, mostly `wopi/checkFileInfo.ts`.
 */
export const linkOptions = {
  download: { ticked: "forbids", field: "no_download", label: "noDownload" },
  print: { ticked: "forbids", field: "no_print", label: "noPrint" },
  copy: { ticked: "forbids", field: "no_copy", label: "noCopy" },
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

/** More than editing, where the others restrict; of use to those alone who may edit. */
export const isRight = (name: LinkOption): boolean => linkOptions[name].ticked === "allows";

/** One value for each of these options, under its name. */
export function eachOf<Name extends LinkOption, Value>(
  names: readonly Name[],
  valueFor: (name: Name, facts: OptionFacts) => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, valueFor(name, linkOptions[name])])) as Record<Name, Value>;
}

/** In rows; true forbids or adds, and what an earlier bridge did not know is missing. Renaming has a field of its own. */
export const restrictionShape = eachOf(
  optionNames.filter((name): name is Restriction => name !== "rename"),
  () => z.boolean().exactOptional(),
);

interface OptionsInRow {
  /** Whether a visitor who edits may give the file another name. */
  readonly mayRename: boolean;
  readonly restrictions: Readonly<Partial<Record<Restriction, boolean>>>;
}

/** @returns the options whose boxes are ticked in the form of a link that is like this */
export function tickedIn(link: OptionsInRow): LinkOption[] {
  const row = forbiddenBy(link);
  return optionNames.filter((name) => turned(linkOptions[name], "allows", row[name] === true));
}

/** What a link's row holds of its options: all of them. @param ticked the options whose boxes are ticked */
export function optionsInRow(ticked: readonly LinkOption[]): Required<OptionsInRow> {
  const { rename, ...restrictions } = eachOf(optionNames, (name, facts) =>
    turned(facts, "allows", ticked.includes(name)),
  );
  return { mayRename: !rename, restrictions };
}

/** What whoever comes through the link may not do. @param visitor the name that is drawn over the pages */
export function optionsForGrant(link: OptionsInRow, visitor: string) {
  const { rename, watermark, ...restrictions } = forbiddenBy(link);
  return { mayRename: !rename, restrictions: { ...restrictions, ...(watermark ? { watermark: visitor } : {}) } };
}

/** What the API says of a link's options. @param ticked as of `optionsInRow` */
export function optionsInApi(ticked: readonly LinkOption[]): Record<LinkOption, boolean> {
  return eachOf(optionNames, (name, facts) => turned(facts, "forbids", ticked.includes(name)));
}

/** @param before whose boxes were ticked; holds where the API leaves an option out @returns whose boxes are ticked then */
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

/** The other way round for options of one kind; twice, it is the same again. */
function turned({ ticked }: OptionFacts, kind: OptionFacts["ticked"], value: boolean): boolean {
  return ticked === kind ? !value : value;
}
