import { readFileSync, writeFileSync } from 'node:fs';
import { isMap, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml';

/**
 * Writes the table of values into each chart's README.md, from the `# -- ` comments of its values.yaml; with `--check`
 * it fails when a table is stale. A value without a description is refused.
 */
const [start, end] = ['<!-- values: begin -->\n', '<!-- values: end -->'];
for (const chart of ['facepass', 'facepass-operator']) writeTable(new URL(`../../charts/${chart}/`, import.meta.url));

function writeTable(chart: URL): void {
  const readme = new URL('README.md', chart);
  const rows = rowsOf(parseDocument(readFileSync(new URL('values.yaml', chart), 'utf8')).contents as YAMLMap, '');
  const bare = rows.filter((row) => !row.description).map((row) => row.key);
  if (bare.length > 0) throw new Error(`${chart.pathname}values.yaml: no "# -- " description for ${bare.join(', ')}`);

  const table = [
    '| key | default | what it does |',
    '|---|---|---|',
    ...rows.map((row) => `| \`${row.key}\` | ${row.value} | ${row.description} |`),
  ].join('\n');
  const before = readFileSync(readme, 'utf8');
  const after = `${before.slice(0, before.indexOf(start) + start.length)}${table}\n${before.slice(before.indexOf(end))}`;
  if (!process.argv.includes('--check')) writeFileSync(readme, after);
  else if (before !== after) throw new Error(`${readme.pathname} is stale: npm run gen:chart`);
}

/** One row a value; a described map is one value. */
function rowsOf(map: YAMLMap, prefix: string): Row[] {
  return map.items.flatMap((pair) => {
    const { key, value } = pair as Pair<{ value: string; commentBefore?: string }, unknown>;
    const path = `${prefix}${key.value}`;
    const first = map.items[0] === pair ? map.commentBefore : undefined;
    const description = descriptionIn(key.commentBefore) || descriptionIn(first ?? undefined);
    if (isMap(value) && value.items.length > 0 && !description) return rowsOf(value, `${path}.`);
    return [{ key: path, value: shown(value), description }];
  });
}

function descriptionIn(comment: string | undefined): string {
  const lines = (comment ?? '').split('\n').map((line) => line.trim());
  const from = lines.findLastIndex((line) => line.startsWith('-- '));
  return from < 0 ? '' : lines.slice(from).join(' ').slice(3).replaceAll('|', '\\|');
}

function shown(value: unknown): string {
  const plain = isScalar(value) ? value.value : (value as YAMLMap).toJSON();
  return plain === '' ? '' : `\`${JSON.stringify(plain).replaceAll('|', '\\|')}\``;
}

interface Row {
  key: string;
  value: string;
  description: string;
}
