import type { SavedState } from "./requests.ts";
import { flag, type XmlElement } from "./xml.ts";

/**
 * Judges one property of a JSON answer, as Microsoft's engine does: what is not there is right unless it is required.
 * @returns what is wrong, in words
 */
export function wrongProperty(property: XmlElement, value: unknown, saved: SavedState): string | undefined {
  const isRequired = flag(property, "IsRequired", false);
  if (property.name === "StringRegexProperty") return wrongByPattern(property, value, isRequired);
  if (isNothing(value)) return isRequired ? "it is required and missing" : undefined;
  if (property.name === "AbsoluteUrlProperty") return wrongAddress(property, textOf(value));
  const expected = expectedOf(property, saved);
  return (
    (expected === undefined ? wrongMoment(property, value) : wrongValue(property, value, expected)) ??
    wrongEnd(property, value)
  );
}

/** As .NET turns a JSON value into text, which is how values are kept between requests. */
export function textOf(value: unknown): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isNothing(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}

/** A saved value counts before the one that is written down. */
function expectedOf({ attributes }: XmlElement, saved: SavedState): string | undefined {
  const kept = saved.get(attributes["ExpectedStateKey"] ?? "");
  return kept || (attributes["ExpectedValue"] ?? attributes["ContainsValue"]);
}

function wrongValue(property: XmlElement, value: unknown, expected: string): string | undefined {
  return isEqual(property, value, expected) ? undefined : `expected ${expected}, got ${textOf(value)}`;
}

function isEqual(property: XmlElement, value: unknown, expected: string): boolean {
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
  switch (property.name) {
    case "BooleanProperty":
      return same(textOf(value), expected.trim());
    case "IntegerProperty":
    case "LongProperty":
      return /^-?\d+$/.test(textOf(value)) && BigInt(textOf(value)) === BigInt(expected.trim());
    case "ArrayProperty":
      return Array.isArray(value) && value.some((item) => same(textOf(item), expected));
    default:
      return flag(property, "IgnoreCase", false) ? same(textOf(value), expected) : textOf(value) === expected;
  }
}

const moments = ["AccessTokenExpiry", "ServerTime", "AccessTokenValidFrom"];
const tenYearsMs = 10 * 365.25 * 86_400_000;

function wrongMoment({ attributes }: XmlElement, value: unknown): string | undefined {
  const isMoment = moments.includes(attributes["Name"] ?? "");
  if (!isMoment || Math.abs(Number(value) - Date.now()) < tenYearsMs) return undefined;
  return `${textOf(value)} is no moment of these years in milliseconds`;
}

function wrongEnd(property: XmlElement, value: unknown): string | undefined {
  const end = property.attributes["EndsWith"] ?? "";
  const cased = (text: string) => (flag(property, "IgnoreCase", false) ? text.toLowerCase() : text);
  return cased(textOf(value)).endsWith(cased(end)) ? undefined : `expected an end of ${end}, got ${textOf(value)}`;
}

function wrongAddress(property: XmlElement, value: string): string | undefined {
  if (!URL.canParse(value)) return `${value} is no absolute address`;
  const needsToken = flag(property, "MustIncludeAccessToken", false);
  if (needsToken && !/[?&]access_token=/i.test(value)) return `${value} has no access_token`;
  return undefined;
}

function wrongByPattern(property: XmlElement, value: unknown, isRequired: boolean): string | undefined {
  if (value === undefined && !isRequired) return undefined;
  const pattern = property.attributes["ExpectedValue"] ?? "";
  if (value === undefined || value === null || value === "") return `nothing is there to match ${pattern}`;
  const matches = new RegExp(pattern, flag(property, "IgnoreCase", false) ? "i" : "").test(textOf(value));
  if (matches === flag(property, "ShouldMatch", true)) return undefined;
  return matches ? `${textOf(value)} must not match ${pattern}` : `${textOf(value)} does not match ${pattern}`;
}
