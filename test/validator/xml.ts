import { parseStringPromise } from "xml2js";
import { z } from "zod";

/** An element with its children in the order of the document. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Its own text, not that of its children. */
  readonly text: string;
}

const elementSchema: z.ZodType<XmlElement> = z.lazy(() =>
  z
    .object({
      "#name": z.string(),
      $: z.record(z.string(), z.string()).default({}),
      $$: z.array(elementSchema).default([]),
      _: z.string().default(""),
    })
    .transform((node) => ({ name: node["#name"], attributes: node.$, children: node.$$, text: node._ })),
);

/** @returns the document's root @throws Error when it is not XML */
export async function parsedXml(xml: string): Promise<XmlElement> {
  return elementSchema.parse(
    await parseStringPromise(xml, { explicitRoot: false, explicitChildren: true, preserveChildrenOrder: true }),
  );
}

export function childNamed(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

export function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return childNamed(element, name)?.children ?? [];
}

/** As .NET reads a boolean attribute. */
export function flag(element: XmlElement, attribute: string, otherwise: boolean): boolean {
  const value = element.attributes[attribute]?.trim().toLowerCase();
  return value === undefined ? otherwise : value === "true" || value === "1";
}
