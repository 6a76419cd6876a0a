import { childNamed, childrenOf, parsedXml, type XmlElement } from "./xml.ts";

/** What TestCases.xml holds, as far as it is chosen. */
export interface Suite {
  readonly groups: readonly CaseGroup[];
  readonly resources: Resources;
}

export interface CaseGroup {
  readonly name: string;
  /** Cases that must pass with a session before one of the group's own is run with it. */
  readonly prerequisites: readonly TestCase[];
  readonly cases: readonly TestCase[];
}

export interface TestCase {
  readonly name: string;
  readonly requests: readonly CaseRequest[];
  /** Sent whatever came of the others; nobody looks at the answers. */
  readonly cleanup: readonly CaseRequest[];
}

export interface CaseRequest {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly mutators: readonly XmlElement[];
  /** Undefined when the case says nothing of the answer. */
  readonly validators: readonly XmlElement[] | undefined;
  readonly saves: readonly XmlElement[];
}

/** Content by resource id. */
export type Resources = ReadonlyMap<string, Buffer>;

/** Belongs to every other category as well. */
const core = "WopiCore";

/** @param category besides WopiCore; "All" for every case @throws Error when it is not such a file */
export async function parseSuite(xml: string, category: string): Promise<Suite> {
  const root = await parsedXml(xml);
  const isChosen = ({ attributes }: XmlElement): boolean =>
    category === "All" || [core, category].includes(attributes["Category"] ?? "");
  const prerequisites = new Map(
    childrenOf(root, "PrereqCases").map((element) => [element.attributes["Name"], caseOf(element)]),
  );
  return {
    resources: new Map(childrenOf(root, "Resources").map((file) => [file.attributes["Id"] ?? "", contentOf(file)])),
    groups: root.children
      .filter(({ name }) => name === "TestGroup")
      .map((group) => ({
        name: group.attributes["Name"] ?? "",
        prerequisites: childrenOf(group, "PrereqTests").map(({ text }) => {
          const found = prerequisites.get(text.trim());
          if (found === undefined) throw new Error(`${group.attributes["Name"]}: there is no case ${text.trim()}`);
          return found;
        }),
        cases: childrenOf(group, "TestCases").filter(isChosen).map(caseOf),
      }))
      .filter(({ cases }) => cases.length > 0),
  };
}

function caseOf(element: XmlElement): TestCase {
  return {
    name: element.attributes["Name"] ?? "",
    requests: childrenOf(element, "Requests").map(requestOf),
    cleanup: childrenOf(element, "CleanupRequests").map(requestOf),
  };
}

function requestOf(element: XmlElement): CaseRequest {
  return {
    name: element.name,
    attributes: element.attributes,
    body: childNamed(element, "RequestBody")?.text,
    mutators: childrenOf(element, "Mutators"),
    validators: childNamed(element, "Validators")?.children,
    saves: childrenOf(element, "SaveState"),
  };
}

/** The validator has no documents either: it sends a text of the resource's own, and one file without bytes. */
function contentOf({ attributes: { Id = "", FilePath = "", Name = "" } }: XmlElement): Buffer {
  return Buffer.from(Name === "ZeroByteFile.wopitest" ? "" : `${Id}${FilePath}${Name}`);
}
