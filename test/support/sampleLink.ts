import type { EditLink } from "../../src/links/links.ts";

/** Alice's link to edit Report.docx, without limits: what a test changes in it is what it is about. */
export const sampleLink: Omit<EditLink, "id" | "createdAtMs" | "revokedAtMs" | "lostEditingAtMs"> = {
  account: "alice",
  owner: { id: "u1", name: "Alice" },
  fileId: "f1",
  fileName: "Report.docx",
  permission: "edit",
  asksName: true,
  mayRename: false,
  restrictions: { download: false, print: false, copy: false, watermark: false },
  maker: "person:u1",
};
