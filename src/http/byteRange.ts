/**
 * A single range, or the last bytes of the file; several ranges would be answered as a multipart body, which is not the
 * document.
 * @param condition If-Range; when it is not this ETag, the answer is the whole file
 */
export function plainRange(
  range: string | undefined,
  condition: string | undefined,
  etag?: string | undefined,
): string | undefined {
  if (range === undefined || (condition !== undefined && condition !== etag)) return undefined;
  return /^bytes=(\d+-\d*|-\d+)$/.test(range) ? range : undefined;
}

/** Value of Content-Range. */
export function contentRange(range: { readonly first: number; readonly last: number }, sizeBytes: number): string {
  return `bytes ${range.first}-${range.last}/${sizeBytes}`;
}
