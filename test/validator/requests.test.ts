import { describe, expect, it } from "vitest";
import type { CaseRequest } from "./cases.ts";
import { dotNetUtf7, queryUtf7 } from "./nameHeaders.ts";
import { httpRequest, type SavedState, unknownRequest, type WopiSession } from "./requests.ts";
import type { Sign } from "./signing.ts";
import type { XmlElement } from "./xml.ts";

const session: WopiSession = {
  name: "owner",
  wopiSrc: "http://host/wopi/files/f1",
  accessToken: "a.b-c",
  expiresAtMs: 17,
};
const ownAddress = "http://host/wopi/files/f1?access_token=a%2Eb%2Dc&access_token_ttl=17";
/** Shows what was signed. */
const sign: Sign = ({ accessToken, url, atMs }) => ({
  "X-WOPI-Proof": `current ${accessToken} ${url}`,
  "X-WOPI-ProofOld": `old ${accessToken} ${url}`,
  "X-WOPI-TimeStamp": String(atMs),
});
const mutator = (name: string, attributes: Record<string, string>): XmlElement => ({
  name,
  attributes,
  children: [],
  text: "",
});

function request(name: string, attributes: Record<string, string> = {}, more: Partial<CaseRequest> = {}): CaseRequest {
  return { name, attributes, body: undefined, mutators: [], validators: undefined, saves: [], ...more };
}

function sent(asked: CaseRequest, saved: SavedState = new Map()) {
  const resources = new Map([["Letter", Buffer.from("Dear all")]]);
  return httpRequest(asked, { session, saved, resources, sign, nowMs: 1000 });
}

/** Without what every request has. */
function ownHeaders(asked: CaseRequest): Record<string, string> {
  const {
    "X-WOPI-Proof": _proof,
    "X-WOPI-ProofOld": _old,
    "X-WOPI-TimeStamp": _time,
    Authorization: _bearer,
    ...own
  } = sent(asked).headers;
  return own;
}

describe("a request of a case", () => {
  it("goes to the session's file, signed over its address, with the token twice", () => {
    expect(sent(request("CheckFileInfo"))).toEqual({
      method: "GET",
      url: ownAddress,
      headers: {
        "X-WOPI-Proof": `current a.b-c ${ownAddress}`,
        "X-WOPI-ProofOld": `old a.b-c ${ownAddress}`,
        "X-WOPI-TimeStamp": "1000",
        Authorization: "Bearer a.b-c",
      },
      body: undefined,
    });
  });

  it.each([
    ["GetFile", "GET", "/contents"],
    ["EnumerateAncestors", "GET", "/ancestry"],
    ["EnumerateChildren", "GET", "/children"],
    ["GetEcosystem", "GET", "/ecosystem_pointer"],
    ["GetRootContainer", "GET", "/root_container_pointer"],
    ["CheckContainerInfo", "GET", ""],
    ["Lock", "POST", ""],
  ])("%s is a %s below %j", (name, method, below) => {
    expect(sent(request(name))).toMatchObject({ method, url: ownAddress.replace("?", `${below}?`) });
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ["Lock", { Lock: "A" }, { "X-WOPI-Override": "LOCK", "X-WOPI-Lock": "A" }],
    [
      "UnlockAndRelock",
      { NewLock: "B", OldLock: "A" },
      { "X-WOPI-Override": "LOCK", "X-WOPI-Lock": "B", "X-WOPI-OldLock": "A" },
    ],
    ["PutFile", { ResourceId: "Letter" }, { "X-WOPI-Override": "PUT" }],
    ["PutFile", { ResourceId: "Letter", Lock: "A" }, { "X-WOPI-Override": "PUT", "X-WOPI-Lock": "A" }],
    // The lock it names is not sent, by theirs neither.
    ["GetFile", { Lock: "A" }, {}],
    [
      "PutRelativeFile",
      { PutRelativeFileMode: "ExactName", Name: "a_b.odt", ResourceId: "Letter", OverwriteRelative: "true" },
      {
        "X-WOPI-Override": "PUT_RELATIVE",
        "X-WOPI-RelativeTarget": "a+AF8-b.odt",
        "X-WOPI-OverwriteRelativeTarget": "True",
        "X-WOPI-Size": "8",
      },
    ],
    [
      "CreateChildFile",
      { PutRelativeFileMode: "Conflicting", Name: "a.odt" },
      {
        "X-WOPI-Override": "CREATE_CHILD_FILE",
        "X-WOPI-SuggestedTarget": "a.odt",
        "X-WOPI-RelativeTarget": "a.odt",
      },
    ],
    [
      "CreateChildContainer",
      { PutRelativeFileMode: "Suggested", FolderName: "New" },
      { "X-WOPI-Override": "CREATE_CHILD_CONTAINER", "X-WOPI-SuggestedTarget": "New" },
    ],
    [
      "RenameFile",
      { Name: "new name" },
      {
        "X-WOPI-Override": "RENAME_FILE",
        "X-WOPI-RequestedName": "new name",
        "X-WOPI-Lock": "",
        "X-WOPI-CoauthLockId": "",
      },
    ],
    ["EnumerateChildren", { FileExtensionFilterList: ".a,.b" }, { "X-WOPI-FileExtensionFilterList": ".a,.b" }],
    ["GetShareUrl", { UrlType: "ReadOnly" }, { "X-WOPI-Override": "GET_SHARE_URL", "X-WOPI-UrlType": "ReadOnly" }],
  ])("%s %j has headers of its own", (name, attributes, headers) => {
    expect(ownHeaders(request(name, attributes))).toEqual(headers);
  });

  it("carries its resource, or the text that the case has for it", () => {
    expect(sent(request("PutFile", { ResourceId: "Letter" })).body?.toString()).toBe("Dear all");
    expect(sent(request("PutUserInfo", {}, { body: "left-handed" })).body?.toString()).toBe("left-handed");
    expect(() => sent(request("PutFile", { ResourceId: "Other" }))).toThrow("there is no resource Other");
  });
});

