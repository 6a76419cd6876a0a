import type { z } from "zod";
import { BridgeError, type Failure } from "../model/failure.ts";
import { type Mistake, mistakesIn } from "./mistakes.ts";

/** A call from a portal that has been identified. */
export interface ApiCall<Body, Query = unknown> {
  readonly portal: string;
  /** The `:id` of the path; empty where it has none. */
  readonly id: string;
  /** The `:person_id` of the path; empty where it has none. */
  readonly personId: string;
  /** What is behind the `?` of the address. */
  readonly query: Query;
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
  /** Request headers besides Authorization and Idempotency-Key, by their names in `openapi.ts`. */
  readonly headers?: readonly ("driveAccount" | "purchaseTicket")[];
  readonly answer: { readonly status: 200 | 201 | 204; readonly description: string };
  /** Failures it can answer with, besides the common ones. */
  readonly failures: readonly Failure["kind"][];
}

export interface ApiRoute extends RouteFacts {
  readonly bodySchema: z.ZodType | undefined;
  readonly querySchema: z.ZodObject | undefined;
  readonly answerSchema: z.ZodType | undefined;
  /** @param call its body and query not yet checked @returns the answer's body @throws requestInvalid */
  readonly handle: (call: ApiCall<unknown>) => Promise<unknown>;
}

/** Whether it takes an `Idempotency-Key`: sent twice, it would make something twice. */
export function isRepeatable({ method }: Pick<ApiRoute, "method">): boolean {
  return method === "post";
}

type Answer<Schema> = Schema extends z.ZodType ? z.input<Schema> : undefined;
type Checked<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** Connects a route with the schemas that check its body and type its answer. */
export function apiRoute<
  BodySchema extends z.ZodType | undefined = undefined,
  AnswerSchema extends z.ZodType | undefined = undefined,
  QuerySchema extends z.ZodObject | undefined = undefined,
>(
  facts: RouteFacts & {
    readonly body?: BodySchema;
    readonly query?: QuerySchema;
    readonly answers?: AnswerSchema;
    /** Mistakes that the schema can't see, such as a time that has passed. @param sent not yet checked */
    readonly mistakes?: (sent: Readonly<Record<string, unknown>>) => readonly Mistake[];
    readonly run: (call: ApiCall<Checked<BodySchema>, Checked<QuerySchema>>) => Promise<Answer<AnswerSchema>>;
  },
): ApiRoute {
  const { body: bodySchema, query: querySchema, answers: answerSchema, mistakes, run, ...rest } = facts;
  return {
    ...rest,
    bodySchema,
    querySchema,
    answerSchema,
    handle: (call) => {
      const body = (
        bodySchema === undefined ? undefined : checked(bodySchema, call.body ?? {}, mistakes)
      ) as Checked<BodySchema>;
      const query = (querySchema === undefined ? undefined : checked(querySchema, call.query)) as Checked<QuerySchema>;
      return run({ ...call, body, query });
    },
  };
}

/** @throws requestInvalid with every mistake */
function checked<Schema extends z.ZodType>(
  schema: Schema,
  sent: unknown,
  others: (sent: Readonly<Record<string, unknown>>) => readonly Mistake[] = () => [],
): z.output<Schema> {
  const parsed = mistakesIn(schema, sent);
  const more = typeof sent === "object" && sent !== null ? others({ ...sent }) : [];
  const issues = [...("mistakes" in parsed ? parsed.mistakes : []), ...more];
  if (issues.length > 0 || "mistakes" in parsed) throw new BridgeError({ kind: "requestInvalid", issues });
  return parsed.value;
}
