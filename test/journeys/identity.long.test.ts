import { describe } from "vitest";
import { fakeIdentityServer } from "../support/identityStage.ts";
import { identityContract } from "./identity.contract.ts";

describe("a session for a file of the fake Cloudreve", () => identityContract(fakeIdentityServer));
