/** A drawn series: its legend and its points (Unix seconds, value). */
export interface DrawnSeries {
  legend: string;
  values: [number, number][];
}

export interface DrawnPanel {
  title: string;
  type: string;
  unit: string;
  gridPos: { x: number; y: number; w: number; h: number };
  series: DrawnSeries[];
  /** Said where there is no series. */
  empty: string;
}

const CELL = { width: 50, height: 26 };
const COLOURS = ['#2f6fb3', '#c2571a', '#3d8b40', '#8e44ad', '#b3302f', '#00838f', '#7a6a00', '#5d4037'];

/** Draws a dashboard as one SVG: every panel at its place in Grafana's grid, lines over time, or the last value. */
export function drawDashboard(title: string, panels: DrawnPanel[]): string {
  const width = 24 * CELL.width;
  const height = Math.max(...panels.map(({ gridPos }) => (gridPos.y + gridPos.h) * CELL.height)) + 40;
  const times = panels
    .filter(({ type }) => type !== 'table')
    .flatMap(({ series }) => series.flatMap(({ values }) => values.map(([at]) => at)));
  const span: Span = [
    times.reduce((first, at) => Math.min(first, at), Infinity),
    times.reduce((last, at) => Math.max(last, at), -Infinity),
  ];
  const body = panels.map((panel) => drawPanel(panel, span)).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#f4f5f7"/><text x="10" y="25" font-size="17" font-weight="bold">${escaped(title)}</text><g transform="translate(0 36)">${body}</g></svg>\n`;
}

/** First and last second; the same in every panel, so that what stands below another happened at the same time. */
type Span = [number, number];

function drawPanel(panel: DrawnPanel, span: Span): string {
  const { x, y, w, h } = panel.gridPos;
  const [width, height] = [w * CELL.width - 8, h * CELL.height - 8];
  const inside =
    panel.type === 'row'
      ? ''
      : `<rect width="${width}" height="${height}" fill="white" stroke="#d5d8dc"/>${drawInside(panel, width, height, span)}`;
  return `<g transform="translate(${x * CELL.width + 4} ${y * CELL.height + 4})">${inside}<text x="8" y="16" font-weight="bold">${escaped(panel.title)}</text></g>`;
}

function drawInside({ type, unit, series, empty }: DrawnPanel, width: number, height: number, span: Span): string {
  if (series.length === 0)
    return `<text x="${width / 2}" y="${height / 2 + 8}" text-anchor="middle" fill="#777">${escaped(empty)}</text>`;
  if (type === 'stat') return drawValues(series, unit, width, height);
  if (type === 'table')
    return series
      .slice(0, 8)
      .map(
        ({ legend }, row) =>
          `<text x="10" y="${38 + row * 17}">${escaped(legend.slice(0, Math.floor(width / 6)))}</text>`,
      )
      .join('');
  return drawLines(series, unit, width, height, span);
}

/** One number large; several smaller, each with its legend. */
function drawValues(series: DrawnSeries[], unit: string, width: number, height: number): string {
  if (series.length === 1)
    return `<text x="${width / 2}" y="${height / 2 + 18}" text-anchor="middle" font-size="26">${readable(last(series[0]!), unit)}</text>`;
  return series
    .slice(0, 3)
    .map(
      (one, row) =>
        `<text x="${width / 2}" y="${38 + row * 20}" text-anchor="middle" font-size="15">${escaped(one.legend)}: ${readable(last(one), unit)}</text>`,
    )
    .join('');
}

function drawLines(series: DrawnSeries[], unit: string, width: number, height: number, [first, final]: Span): string {
  const shown = series.slice(0, 6);
  const legendHeight = 15 * shown.length;
  const area = { left: 58, top: 26, right: width - 8, bottom: height - legendHeight - 12 };
  const values = series.flatMap((one) => one.values.map(([, value]) => value)).filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...values), Math.max(...values) || 1];
  const px = (at: number) => area.left + ((at - first) / (final - first || 1)) * (area.right - area.left);
  const py = (value: number) => area.bottom - ((value - low) / (high - low || 1)) * (area.bottom - area.top);
  const axis = [low, (low + high) / 2, high].map(
    (value) =>
      `<line x1="${area.left}" x2="${area.right}" y1="${py(value)}" y2="${py(value)}" stroke="#e6e8eb"/><text x="${area.left - 5}" y="${py(value) + 4}" text-anchor="end" fill="#666" font-size="10">${readable(value, unit)}</text>`,
  );
  const lines = shown.map(({ legend, values: points }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const pieces = unbroken(points).map((piece) =>
      piece.map(([at, value]) => `${px(at).toFixed(1)},${py(value).toFixed(1)}`).join(' '),
    );
    const drawn = pieces
      .map((piece) => `<polyline points="${piece}" fill="none" stroke="${colour}" stroke-width="1.5"/>`)
      .join('');
    return `${drawn}<rect x="10" y="${area.bottom + 10 + index * 15}" width="9" height="3" fill="${colour}"/><text x="24" y="${area.bottom + 15 + index * 15}" font-size="10">${escaped(legend)} · ${readable(last({ legend, values: points }), unit)}</text>`;
  });
  return [...axis, ...lines].join('');
}

/** Stretches without a missing point; Prometheus answers at even steps. */
function unbroken(points: [number, number][]): [number, number][][] {
  const finite = points.filter(([, value]) => Number.isFinite(value));
  const step = Math.min(...finite.slice(1).map(([at], index) => at - finite[index]![0]));
  const pieces: [number, number][][] = [];
  for (const point of finite) {
    const piece = pieces.at(-1);
    if (piece && point[0] - piece.at(-1)![0] <= step * 1.5) piece.push(point);
    else pieces.push([point]);
  }
  return pieces;
}

function last({ values }: DrawnSeries): number {
  return values.findLast(([, value]) => Number.isFinite(value))?.[1] ?? NaN;
}

function readable(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'percentunit') return `${Number((value * 100).toPrecision(4))} %`;
  if (unit === 's')
    return Math.abs(value) < 1 ? `${Number((value * 1000).toPrecision(3))} ms` : `${Number(value.toPrecision(3))} s`;
  if (unit === 'bytes') return `${Math.round(value / 1048576)} MiB`;
  return String(Number(value.toPrecision(3)));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
