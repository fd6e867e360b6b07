import { parseSync } from 'vite';

/** One mistake in a file: what stands there is replaced. */
export interface Mutation {
  start: number;
  end: number;
  replacement: string;
  /** What was done, in words. */
  what: string;
}

interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

/**
 * Every mistake of a few kinds that a TypeScript file can have, in the order of the file: another comparison, another
 * connective, a condition that always or never holds, a negation that is missing, another number, a call that is not
 * made, an answer that is given too late or not at all.
 * @throws Error where the file does not parse
 */
export function mutationsOf(path: string, text: string): Mutation[] {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  const found: Mutation[] = [];
  visit(program as unknown as Node, (node) => found.push(...mistakesIn(node, text)));
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}

const OTHERS: Record<string, string> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '&&': '||',
  '||': '&&',
  '??': '&&',
};

function mistakesIn(node: Node, text: string): Mutation[] {
  const source = (one: Node) => text.slice(one.start, one.end);
  const instead = (
    one: Node,
    replacement: string,
    what = `${shortened(source(one))} becomes ${shortened(replacement)}`,
  ) => ({
    start: one.start,
    end: one.end,
    replacement,
    what,
  });
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression': {
      const [left, right] = [node['left'] as Node, node['right'] as Node];
      const other = OTHERS[node['operator'] as string];
      // The sum of texts is no sum.
      if (!other || (node['operator'] === '+' && /['"`]/.test(source(node)))) return [];
      return [instead(node, `${source(left)} ${other} ${source(right)}`)];
    }
    case 'UnaryExpression':
      return node['operator'] === '!' ? [instead(node, source(node['argument'] as Node))] : [];
    case 'IfStatement':
    case 'ConditionalExpression': {
      const test = node['test'] as Node;
      return [instead(test, 'true'), instead(test, 'false')];
    }
    case 'Literal':
      return literalMistakes(node).map((replacement) => instead(node, replacement));
    case 'ExpressionStatement':
      return /^(Await|Call|Assignment|Update)Expression$/.test((node['expression'] as Node).type)
        ? [instead(node, ';', `without ${shortened(source(node))}`)]
        : [];
    case 'ThrowStatement':
      return [instead(node, ';', `without ${shortened(source(node))}`)];
    default:
      return [];
  }
}

function literalMistakes({ value }: Node): string[] {
  if (typeof value === 'boolean') return [`${!value}`];
  return typeof value === 'number' ? [`${value + 1}`] : [];
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 70 ? `${line.slice(0, 67)}...` : line;
}

/** Every node that does something; types and imports do nothing. */
function visit(node: Node, each: (node: Node) => void): void {
  if (/^(TS(?!AsExpression|NonNullExpression|SatisfiesExpression)|Import)/.test(node.type)) return;
  each(node);
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof child === 'object' && child !== null && typeof (child as Node).type === 'string')
        visit(child as Node, each);
}
