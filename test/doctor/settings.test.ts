import { describe, expect, it } from "vitest";
import { settingNames } from "../../src/config.ts";
import { judgeReachable } from "../../src/doctor/driveAnswers.ts";
import { misspeltSettings, wrongSettings } from "../../src/doctor/settings.ts";

describe("a setting that does not exist", () => {
  it.each([
    ["DISCOVERY_URL", "DISCOVERY_URLS"],
    ["PORTAL_KEY", "PORTAL_KEYS"],
    ["bridge_url", "BRIDGE_URL"],
    ["CLOUDREVE-URL", "CLOUDREVE_URL"],
    ["SERCET", "SECRET"],
    ["OAUTH_CLIENTID", "OAUTH_CLIENT_ID"],
    ["TRUSTED_PROXY", "TRUST_PROXY"],
  ])("%s is told to be a misspelt %s", (name, meant) => {
    expect(misspeltSettings([name])).toMatchObject([{ outcome: "warning", change: `rename ${name} to ${meant}` }]);
  });

  it("is not told of what is set, nor of other programs' variables", () => {
    expect(misspeltSettings(["DISCOVERY_URLS", "DISCOVERY_URL"])).toEqual([]);
    expect(misspeltSettings(settingNames)).toEqual([]);
    const others =
      "PATH HOME HOSTNAME PWD SHLVL LANG NODE_ENV COMPOSE_FILE COMPOSE_PROFILES BIND_ADDRESS FRAME_ANCESTORS";
    expect(
      misspeltSettings([...others.split(" "), "COLLABORA_TLS", "COLLABORA_SERVER_NAME", "ONLYOFFICE_URL"]),
    ).toEqual([]);
  });
});

describe("the doctor's advice", () => {
  it("tells how to make a SECRET", () => {
    const changes = wrongSettings(["SECRET is missing.", "BRIDGE_URL is missing."]).map(({ change }) => change);
    expect(changes).toEqual([
      "SECRET=<the output of: openssl rand -hex 32>",
      "BRIDGE_URL=<see Settings in the README>",
    ]);
  });

  it("does not repeat a host that does not exist, and names the usual port of one that does", () => {
    const changeFor = (reason: string) => judgeReachable({ reason }, "http://clodreve:8000").change;
    expect(changeFor("the name does not resolve")).toMatch(/^CLOUDREVE_URL=<Cloudreve's address/);
    expect(changeFor("no answer within 5 s")).toMatch(/^CLOUDREVE_URL=<Cloudreve's address/);
    expect(changeFor("connection refused")).toBe("CLOUDREVE_URL=http://clodreve:5212");
  });
});