describe("an address that an earlier answer gave", () => {
  const copy = "http://host/wopi/files/f2?access_token=t2";
  const asked = (name: string, key = "Copy") => request(name, { OverrideUrl: `$State:${key}` });

  it("is used as it is, signed with its own token", () => {
    const { url, headers } = sent(asked("CheckFileInfo"), new Map([["Copy", copy]]));
    expect(url).toBe(copy);
    expect(headers).toMatchObject({ Authorization: "Bearer t2", "X-WOPI-Proof": `current t2 ${copy}` });
    expect(sent(asked("GetFile"), new Map([["Copy", copy]])).url).toBe(copy.replace("?", "/contents?"));
  });

  it("is the session's file when the answer had none, but never to delete that", () => {
    const none: SavedState = new Map([["Copy", undefined]]);
    expect(sent(asked("CheckFileInfo"), none).url).toBe(ownAddress);
    expect(() => sent(asked("DeleteFile"), none)).toThrow("there is no address of what is to be deleted");
    expect(() => sent(asked("DeleteContainer"), none)).toThrow("there is no address of what is to be deleted");
  });

  it("must have been kept", () => {
    expect(() => sent(asked("CheckFileInfo", "Other"))).toThrow("no answer has given Other");
  });

  it("of the content itself is read without a token, a signature and headers", () => {
    expect(sent(asked("GetFromFileUrl"), new Map([["Copy", "http://drive/signed?s=1"]]))).toEqual({
      method: "GET",
      url: "http://drive/signed?s=1",
      headers: {},
      body: undefined,
    });
  });
});

describe("a request that is spoilt on purpose", () => {
  const invalid = Buffer.from("INVALID").toString("base64");

  it("has a token that is not one, and is signed with it", () => {
    const { url, headers } = sent(
      request("CheckFileInfo", {}, { mutators: [mutator("AccessToken", { Mutation: "BAD" })] }),
    );
    expect(new URL(url).searchParams.get("access_token")).toBe("BAD");
    expect(headers).toMatchObject({ Authorization: "Bearer BAD", "X-WOPI-Proof": `current BAD ${url}` });
  });

  it.each<[Record<string, string>, [string, string, string]]>([
    [{ MutateOld: "true" }, ["current", invalid, "1000"]],
    [{ MutateCurrent: "true" }, [invalid, "old", "1000"]],
    [{ MutateCurrent: "true", MutateOld: "true" }, [invalid, invalid, "1000"]],
    [{ KeyRelation: "Ahead" }, [invalid, "current", "1000"]],
    [{ KeyRelation: "Behind" }, ["old", invalid, "1000"]],
    [{ Timestamp: "2001-02-03T04:05:06Z" }, ["current", "old", "981173106000"]],
  ])("has the proofs that %j asks for", (attributes, [proof, proofOld, at]) => {
    const { headers } = sent(request("CheckFileInfo", {}, { mutators: [mutator("ProofKey", attributes)] }));
    expect(headers["X-WOPI-Proof"]?.split(" ", 1)[0]).toBe(proof);
    expect(headers["X-WOPI-ProofOld"]?.split(" ", 1)[0]).toBe(proofOld);
    expect(headers["X-WOPI-TimeStamp"]).toBe(at);
  });
});

describe("a name in a header", () => {
  it.each([
    ["plain.odt", "plain.odt"],
    ["a_b", "a+AF8-b"],
    ["1+1", "1+-1"],
    ["_+", "+AF8AKw-"],
    ["+_", "+-+AF8-"],
    ["Straße", "Stra+AN8-e"],
    ["😀", "+2D3eAA-"],
    ["a b", "a b"],
  ])("is UTF-7 as .NET writes it: %j", (name, header) => {
    expect(dotNetUtf7(name)).toBe(header);
  });

  it("has gone through a query in some requests", () => {
    expect(queryUtf7("a_b c")).toBe("a+AF8-b+c");
  });
});

describe("what this engine cannot send", () => {
  it.each([
    [request("Dance"), "the request Dance"],
    [request("Lock", { Lock: "A", LockUserVisible: "true" }), "LockUserVisible of Lock"],
    [request("GetFile", {}, { mutators: [mutator("Clock", {})] }), "the mutator Clock"],
    [request("Lock", { Lock: "A", OverrideUrl: "$State:Copy" }), undefined],
  ])("is named", (asked, unknown) => {
    expect(unknownRequest(asked)).toBe(unknown);
  });
});
