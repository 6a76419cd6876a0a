/** Waits for something that another process or socket brings about; fails with the sentence when it does not come. */
export async function until(
  sentence: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = 5_000,
): Promise<void> {
  const endsAtMs = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > endsAtMs) throw new Error(`did not happen within ${deadlineMs} ms: ${sentence}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
