import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import type { Frame, Page as Tab } from "playwright-core";

/** @returns what reaches beyond the page's width */
export function overflowing(): string[] {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  return [...document.body.querySelectorAll("*")]
    .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
    .map((element) => element.outerHTML.slice(0, 120));
}

/** @returns texts that their own box, or one around them that hides what is too much, does not show whole */
export function cutTexts(): string[] {
  const hides = (overflow: string): boolean => overflow === "hidden" || overflow === "clip";
  const cuts = (box: Element): boolean => {
    const { overflowX, overflowY, display } = getComputedStyle(box);
    if (display === "inline") return false;
    const isTooWide = hides(overflowX) && box.scrollWidth > box.clientWidth + 1;
    return isTooWide || (hides(overflowY) && box.scrollHeight > box.clientHeight + 1);
  };
  const isCut = (element: Element | null): boolean =>
    element !== null && element !== document.body && (cuts(element) || isCut(element.parentElement));
  return (
    [...document.body.querySelectorAll("*")]
      .filter((one) => [...one.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim()))
      // Names of people, files and folders are as long as they like, and end in dots.
      .filter((one) => one.checkVisibility() && one.closest("bdi, .unseen, .heard, noscript, script, option") === null)
      .filter(isCut)
      .map((one) => `cut: ${one.outerHTML.slice(0, 160)}`)
  );
}

/** @returns what fields say of themselves and have no room for */
export function cutPlaceholders(): string[] {
  const measure = document.createElement("canvas").getContext("2d");
  return [...document.querySelectorAll<HTMLInputElement>("input[placeholder]")]
    .filter((field) => field.checkVisibility())
    .filter((field) => {
      const { font, paddingLeft, paddingRight } = getComputedStyle(field);
      if (measure === null) return true;
      measure.font = font;
      const room = field.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
      return measure.measureText(field.placeholder).width > room;
    })
    .map(({ placeholder }) => `cut: ${placeholder}`);
}

/** Loads axe once. @returns what it finds serious on a page */
export async function axeFinder(): Promise<(tab: Tab | Frame) => Promise<string[]>> {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  return async (tab) => {
    // Evaluated, since the page's policy lets no script tag in.
    await tab.evaluate(axe);
    const found = await tab.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } };
      // What pages show in frames is pages of their own.
      const { violations } = await axe.run({ resultTypes: ["violations"], iframes: false });
      return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(({ html }) => html) }));
    });
    return found
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, where }) => `${id}: ${where.join(" ")}`);
  };
}
