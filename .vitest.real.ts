import { defineConfig } from "vitest/config";

/** The suites that need a real Cloudreve: CLOUDREVE_URL, CLOUDREVE_EMAIL, CLOUDREVE_PASSWORD. */
export default defineConfig({
  test: { include: ["test/real/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
});
