import express from "express";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { assetsRouter, assetUrl } from "../../src/pages/assets.ts";

const app = express().use(assetsRouter());

describe("what the pages load", () => {
  it.each([
    ["pico.css", "text/css"],
    ["pages.css", "text/css"],
    ["pages.js", "text/javascript"],
    ["hostPage.js", "text/javascript"],
    ["icon.svg", "image/svg+xml"],
  ] as const)("%s may be kept for a year under the address of its content", async (name, type) => {
    const answer = await request(app).get(assetUrl("", name));
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toContain(type);
    expect(answer.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  it("is not kept under the version of another instance", async () => {
    const answer = await request(app).get("/assets/pages.css?v=older");
    expect(answer.status).toBe(200);
    expect(answer.headers["cache-control"]).toBe("no-cache");
  });

  it("is a closed list", async () => {
    expect((await request(app).get("/assets/..%2fassets.ts")).status).toBe(404);
  });

  it("holds less than 200 lines of our own style", async () => {
    const { text } = await request(app).get("/assets/pages.css");
    expect(text.trim().split("\n").length).toBeLessThan(200);
  });
});
