import type { Resources } from "./cases.ts";
import { selected } from "./jsonPath.ts";
import { wrongProperty } from "./properties.ts";
import type { SavedState } from "./requests.ts";
import type { FitsSchema } from "./schemas.ts";
import { flag, type XmlElement } from "./xml.ts";

export interface Answer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** Whether its body may be read as text. */
  readonly isText: boolean;
}

export interface Expectations {
  readonly resources: Resources;
  readonly schemas: ReadonlyMap<string, FitsSchema>;
  readonly saved: SavedState;
}

type Check = (validator: XmlElement, answer: Answer, expectations: Expectations) => readonly string[];

const checks: Readonly<Record<string, { check: Check; attributes: readonly string[] }>> = {
  ResponseCodeValidator: {
    attributes: ["ExpectedCode"],
    check: ({ attributes }, { status }) => expectedStatus(Number(attributes["ExpectedCode"]), status),
  },
  ResponseHeaderValidator: {
    attributes: ["Header", "ExpectedValue", "ExpectedStateKey", "IsRequired", "ShouldMatch"],
    check: (validator, answer, { saved }) => {
      const { Header = "", ExpectedValue, ExpectedStateKey = "" } = validator.attributes;
      return wrongHeader(answer, {
        name: Header,
        expected: saved.get(ExpectedStateKey) || ExpectedValue,
        isRequired: flag(validator, "IsRequired", false),
        shouldMatch: flag(validator, "ShouldMatch", true),
      });
    },
  },
  LockMismatchValidator: {
    attributes: ["ExpectedLock"],
    check: ({ attributes: { ExpectedLock } }, answer) => [
      ...expectedStatus(409, answer.status),
      ...wrongHeader(answer, {
        name: "X-WOPI-Lock",
        expected: ExpectedLock,
        isRequired: Boolean(ExpectedLock),
        shouldMatch: true,
      }),
    ],
  },
  ResponseContentValidator: {
    attributes: ["ExpectedResourceId", "ExpectedBodyContent"],
    check: ({ attributes: { ExpectedResourceId = "", ExpectedBodyContent } }, { body }, { resources }) => {
      const expected = ExpectedBodyContent ? Buffer.from(ExpectedBodyContent) : resources.get(ExpectedResourceId);
      if (expected === undefined) return [`there is no resource ${ExpectedResourceId}`];
      if (expected.equals(body)) return [];
      return [`the body is not ${ExpectedResourceId}: expected ${expected.length} bytes, got ${body.length}`];
    },
  },
  JsonSchemaValidator: {
    attributes: ["Schema"],
    check: ({ attributes: { Schema = "" } }, answer, { schemas }) => {
      const fits = schemas.get(Schema);
      if (fits === undefined) return [`there is no schema ${Schema}`];
      return withJson(answer, (json) => fits(json).map((wrong) => `${Schema}: ${wrong}`));
    },
  },
  JsonResponseContentValidator: {
    attributes: ["ShouldExist"],
    check: (validator, answer, { saved }) => {
      const isThere = answer.isText && answer.body.length > 0;
      if (!flag(validator, "ShouldExist", true)) return isThere ? ["there must be no body"] : [];
      return withJson(answer, (json) =>
        validator.children.flatMap((property) => {
          const path = property.attributes["Name"] ?? "";
          const wrong = wrongProperty(property, selected(json, path), saved);
          return wrong === undefined ? [] : [`${path}: ${wrong}`];
        }),
      );
    },
  },
  Or: {
    attributes: [],
    check: ({ children }, answer, expectations) => {
      const wrongs = children.map((validator) => wrongAnswer(validator, answer, expectations));
      return wrongs.some((wrong) => wrong.length === 0) ? [] : [wrongs.flat().join(", and not ")];
    },
  },
};

const properties: Readonly<Record<string, readonly string[]>> = {
  StringProperty: ["ExpectedValue", "ExpectedStateKey", "EndsWith", "IgnoreCase"],
  StringRegexProperty: ["ExpectedValue", "ShouldMatch", "IgnoreCase"],
  BooleanProperty: ["ExpectedValue", "ExpectedStateKey"],
  IntegerProperty: ["ExpectedValue", "ExpectedStateKey"],
  LongProperty: ["ExpectedValue", "ExpectedStateKey"],
  AbsoluteUrlProperty: ["MustIncludeAccessToken"],
  ArrayProperty: ["ContainsValue"],
};

/** @returns the first thing in a validator that this engine cannot judge, in words */
export function unknownValidator({ name, attributes, children }: XmlElement): string | undefined {
  const asked = properties[name]?.concat("Name", "IsRequired") ?? checks[name]?.attributes;
  if (asked === undefined) return name;
  const attribute = Object.keys(attributes).find((key) => !asked.includes(key));
  if (attribute !== undefined) return `${attribute} of ${name}`;
  return children.map(unknownValidator).find((unknown) => unknown !== undefined);
}

/** @returns what is wrong with an answer, in words */
function wrongAnswer(validator: XmlElement, answer: Answer, expectations: Expectations): readonly string[] {
  const known = checks[validator.name];
  if (known === undefined) throw new Error(`the validator ${validator.name} is not known`);
  return known.check(validator, answer, expectations).map((wrong) => `${validator.name}: ${wrong}`);
}

/** What every answer has to be. @param validators undefined: the case says nothing, and 200 is meant */
export function wrongAnswers(
  validators: readonly XmlElement[] | undefined,
  answer: Answer,
  expectations: Expectations,
): readonly string[] {
  const { "content-length": announced } = answer.headers;
  const length =
    announced === undefined || Number(announced) === answer.body.length
      ? []
      : [`Content-Length is ${announced}, the body has ${answer.body.length} bytes`];
  return [
    ...length,
    ...(validators?.flatMap((validator) => wrongAnswer(validator, answer, expectations)) ??
      expectedStatus(200, answer.status)),
  ];
}

function expectedStatus(expected: number, got: number): readonly string[] {
  return expected === got ? [] : [`expected status ${expected}, got ${got}`];
}

interface ExpectedHeader {
  readonly name: string;
  readonly expected: string | undefined;
  readonly isRequired: boolean;
  readonly shouldMatch: boolean;
}

function wrongHeader({ headers }: Answer, { name, expected, isRequired, shouldMatch }: ExpectedHeader) {
  const value = headers[name.toLowerCase()];
  if (value === undefined) return isRequired ? [`${name} is missing`] : [];
  if (expected === undefined) return [];
  const isSame = value.toLowerCase() === expected.toLowerCase();
  if (isSame === shouldMatch) return [];
  return [shouldMatch ? `${name}: expected "${expected}", got "${value}"` : `${name} must not be "${value}"`];
}

/** Judges a JSON object; anything else is wrong in itself. */
function withJson({ isText, body }: Answer, judge: (json: unknown) => readonly string[]): readonly string[] {
  if (!isText || body.length === 0) return ["there is no body to read"];
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch {
    return ["the body is not JSON"];
  }
  return judge(json);
}
