import { describe, expect, it } from "vitest";
import { recipientsIn } from "../../src/mail/recipients.ts";

describe("the addresses in what an owner typed or pasted", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["bob@example.com", ["bob@example.com"], []],
    ["bob@example.com, eve@example.com;\r\njo@intranet", ["bob@example.com", "eve@example.com", "jo@intranet"], []],
    ['"Miller, Bob" <bob@example.com>\nEve <eve@example.com>', ["bob@example.com", "eve@example.com"], []],
    ["Bob@Example.com, bob@example.com", ["Bob@Example.com"], []],
    ["Team: a@b.c, d@e.f;", ["a@b.c", "d@e.f"], []],
    ["élodie@exemple.fr, bob@exämple.de", ["élodie@exemple.fr", "bob@exämple.de"], []],
    ["  \n , ;", [], []],
    ["bob, eve@example.com", ["eve@example.com"], ["bob"]],
    ["bob@", [], ["bob@"]],
    ["a@b@c.de", [], ["a@b@c.de"]],
    // Programs read different addresses in these.
    ['"bob@example.com eve"@evil.example', [], ['"bob@example.com eve"@evil.example']],
    [`${"b".repeat(300)}@example.com`, [], [`${"b".repeat(300)}@example.com`]],
  ])("%j", (text, addresses, odd) => {
    expect(recipientsIn(text)).toEqual({ addresses, odd });
  });
});
