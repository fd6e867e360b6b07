/** A line chart as SVG: one line for each series, labelled where it ends. */
export function lineChart(chart: {
  x: Axis;
  y: Axis;
  series: { name: string; points: readonly (readonly [x: number, y: number])[] }[];
}): string {
  const [at, up] = [positions(chart.x, LEFT, WIDTH - RIGHT), positions(chart.y, HEIGHT - BOTTOM, TOP)];
  const lines = chart.series.map(({ points }, i) => {
    const path = points.map(([x, y]) => `${at(x).toFixed(1)},${up(y).toFixed(1)}`).join(' ');
    const dots =
      points.length > 12 ? '' : points.map(([x, y]) => `<circle cx="${at(x)}" cy="${up(y)}" r="3.5"/>`).join('');
    return `<g class="series s${i}"><polyline points="${path}"/>${dots}</g>`;
  });
  return svg(`${grid(chart.x, chart.y, at, up)}${lines.join('')}`, legend(chart.series.map(({ name }) => name)));
}

/** Bars side by side for each label, on a logarithmic scale from `least`, with a line at `limit`. */
export function barChart(chart: {
  y: Axis;
  limit: number;
  labels: readonly string[];
  series: { name: string; values: readonly number[] }[];
}): string {
  const up = positions(chart.y, HEIGHT - BOTTOM, TOP);
  const step = (WIDTH - LEFT - RIGHT) / chart.labels.length;
  const width = Math.min(42, (step * 0.7) / chart.series.length);
  const bars = chart.labels.flatMap((label, l) => {
    const middle = LEFT + (l + 0.5) * step;
    const first = middle - (width * chart.series.length) / 2;
    const text = `<text class="label" x="${middle}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${escape(label)}</text>`;
    return [
      text,
      ...chart.series.map(({ values }, i) => {
        const top = up(Math.max(values[l] ?? 0, chart.y.from));
        return `<rect class="bar s${i}" x="${first + i * width + 1}" y="${top}" width="${width - 2}" height="${Math.max(1.5, HEIGHT - BOTTOM - top)}" rx="2"/>`;
      }),
    ];
  });
  const limit = `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(chart.limit)}" y2="${up(chart.limit)}"/>`;
  const none: Axis = { from: 0, to: 1, ticks: [], title: '' };
  return svg(
    `${grid(none, chart.y, () => LEFT, up)}${bars.join('')}${limit}`,
    legend(chart.series.map(({ name }) => name)),
  );
}

export interface Axis {
  from: number;
  to: number;
  ticks: readonly { at: number; text: string }[];
  title: string;
  logarithmic?: boolean;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [680, 360, 62, 18, 14, 52];

function positions({ from, to, logarithmic }: Axis, low: number, high: number): (value: number) => number {
  const scale = logarithmic ? Math.log10 : (value: number) => value;
  return (value) => low + ((scale(value) - scale(from)) / (scale(to) - scale(from))) * (high - low);
}

function grid(x: Axis, y: Axis, at: (x: number) => number, up: (y: number) => number): string {
  const across = y.ticks.map(
    (tick) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(tick.at)}" y2="${up(tick.at)}"/><text x="${LEFT - 8}" y="${up(tick.at) + 4}" text-anchor="end">${tick.text}</text>`,
  );
  const upright = x.ticks.map(
    (tick) =>
      `<line x1="${at(tick.at)}" x2="${at(tick.at)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/><text x="${at(tick.at)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${tick.text}</text>`,
  );
  const titles = `<text class="title" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escape(x.title)}</text><text class="title" transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escape(y.title)}</text>`;
  return `<g class="grid">${across.join('')}${upright.join('')}${titles}</g>`;
}

function legend(names: readonly string[]): string {
  return `<p class="legend">${names.map((name, i) => `<span><i class="s${i}"></i>${escape(name)}</span>`).join('')}</p>`;
}

function svg(content: string, below: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${content}</svg>${below}`;
}

export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
