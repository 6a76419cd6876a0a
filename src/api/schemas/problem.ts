import { z } from "zod";
import { fieldMessage } from "./fields.ts";
import { named } from "./named.ts";

/** Every refusal (RFC 9457). */
export const problemSchema = named(
  z.strictObject({
    type: z.literal("about:blank").describe("The code says more"),
    title: z.string().describe("What the code means, for people"),
    status: z.number().int().describe("As the answer's status"),
    code: z.string().describe("Stable. title and detail are for people and may change."),
    detail: z.string().optional().describe("What is special about this refusal, for people"),
    free_name: z.string().optional().describe("With nameTaken: a name that is free"),
    errors: z.array(fieldMessage).optional().describe("With requestInvalid: every mistake, all at once"),
  }),
  {
    id: "Problem",
    examples: [
      {
        type: "about:blank",
        title: "The request is invalid.",
        status: 422,
        code: "requestInvalid",
        detail: 'permission: must be "view" or "edit"; expires_at: must be in the future',
        errors: [
          { field: "permission", message: 'must be "view" or "edit"' },
          { field: "expires_at", message: "must be in the future" },
        ],
      },
    ],
  },
);
