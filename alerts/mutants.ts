import { alternativesOf } from '../dashboards/source/expressions.ts';
import type { Rule } from './promtool.ts';

/** A rule with one mistake in it. */
export interface Mutant {
  what: string;
  rule: Rule;
}

/**
 * A rule with each mistake that its tests must see: another limit, another time, a side of an `or` or a selector that
 * is missing.
 */
export function mutantsOf(rule: Rule): Mutant[] {
  const expressions = [
    ...otherLimits(rule.expr),
    ...otherWindows(rule),
    ...withoutSides(rule),
    ...withoutMatchers(rule.expr),
    ...otherRoutes(rule.expr),
    ...ofIdlePairs(rule.expr),
  ];
  return [...expressions.map(({ what, expr }) => ({ what, rule: { ...rule, expr } })), ...otherTimes(rule)];
}

interface Mistake {
  what: string;
  expr: string;
}

/** Limits a fifth lower and a quarter higher; nothing becomes something. */
function otherLimits(expr: string): Mistake[] {
  return [...expr.matchAll(/(>=|==|>) ([\d.]+)(?![\d.]*\s*\()/g)].flatMap(({ 0: found, 1: sign, 2: limit, index }) => {
    const others =
      Number(limit) !== 0
        ? [`${sign} ${Number(limit) * 0.8}`, `${sign} ${Number(limit) * 1.25}`]
        : sign === '=='
          ? ['== 1']
          : ['>= 0', '> 5'];
    return others.map((other) => ({ what: `${found} becomes ${other}`, expr: replacedAt(expr, index, found, other) }));
  });
}

/** The windows of what is recorded: alerts ask for one moment, or their limit says what the window has to hold. */
function otherWindows({ record, expr }: Rule): Mistake[] {
  return record
    ? [...new Set(expr.match(/\[\w+\]/g))].flatMap((window) =>
        ['[10m]', '[2d]'].map((other) => ({
          what: `${window} becomes ${other}`,
          expr: expr.replaceAll(window, other),
        })),
      )
    : [];
}

function withoutSides(rule: Rule): Mistake[] {
  const sides = alternativesOf({ place: '', expr: rule.expr });
  if (sides.length === 1) return [];
  return sides.map(({ expr: side }) => ({
    what: `without the side ${side.trim().replaceAll(/\s+/g, ' ')}`,
    expr: sides
      .filter(({ expr }) => expr !== side)
      .map(({ expr }) => expr)
      .join('\nor '),
  }));
}

/** Selects more than it should. Of `job` there is nothing to tell: each metric has one. */
function withoutMatchers(expr: string): Mistake[] {
  const matchers = new Set(
    [...expr.matchAll(/(?<=[{,])(?!job[=!])\w+(?:=~|!=|=)"[^"]*"/g)].map(([matcher]) => matcher),
  );
  return [...matchers].map((matcher) => ({
    what: `without ${matcher}`,
    expr: expr.replaceAll(`,${matcher}`, '').replaceAll(`{${matcher},`, '{').replaceAll(`{${matcher}}`, ''),
  }));
}

function otherRoutes(expr: string): Mistake[] {
  const others: [string, string][] = [
    ['(search|faces/search-session)', 'search'],
    ['(search|faces/search-session)', '.*'],
    ['2..|499', '2..'],
    ['/api/.*', '/api/v1/search'],
  ];
  return others
    .filter(([part]) => expr.includes(part))
    .map(([part, other]) => ({ what: `${part} becomes ${other}`, expr: expr.replaceAll(part, other) }));
}

/** Looks at pairs that should have no traffic, too. */
function ofIdlePairs(expr: string): Mistake[] {
  const found = 'and on (namespace, revision) facepass:revision_weight:ratio';
  return [...expr.matchAll(new RegExp(found.replaceAll(/[()]/g, '\\$&'), 'g'))].map(({ index }) => ({
    what: 'every revision counts',
    expr: replacedAt(expr, index, found, ''),
  }));
}

function otherTimes(rule: Rule): Mutant[] {
  if (rule.for === undefined) return rule.alert ? [{ what: 'waits for a minute', rule: { ...rule, for: '1m' } }] : [];
  const minutes = Number.parseInt(rule.for, 10);
  return [minutes - 1, minutes + 1].map((other) => ({
    what: `waits for ${other} instead of ${minutes} minutes`,
    rule: { ...rule, for: `${other}m` },
  }));
}

function replacedAt(text: string, index: number, found: string, other: string): string {
  return text.slice(0, index) + other + text.slice(index + found.length);
}
