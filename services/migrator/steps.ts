import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Reads the migrations of a folder, in order. Each is `NNNN_name.up.sql`, perhaps with a `NNNN_name.down.sql`; a line
 * `-- migrator: tag, tag` in each says how it runs (`Script`), and in the up file when (`Step`).
 * @throws Error naming the file whose name or tags break a rule.
 */
export async function readSteps(directory: string): Promise<Step[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).toSorted();
  const badName = files.find((file) => !/^\d{4}_[a-z0-9_]+\.(up|down)\.sql$/.test(file));
  if (badName) throw new Error(`${join(directory, badName)}: must be named NNNN_name.up.sql or NNNN_name.down.sql`);
  return Promise.all(
    files
      .filter((file) => file.endsWith('.up.sql'))
      .map(async (file) => {
        const name = file.slice(0, -'.up.sql'.length);
        const { tags, ...up } = await readScript(directory, file);
        const down = files.includes(`${name}.down.sql`) ? await readScript(directory, `${name}.down.sql`) : undefined;
        const when = WHEN.find((word) => tags.includes(word));
        if (!when) throw new Error(`${join(directory, file)}: its tags must name one of ${WHEN.join(', ')}`);
        const reaches = tags.find((tag) => tag.startsWith('reaches '))?.slice('reaches '.length);
        return { name, when, reaches: reaches === undefined ? undefined : Number(reaches), up, down };
      }),
  );
}

async function readScript(directory: string, file: string): Promise<Script & { tags: string[] }> {
  const sql = await readSql(join(directory, file));
  const tags = /^-- migrator: (.+)$/m.exec(sql)?.[1]?.split(', ') ?? [];
  const unknown = tags.find((tag) => !KNOWN_TAG.test(tag));
  if (unknown) throw new Error(`${join(directory, file)}: unknown tag “${unknown}”`);
  return {
    sql,
    mode: tags.includes('repeat') ? 'repeat' : tags.includes('no transaction') ? 'no transaction' : 'transaction',
    tags,
  };
}

/** Reads a file of SQL; as psql does, a line `\\ir path` stands for that file, found from the file it is in. */
export async function readSql(path: string): Promise<string> {
  const parts = (await readFile(path, 'utf8')).split(/^\\ir (.+)$/m);
  return (
    await Promise.all(
      parts.map((part, index) => (index % 2 === 1 ? readSql(join(dirname(path), part)) : Promise.resolve(part))),
    )
  ).join('');
}

const WHEN = ['always', 'origin', 'field', 'contract'] as const;
const KNOWN_TAG = new RegExp(`^(${WHEN.join('|')}|transaction|repeat|no transaction|reaches \\d+)$`);

/**
 * Puts values for `:name` and `:'name'`, as psql does with `-v name=value`; the names are ours alone, so casts (`::`)
 * stay.
 */
export function fillIn(sql: string, values: SqlValues): string {
  return Object.entries(values).reduce(
    (text, [name, value]) =>
      text
        .replaceAll(`:'${name}'`, `'${String(value).replaceAll("'", "''")}'`)
        .replaceAll(new RegExp(`(?<!:):${name}\\b`, 'g'), String(value)),
    sql,
  );
}

export type SqlValues = Record<'dimension' | 'batch_rows' | 'legacy_model_id', string | number>;

/** The schema version a ledger stands for: the highest one a recorded step reaches; 0 for an empty ledger. */
export function schemaVersionOf(steps: Step[], recorded: Set<string>): number {
  return Math.max(0, ...steps.filter((step) => recorded.has(step.name)).map((step) => step.reaches ?? 0));
}

export interface Step {
  name: string;
  /**
   * `always`; `field`: only where an older installation's face_embeddings is; `origin`: only to make such an
   * installation; `contract`: ends what `field` keeps alive, only when asked. A step that does not run is recorded all
   * the same.
   */
  when: (typeof WHEN)[number];
  /** The schema is this version once the step has run. */
  reaches: number | undefined;
  up: Script;
  /** Absent: there is no way back over this step. */
  down: Script | undefined;
}

export interface Script {
  sql: string;
  /**
   * `transaction`: the file is one, together with its line in the ledger. `no transaction`: statement by statement,
   * each of which may run twice. `repeat`: one statement, run until its row says `done`; each run is a transaction.
   */
  mode: 'transaction' | 'no transaction' | 'repeat';
}
