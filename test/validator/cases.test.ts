import { describe, expect, it } from "vitest";
import { parseSuite } from "./cases.ts";
import { ownSuite } from "./ownSuite.ts";

const names = async (category: string) =>
  (await parseSuite(ownSuite, category)).groups.map(({ name, cases }) => [name, cases.map((each) => each.name)]);

describe("the cases of a category", () => {
  it.each([
    ["OfficeOnline", [["Writing", ["WritesTwice", "SavesACopy", "Dances"]]]],
    [
      "OfficeNativeClient",
      [
        ["Writing", ["SavesACopy", "Dances", "Phones"]],
        ["Phones", ["Rings"]],
      ],
    ],
    [
      "All",
      [
        ["Writing", ["WritesTwice", "SavesACopy", "Dances", "Phones"]],
        ["Phones", ["Rings"]],
      ],
    ],
  ])("are its own and the core's: %s", async (category, expected) => {
    expect(await names(category)).toEqual(expected);
  });

  it("keep their requests in order, with what is expected of each and kept from it", async () => {
    const { groups } = await parseSuite(ownSuite, "OfficeOnline");
    const [writing] = groups;
    expect(writing?.prerequisites.map(({ name }) => name)).toEqual(["IsNew"]);
    const [first, second] = writing?.cases[0]?.requests ?? [];
    expect(first).toMatchObject({ name: "PutFile", attributes: { Lock: "A", ResourceId: "Letter" }, body: undefined });
    expect(first?.validators).toBeUndefined();
    expect(first?.saves[0]?.attributes["Name"]).toBe("First");
    expect(second?.validators?.[0]?.name).toBe("ResponseHeaderValidator");
    expect(writing?.cases[0]?.cleanup.map(({ name }) => name)).toEqual(["Unlock", "DeleteFile"]);
  });

  it("have stand-ins for documents: each a text of its own, and one without bytes", async () => {
    const { resources } = await parseSuite(ownSuite, "All");
    expect(resources.get("Letter")?.toString()).toBe("Lettersome/Letter.odtLetter.odt");
    expect(resources.get("Empty")?.length).toBe(0);
  });

  it("name no prerequisite that is not there", async () => {
    const torn = ownSuite.replace('TestCase Name="IsNew"', 'TestCase Name="IsOld"');
    await expect(parseSuite(torn, "All")).rejects.toThrow("Writing: there is no case IsNew");
  });
});
