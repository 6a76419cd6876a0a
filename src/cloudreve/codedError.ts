/** An error as Node's own are: its code is all that leaves the HTTP client. */
export function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
