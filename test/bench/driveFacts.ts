import type { FakeAccount, FakeViewer } from "../../src/sandbox/fakeCloudreve/fakeCloudreve.ts";

export const ownerEmail = "owner@example.com";
export const ownerPassword = "bench-password-1";
export const viewerId = "bench-editor";

/** Who has documents on the drives of the measurement. */
export const driveAccounts: FakeAccount[] = [{ email: ownerEmail, password: ownerPassword, nickname: "Owner" }];

export const driveViewers: FakeViewer[] = [
  {
    id: viewerId,
    type: "wopi",
    display_name: "Bench editor",
    exts: ["docx"],
    wopi_actions: { docx: { view: "http://127.0.0.1:9/view?", edit: "http://127.0.0.1:9/edit?" } },
  },
];
