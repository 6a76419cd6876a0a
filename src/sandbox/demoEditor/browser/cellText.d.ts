import type { CellValue } from "./formula.js";

export function cellText(value: CellValue, format?: string): string;
