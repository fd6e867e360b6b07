/** The value below which `percent` of the values lie (nearest rank). */
export function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

export function median(values: number[]): number {
  return percentile(values, 50);
}

export function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A Markdown table; numbers get three significant digits, whole ones above 100 none behind the point. */
export function table(head: string[], rows: (string | number)[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const body = rows.map((row) => line(row.map((cell) => (typeof cell === 'number' ? figure(cell) : cell))));
  return [line(head), line(head.map(() => '---')), ...body, ''].join('\n');
}

function figure(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
