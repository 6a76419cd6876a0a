import { expect, it } from "vitest";
import { jsonIn } from "../../src/model/jsonIn.ts";

it.each([
  ['{"a":[1]}', { a: [1] }],
  ["null", null],
  ['""', ""],
  ["", undefined],
  [undefined, undefined],
  ["<html>", undefined],
  ['{"a":', undefined],
])("%j says %j", (text, said) => {
  expect(jsonIn(text)).toEqual(said);
});
