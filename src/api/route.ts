import type { z } from "zod";
import type { Failure } from "../model/failure.ts";
import { checked } from "./schemas.ts";

/** A call from a portal that has been identified. */
export interface ApiCall<Body> {
  readonly portal: string;
  /** The `:id` of the path; empty where it has none. */
  readonly id: string;
  readonly body: Body;
  /** @returns the value of a request header */
  header(name: string): string | undefined;
}

/** Everything about a route in one place: the router serves it, the OpenAPI document describes it. */
interface RouteFacts {
  readonly method: "get" | "post" | "patch" | "delete";
  /** Below `/api`, as Express writes it. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: "sessions" | "links" | "files";
  /** Request headers besides Authorization, by their names in `openapi.ts`. */
  readonly headers?: readonly ("driveAccount" | "purchaseTicket")[];
  readonly answer: { readonly status: 200 | 201 | 204; readonly description: string };
  /** Failures it can answer with, besides the common ones. */
  readonly failures: readonly Failure["kind"][];
}

export interface ApiRoute extends RouteFacts {
  readonly bodySchema: z.ZodType | undefined;
  readonly answerSchema: z.ZodType | undefined;
  /** @param call its body not yet checked @returns the answer's body @throws requestInvalid */
  readonly handle: (call: ApiCall<unknown>) => Promise<unknown>;
}

type Answer<Schema> = Schema extends z.ZodType ? z.input<Schema> : undefined;
type Body<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** Connects a route with the schemas that check its body and type its answer. */
export function apiRoute<
  BodySchema extends z.ZodType | undefined = undefined,
  AnswerSchema extends z.ZodType | undefined = undefined,
>(
  facts: RouteFacts & {
    readonly body?: BodySchema;
    readonly answers?: AnswerSchema;
    readonly run: (call: ApiCall<Body<BodySchema>>) => Promise<Answer<AnswerSchema>>;
  },
): ApiRoute {
  const { body: bodySchema, answers: answerSchema, run, ...rest } = facts;
  return {
    ...rest,
    bodySchema,
    answerSchema,
    handle: (call) => {
      const body = (bodySchema === undefined ? undefined : checked(bodySchema, call.body)) as Body<BodySchema>;
      return run({ ...call, body });
    },
  };
}
