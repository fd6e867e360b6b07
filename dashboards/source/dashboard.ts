import { DATASOURCE, panelJson, panelSize, type Panel } from './panels.ts';

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  rows: { title: string; panels: Panel[] }[];
}

export const RUNBOOKS = 'https://github.com/facepass/facepass/blob/main/docs/runbooks';

/** Grafana's JSON of a dashboard: panels from left to right, a header above each row. */
export function dashboardJson({ uid, title, description, rows }: Dashboard): object {
  return {
    uid,
    title,
    description,
    tags: ['facepass'],
    editable: false,
    graphTooltip: 1,
    schemaVersion: 41,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    links: [
      {
        type: 'dashboards',
        title: 'Facepass',
        tags: ['facepass'],
        asDropdown: false,
        includeVars: true,
        keepTime: true,
      },
      { type: 'link', title: 'Runbooks', url: RUNBOOKS, icon: 'doc', targetBlank: true },
    ],
    templating: { list: VARIABLES },
    annotations: { list: [] },
    panels: place(rows),
  };
}

const VARIABLES = [
  { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
  {
    name: 'namespace',
    label: 'Namespace',
    type: 'query',
    datasource: DATASOURCE,
    query: { query: 'label_values(up{job="facepass-api"}, namespace)', refId: 'namespace' },
    includeAll: true,
    // Also matches targets without a namespace, as those of compose.yaml.
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
    refresh: 2,
    sort: 1,
  },
];

function place(rows: Dashboard['rows']): object[] {
  const placed: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { h: 1, w: 24, x: 0, y },
      panels: [],
    });
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const panel of panels) {
      const { width, height } = panelSize(panel);
      if (x + width > 24) [x, y, lineHeight] = [0, y + lineHeight, 0];
      placed.push(panelJson(panel, placed.length + 1, x, y));
      x += width;
      lineHeight = Math.max(lineHeight, height);
    }
    y += lineHeight;
  }
  return placed;
}
