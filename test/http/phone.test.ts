import { expect, it } from "vitest";
import { isFromPhone } from "../../src/http/phone.ts";

const iphone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const ipad =
  "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1";
const android =
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36";
const androidTablet =
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
const firefoxPhone = "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0";
const firefoxTablet = "Mozilla/5.0 (Android 14; Tablet; rv:132.0) Gecko/132.0 Firefox/132.0";
const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

it.each([
  ["an iPhone", { "User-Agent": iphone }, true],
  ["an iPad", { "User-Agent": ipad }, false],
  ["Chrome on a phone", { "User-Agent": android, "Sec-CH-UA-Mobile": "?1" }, true],
  ["Chrome on a phone at an http address, where it sends no hint", { "User-Agent": android }, true],
  ["Chrome on a tablet", { "User-Agent": androidTablet, "Sec-CH-UA-Mobile": "?0" }, false],
  ["Chrome on a phone that asks for the computer's page", { "User-Agent": linux, "Sec-CH-UA-Mobile": "?0" }, false],
  ["Chromium that is told apart by its hint alone", { "User-Agent": linux, "Sec-CH-UA-Mobile": "?1" }, true],
  ["Firefox on a phone", { "User-Agent": firefoxPhone }, true],
  ["Firefox on a tablet", { "User-Agent": firefoxTablet }, false],
  ["a computer", { "User-Agent": linux }, false],
  ["somebody with a senseless hint", { "User-Agent": linux, "Sec-CH-UA-Mobile": "yes" }, false],
  ["somebody who says nothing", {}, false],
])("%s is a phone: %o %s", (_who, headers: Record<string, string>, isPhone) => {
  expect(isFromPhone({ get: (name: string) => headers[name] } as never)).toBe(isPhone);
});
