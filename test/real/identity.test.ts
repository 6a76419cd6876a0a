import { describe } from "vitest";
import { identityContract } from "../journeys/identity.contract.ts";
import { realServer } from "./realServer.ts";

describe("a session for a file of a real Cloudreve, with a WOPI viewer for docx set up", () => {
  identityContract(realServer);
});
