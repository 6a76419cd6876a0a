import { defineConfig } from "vitest/config";
import { prepareMachine } from "./test/support/machine.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/real/**", ...prepareMachine()],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
