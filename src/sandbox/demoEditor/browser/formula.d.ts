export type CellValue = number | string | boolean;

export function calculator(workbook: {
  sheetNames: readonly string[];
  inputOf: (sheet: number, cell: string) => string | undefined;
}): (sheet: number, cell: string) => CellValue | undefined;
