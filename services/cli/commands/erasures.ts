import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { readEnvironment } from '@facepass/runtime/environment';
import { connectionFault, postgresConnection, postgresVariables } from '@facepass/runtime/postgres';
import * as z from 'zod';
import { messageOf } from '@facepass/runtime/errors';
import { withDatabase, type Client } from '../database.ts';
import { readErasures, replayErasure, type Erasure } from '../erasures.ts';
import { EXIT, Failure, type ExitCode } from '../failures.ts';

export interface ErasureListOptions {
  /** The list: one JSON line per erasure. */
  file: string;
  json?: boolean;
}

/** `facepass erasures export`: appends the erasures that the list lacks; never changes a line. */
export async function exportErasures({ file, json }: ErasureListOptions): Promise<ExitCode> {
  const listed = new Set(readList(file).map(keyOf));
  const erasures = await withErasures(readErasures);
  const lines = erasures.filter((erasure) => !listed.has(keyOf(erasure)));
  appendDurably(file, lines.map((erasure) => `${JSON.stringify(erasure)}\n`).join(''));
  const counts = { added: lines.length, listed: listed.size + lines.length };
  console.log(json ? JSON.stringify(counts) : `Added ${counts.added} erasures; the list now has ${counts.listed}.`);
  return EXIT.done;
}

/** `facepass erasures replay`: repeats the listed erasures in a restored database. */
export async function replayErasures({ file, json }: ErasureListOptions): Promise<ExitCode> {
  if (!existsSync(file)) throw new Failure(EXIT.usage, `No such file: ${file}.`);
  const list = readList(file).toSorted((a, b) => (a.erased_at < b.erased_at ? -1 : 1));
  const counts = { replayed: 0, known: 0, embeddings_removed: 0 };
  await withErasures(async (client) => {
    for (const erasure of list) {
      const removed = await replayErasure(client, erasure);
      counts[removed === null ? 'known' : 'replayed'] += 1;
      counts.embeddings_removed += removed ?? 0;
    }
  });
  console.log(
    json
      ? JSON.stringify(counts)
      : `Replayed ${counts.replayed} erasures, which removed ${counts.embeddings_removed} faces; the database already knew ${counts.known}.`,
  );
  return EXIT.done;
}

const variables = z.object(
  postgresVariables({ role: 'The role that owns the tables: the migrator’s.', url: 'PostgreSQL.' }),
);

async function withErasures<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
  try {
    const connection = postgresConnection(readEnvironment(variables, process.env));
    const options = { applicationName: 'facepass-erasures', patienceMs: { connect: 10_000 } };
    return await withDatabase(connection, options, work);
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    if (name === 'ConfigurationError') throw new Failure(EXIT.usage, messageOf(error));
    if (code === '42501' || code === '42P01' || code === '42883')
      throw new Failure(
        EXIT.refused,
        `${messageOf(error)}: connect to a database at schema 3, as the migrator's role, which owns the tables.`,
      );
    if (/^(08|28|3D|57|53|E[A-Z])/.test(code ?? ''))
      throw new Failure(EXIT.unavailable, `Cannot reach the database: ${connectionFault(error)}`);
    throw error;
  }
}

const line = z.strictObject({
  session_id: z.string().min(1),
  photo_id: z.string().min(1).nullable(),
  erased_at: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
});

/** Reads the list. If a crash cut off the last line, it has no newline, and export writes it again. */
function readList(file: string): Erasure[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((text, index) => {
    if (text === '') return [];
    const parsed = line.safeParse(parsedJson(text));
    if (parsed.success) return [parsed.data];
    if (index === lines.length - 1) return [];
    throw new Failure(EXIT.usage, `${file}, line ${index + 1}: not an erasure. The list is damaged.`);
  });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Appends `text` and syncs it to disk, after removing a line that a crash cut off. */
function appendDurably(file: string, text: string): void {
  const held = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const whole = held.lastIndexOf('\n') + 1;
  if (whole < held.length) truncateSync(file, whole);
  const descriptor = openSync(file, 'a', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function keyOf({ session_id, photo_id, erased_at }: Erasure): string {
  return JSON.stringify([session_id, photo_id, erased_at]);
}
