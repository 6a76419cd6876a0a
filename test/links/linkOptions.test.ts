import { describe, expect, it } from "vitest";
import {
  isRight,
  type LinkOption,
  linkOptions,
  optionNames,
  optionsForGrant,
  optionsInApi,
  optionsInRow,
  tickedByApi,
  tickedIn,
} from "../../src/links/linkOptions.ts";

describe("an option of a link", () => {
  it.each(optionNames)("is the same in the form, in the row and in the API: %s", (name) => {
    expect(tickedIn(optionsInRow([name]))).toEqual([name]);
    expect(tickedByApi(optionsInApi([name]), [])).toEqual([name]);
    expect(tickedByApi(optionsInApi([]), [name])).toEqual([]);
    expect(tickedByApi({}, [name])).toEqual([name]);
  });

  it.each<[LinkOption, object, boolean]>([
    ["download", { mayRename: false, restrictions: { download: true } }, false],
    ["print", { mayRename: false, restrictions: { print: true } }, false],
    ["copy", { mayRename: false, restrictions: { copy: true } }, false],
    ["watermark", { mayRename: false, restrictions: { watermark: true } }, true],
    ["rename", { mayRename: true, restrictions: {} }, true],
  ])("stands in the row as it always did, and in the API as what is allowed: %s", (name, row, inApi) => {
    expect(optionsInRow([name])).toMatchObject(row);
    expect(optionsInApi([name])[name]).toBe(inApi);
  });

  it("that a row of an earlier bridge does not have is as by default, for its visitors too", () => {
    const older = { mayRename: false, restrictions: {} };
    expect(tickedIn(older)).toEqual([]);
    expect(optionsForGrant(older, "Ben")).toEqual({
      mayRename: false,
      // What has to be allowed first stays forbidden.
      restrictions: Object.fromEntries(
        optionNames.filter((name) => isRight(name) && name !== "rename").map((name) => [name, true]),
      ),
    });
  });

  it("draws the visitor's own name over the pages", () => {
    expect(optionsForGrant(optionsInRow(["watermark"]), "Ben").restrictions.watermark).toBe("Ben");
    expect(optionsForGrant(optionsInRow(["print"]), "Ben").restrictions.watermark).toBeUndefined();
  });

  it("has a box of its own", () => {
    expect(new Set(optionNames.map((name) => linkOptions[name].field)).size).toBe(optionNames.length);
  });
});
