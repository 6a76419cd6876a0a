import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loggedPath } from "../../src/http/loggedPath.ts";
import { withoutSecrets } from "../../src/http/requestLog.ts";
import { randomRuns } from "../support/tier.ts";

/** As the bridge makes them: 24 bytes in base64url; and as a token with its dots. */
const base64url = fc.string({
  unit: fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
  minLength: 32,
  maxLength: 32,
});
const secret = fc.oneof(
  base64url,
  fc.tuple(base64url, base64url, base64url).map((parts) => parts.join(".")),
);

const part = fc.oneof(
  fc.constantFrom("l", "L", "edit", "EDIT", "links", "share", "open", "api", "wopi", "files", "sessions", "contents"),
  fc.constantFrom("%6c", "%4C", "%6", "%", "%00", "l%2F", ".", "..", "", "office", "bridge", "revoke", "status", "x y"),
  fc.string({ maxLength: 6 }).filter((text) => !/[?#]/.test(text)),
);
const prefix = fc.array(part, { maxLength: 4 });
const host = fc.constantFrom("", "http://bridge.example", "HTTPS://bridge.example:443", "//bridge.example", "x+y://h");

describe("the path in the log", () => {
  it("holds no secret, whatever was put before or behind it", () => {
    fc.assert(
      fc.property(
        secret,
        host,
        prefix,
        prefix,
        fc.constantFrom("/", "", "//", "\\"),
        (text, at, before, behind, end) => {
          const target = `${at}/${[...before, text, ...behind].join("/")}${end}?access_token=${text}#${text}`;
          expect(loggedPath(target)).not.toContain(text);
          expect(loggedPath(target)).not.toContain(text.slice(0, 24));
        },
      ),
      randomRuns(3_000),
    );
  });

  it("holds no secret with something around it, or in pieces of escapes", () => {
    const escaped = (text: string) => [...text].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join("");
    fc.assert(
      fc.property(
        secret,
        prefix,
        fc.constantFrom("l", "edit", "links", "wopi/files", "api/links"),
        (text, more, area) => {
          const glue = more.join("");
          for (const spelt of [
            `${glue}${text}`,
            `${text}${glue}`,
            escaped(text),
            `${text},`,
            `"${text}"`,
            `${text}%`,
          ]) {
            const shown = loggedPath(`/${area}/${spelt}`);
            expect(shown).not.toContain(text.slice(0, 21));
            expect(shown).not.toContain(escaped(text).slice(0, 21));
          }
        },
      ),
      randomRuns(1_000),
    );
  });

  it.each([
    ["//l/SECRET", "-"],
    ["/l//SECRET", "-"],
    ["/L/SECRET", "/L/-"],
    ["/l/SECRET/", "/l/-"],
    ["/%6c/SECRET", "-"],
    ["/api/../l/SECRET", "/api/-"],
    ["/share/l/SECRET", "-"],
    ["/office/l/SECRET", "-"],
    ["/wopi/files/aB3x/access_token=SECRET", "/wopi/-"],
    ["/wopi/files/aB3x/contents", "/wopi/files/aB3x/contents"],
    ["/wopi/files/aB3x-kL9z", "/wopi/files/aB3x-kL9z"],
    ["/api/links/m2Xq7Lr9sWbA", "/api/links/m2Xq7Lr9sWbA"],
    ["/assets/pages.css", "/assets/pages.css"],
    ["/", "/"],
    ["", "/"],
    ["*", "-"],
    ["SECRET", "-"],
  ])("of %s is %s", (target, path) => {
    expect(loggedPath(target)).toBe(path);
  });

  it("is known of every route of the bridge", () => {
    const paths = routes();
    expect(paths.length).toBeGreaterThan(25);
    const expected = paths.map((path) => path.replace(/:(ticket|key|secret)/, "-").replaceAll(/:\w+/g, "x1"));
    expect(paths.map((path) => loggedPath(path.replaceAll(/:\w+/g, "x1")))).toEqual(expected);
  });
});

/** Every path that a source file hands to Express, and those of the portal API's table. */
function routes(): string[] {
  const folder = "src";
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.startsWith("sandbox"),
  );
  return files.flatMap((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const own = [...text.matchAll(/\b(?:router|app)\.(?:get|post|head|patch|delete|put)\(\s*"([^"]+)"/g)];
    const api = [...text.matchAll(/\bpath: "(\/[^"]*)",\s*operationId/g)];
    const wopi = [...text.matchAll(/router\.route\("([^"]+)"\)/g)];
    return [
      ...own.map(([, path = ""]) => path),
      ...api.map(([, path = ""]) => `/api${path}`),
      ...wopi.map(([, path = ""]) => `/wopi${path}`),
    ];
  });
}

describe("the text of an error in the log", () => {
  it("holds no secret", () => {
    fc.assert(
      fc.property(secret, fc.constantFrom("/", "?t=", '"', " ", "Bearer ", "%"), (text, before) => {
        expect(withoutSecrets(`Unexpected ${before}${text} in what was sent`)).not.toContain(text.slice(0, 20));
      }),
      randomRuns(100),
    );
  });

  it.each(["no answer within 5000 ms", "connect ECONNREFUSED 127.0.0.1:6379", "SQLITE_BUSY: database is locked"])(
    "says what happened: %s",
    (text) => {
      expect(withoutSecrets(text)).toBe(text);
    },
  );
});
