/** One query of a panel: PromQL with Grafana's `$__rate_interval` and `$namespace`. */
export interface Query {
  expr: string;
  /** Grafana's legend format, for example `{{route}}`. */
  legend: string;
  /** Draws dots that lead to traces; only for histograms with exemplars. */
  exemplar?: boolean;
}

export interface PanelOptions {
  title: string;
  /** What is drawn, and what to think of it. */
  description: string;
  /** Grafana's unit: s, percentunit, reqps, short, bytes … */
  unit: string;
  queries: Query[];
  /** Columns of 24; default 8. */
  width?: number;
  stacked?: boolean;
  min?: number;
  max?: number;
  decimals?: number;
  /** From which value on which colour; the first begins at minus infinity. */
  thresholds?: [from: number | null, colour: string][];
  /** What numbers mean. */
  mappings?: Record<string, { text: string; color: string }>;
  link?: { title: string; url: string };
  /** Of a table: where the value of a column leads. */
  columnLinks?: Record<string, { title: string; url: string }>;
}

/** A panel without its place. */
export interface Panel {
  kind: 'timeseries' | 'stat' | 'table' | 'state-timeline';
  options: PanelOptions;
}

export const timeseries = (options: PanelOptions): Panel => ({ kind: 'timeseries', options });
export const stat = (options: PanelOptions): Panel => ({ kind: 'stat', options: { width: 6, ...options } });
/** The labels of the series that are there now. */
export const table = (options: PanelOptions): Panel => ({ kind: 'table', options });
export const stateTimeline = (options: PanelOptions): Panel => ({ kind: 'state-timeline', options });

const HEIGHTS = { timeseries: 8, stat: 4, table: 8, 'state-timeline': 8 };

/** Grafana's JSON of a panel at a place of the grid. */
export function panelJson({ kind, options }: Panel, id: number, x: number, y: number): object {
  const { title, description, queries, width = 8, link } = options;
  return {
    id,
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    gridPos: { h: HEIGHTS[kind], w: width, x, y },
    ...(link ? { links: [{ ...link, targetBlank: true }] } : {}),
    fieldConfig: { defaults: fieldDefaults(kind, options), overrides: columnLinks(options) },
    options: DISPLAY[kind],
    ...(kind === 'table' ? { transformations: TABLE_TRANSFORMATIONS } : {}),
    targets: queries.map(({ expr, legend, exemplar }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(kind === 'table' || kind === 'stat' ? { instant: true, range: false } : { range: true }),
      ...(kind === 'table' ? { format: 'table' } : {}),
      ...(exemplar ? { exemplar: true } : {}),
    })),
  };
}

export function panelSize({ kind, options }: Panel): { width: number; height: number } {
  return { width: options.width ?? 8, height: HEIGHTS[kind] };
}

export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

function fieldDefaults(
  kind: Panel['kind'],
  { unit, stacked, min, max, decimals, thresholds, mappings }: PanelOptions,
): object {
  const steps = (thresholds ?? [[null, 'green']]).map(([value, color]) => ({ value, color }));
  return {
    unit,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(decimals === undefined ? {} : { decimals }),
    ...(mappings ? { mappings: [{ type: 'value', options: mappings }] } : {}),
    thresholds: { mode: 'absolute', steps },
    ...(kind === 'timeseries'
      ? { color: { mode: 'palette-classic' }, custom: lineStyle(stacked ?? false, thresholds !== undefined) }
      : { color: { mode: 'thresholds' } }),
  };
}

function columnLinks({ columnLinks: links = {} }: PanelOptions): object[] {
  return Object.entries(links).map(([column, link]) => ({
    matcher: { id: 'byName', options: column },
    properties: [{ id: 'links', value: [{ ...link, targetBlank: true }] }],
  }));
}

function lineStyle(stacked: boolean, limits: boolean): object {
  return {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: stacked ? 30 : 5,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: stacked ? 'normal' : 'none' },
    thresholdsStyle: { mode: limits ? 'line' : 'off' },
  };
}

const DISPLAY = {
  timeseries: {
    legend: { displayMode: 'table', placement: 'bottom', calcs: ['mean', 'max', 'lastNotNull'] },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
  stat: {
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    colorMode: 'value',
    graphMode: 'none',
    textMode: 'auto',
  },
  table: { showHeader: true },
  'state-timeline': {
    showValue: 'auto',
    rowHeight: 0.8,
    mergeValues: true,
    legend: { displayMode: 'list', placement: 'bottom' },
  },
};

const TABLE_TRANSFORMATIONS = [
  { id: 'organize', options: { excludeByName: { Time: true, Value: true, __name__: true, alertstate: true } } },
];
