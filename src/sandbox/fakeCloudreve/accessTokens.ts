import { createHmac, timingSafeEqual } from "node:crypto";

/** Claims of a Cloudreve JWT: a refresh token has the state and the root as well, one of an OAuth client the last two. */
export interface TokenClaims {
  readonly token_type: "access" | "refresh";
  readonly sub: string;
  readonly exp: number;
  readonly nbf: number;
  readonly state_hash?: string;
  readonly root_token_id?: string;
  readonly scopes?: readonly string[];
  readonly client_id?: string;
}

const header = encode({ alg: "HS256", typ: "JWT" });

export function signToken(claims: TokenClaims, key: string): string {
  const content = `${header}.${encode(claims)}`;
  return `${content}.${signature(content, key)}`;
}

/** @returns undefined for anything that is not a token of ours within its time */
export function verifyToken(token: string, key: string, nowMs: number): TokenClaims | undefined {
  const [head, payload, mark, ...more] = token.split(".");
  if (head === undefined || payload === undefined || mark === undefined || more.length > 0) return undefined;
  const expected = Buffer.from(signature(`${head}.${payload}`, key));
  const given = Buffer.from(mark);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as TokenClaims;
  const nowSeconds = nowMs / 1000;
  return nowSeconds < claims.exp && Math.ceil(nowSeconds) >= claims.nbf ? claims : undefined;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function signature(content: string, key: string): string {
  return createHmac("sha256", key).update(content).digest("base64url");
}
