import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');

/** A query of a panel or of a rule, and where it stands. */
export interface Expression {
  place: string;
  expr: string;
}

/** Every query of dashboards/*.json, as Grafana would send it for `interval` as $__rate_interval and all namespaces. */
export function panelExpressions(interval: string): Expression[] {
  return globSync('dashboards/*.json', { cwd: root }).sort().flatMap((path) => {
    const { panels } = JSON.parse(readFileSync(join(root, path), 'utf8')) as { panels: GrafanaPanel[] };
    return panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ place: `${basename(path, '.json')} / ${title}`, expr: expr.replaceAll('$__rate_interval', interval).replaceAll('$namespace', '.*') })),
    );
  });
}

/** Every expression of the rules; alerts with their condition. */
export function ruleExpressions(): Expression[] {
  const { groups } = parse(readFileSync(join(root, 'alerts/facepass.rules.yaml'), 'utf8')) as { groups: { rules: { record?: string; alert?: string; expr: string }[] }[] };
  return groups.flatMap(({ rules }) => rules).map(({ record, alert, expr }) => ({ place: record ?? alert ?? '', expr }));
}

interface GrafanaPanel {
  title: string;
  targets?: { expr: string }[];
}
