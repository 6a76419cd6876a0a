/** A Cloudreve that runs already, and an account there whose files these tests may add to. */
export interface RealServer {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  close(): Promise<void>;
}

export async function realServer(): Promise<RealServer> {
  return {
    url: setting("CLOUDREVE_URL"),
    email: setting("CLOUDREVE_EMAIL"),
    password: setting("CLOUDREVE_PASSWORD"),
    close: async () => undefined,
  };
}

export function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(
    `${name} is not set: these tests need a real Cloudreve, named by CLOUDREVE_URL, CLOUDREVE_EMAIL and CLOUDREVE_PASSWORD.`,
  );
}
