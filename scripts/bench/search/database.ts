import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

export interface BenchDatabase extends AsyncDisposable {
  url: string;
  client: pg.Client;
}

/** A database on `server` with the schema the migrator gives to vectors of `dimension`; dropped when disposed of. */
export async function createBenchDatabase(server: string, dimension: number): Promise<BenchDatabase> {
  await using stack = new AsyncDisposableStack();
  const name = `facepass_bench_search_${process.pid}_${++databases}`;
  await runSql(server, `create database ${name}`);
  stack.defer(() => runSql(server, `drop database ${name} with (force)`));
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  await migrate(url, dimension);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  stack.defer(() => client.end());
  const owned = stack.move();
  return { url, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

let databases = 0;

async function runSql(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/**
 * Brings the empty database at `url` to the schema for vectors of `dimension`, which the migrator takes from a model
 * pack's manifest: it gets one without weights, whose model id is `MODEL_ID`.
 */
export async function migrate(url: string, dimension: number): Promise<void> {
  const models = await mkdtemp(join(tmpdir(), 'facepass-bench-'));
  try {
    await mkdir(join(models, 'bench'));
    await writeFile(join(models, 'bench/manifest.json'), JSON.stringify(manifest(dimension)));
    const environment = { ...process.env, DATABASE_URL: url, MODELS_DIRECTORY: models, MODEL_PACK: 'bench' };
    await promisify(execFile)(process.execPath, [MIGRATOR, 'up'], { env: environment });
  } finally {
    await rm(models, { recursive: true });
  }
}

const MIGRATOR = join(import.meta.dirname, '../../../services/migrator/main.ts');

function manifest(dimension: number) {
  const file = { file: 'none.onnx', sha256: '0'.repeat(64), source: 'none', licence: 'none' };
  return {
    name: 'bench',
    version: 1,
    description: 'synthetic vectors',
    embedding_size: dimension,
    detector: { ...file, kind: 'yunet', input_size: 320, min_confidence: 0.5 },
    alignment: 'arcface-112',
    recogniser: { ...file, channels: 'rgb', mean: [0, 0, 0], scale: [1, 1, 1] },
    calibration: { false_match_rates: [{ cosine: MINIMUM_COSINE, false_match_rate: 1e-4 }], evidence: 'none' },
  };
}

/**
 * Cosine from which two of the synthetic faces count as one person; unrelated ones stay below 0.3 at 512 and 128
 * dimensions but for a few in 10,000.
 */
export const MINIMUM_COSINE = 0.4;
export const MODEL_ID = 'bench-1';
