import type { postgresConnection } from '@facepass/runtime/postgres';
import pg from 'pg';

export type Client = pg.Client;

/** Runs `work` with its own connection and closes it. `patienceMs` limits the wait for it and for each statement. */
export async function withDatabase<Result>(
  connection: ReturnType<typeof postgresConnection>,
  { applicationName, patienceMs }: { applicationName: string; patienceMs?: { connect: number; query?: number } },
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    ...connection,
    application_name: applicationName,
    ...(patienceMs && { connectionTimeoutMillis: patienceMs.connect, query_timeout: patienceMs.query }),
  });
  // A connection that dies while idle reports it only here; the next query fails too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
