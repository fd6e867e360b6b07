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
  return globSync('dashboards/*.json', { cwd: root })
    .sort()
    .flatMap((path) => {
      const { panels } = JSON.parse(readFileSync(join(root, path), 'utf8')) as { panels: GrafanaPanel[] };
      return panels.flatMap(({ title, targets = [] }) =>
        targets.map(({ expr }) => ({
          place: `${basename(path, '.json')} / ${title}`,
          expr: expr.replaceAll('$__rate_interval', interval).replaceAll('$namespace', '.*'),
        })),
      );
    });
}

/** Every expression of the rules; alerts with their condition. */
export function ruleExpressions(): Expression[] {
  const { groups } = parse(readFileSync(join(root, 'alerts/facepass.rules.yaml'), 'utf8')) as {
    groups: { rules: { record?: string; alert?: string; expr: string }[] }[];
  };
  return groups
    .flatMap(({ rules }) => rules)
    .map(({ record, alert, expr }) => ({ place: record ?? alert ?? '', expr }));
}

/**
 * What an alert watches, which must have data while nothing is wrong: its limits are taken away, and what must be
 * absent must be there.
 */
export function withoutLimits({ place, expr }: Expression): Expression {
  const watched = expr
    .replaceAll(/\s(>=|==|>)\s+[\d.]+( \* [\d.]+)?(?![\d.]*\s*\*)/g, '')
    .replaceAll(' > ', ' - ')
    .replaceAll(/\babsent\(/g, '(')
    .replaceAll(/unless on/g, 'and on');
  return { place, expr: watched };
}

/**
 * The sides of the `or`s of an expression that stand in no parentheses: each must have data, or one would stand in for
 * the other.
 */
export function alternativesOf({ place, expr }: Expression): Expression[] {
  const sides: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of expr.matchAll(/[({]|[)}]|\bor\b(?:\s+on\s*\([^)]*\))?/g)) {
    if (/[({]$/.test(token)) depth += 1;
    else if (/^[)}]/.test(token)) depth -= 1;
    else if (depth === 0) {
      sides.push(expr.slice(start, index));
      start = index + token.length;
    }
  }
  return [...sides, expr.slice(start)].map((side) => ({ place, expr: side }));
}

interface GrafanaPanel {
  title: string;
  targets?: { expr: string }[];
}
