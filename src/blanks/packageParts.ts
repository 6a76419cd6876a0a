/** Parts that every Office Open XML file has. @see ECMA-376, part 2 */
export const xmlHead = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
/** Where types of relationships begin. */
export const relationshipTypes = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/** `[Content_Types].xml`. @param types content type of each part, by its path */
export function contentTypes(types: Readonly<Record<string, string>>): readonly [string, string] {
  const overrides = Object.entries(types).map(
    ([path, type]) =>
      `<Override PartName="/${path}" ContentType="application/vnd.openxmlformats-officedocument.${type}+xml"/>`,
  );
  return [
    "[Content_Types].xml",
    `${xmlHead}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${overrides.join("")}</Types>`,
  ];
}

/**
 * The relationships of a part.
 * @param path of the `.rels` file
 * @param targets the kind and place of each; they are named rId1, rId2, …
 */
export function relationships(
  path: string,
  targets: readonly (readonly [kind: string, target: string])[],
): readonly [string, string] {
  const all = targets.map(
    ([kind, target], at) => `<Relationship Id="rId${at + 1}" Type="${relationshipTypes}/${kind}" Target="${target}"/>`,
  );
  return [
    path,
    `${xmlHead}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${all.join("")}</Relationships>`,
  ];
}
