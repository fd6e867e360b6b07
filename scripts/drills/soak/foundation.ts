import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { s3Environment, startS3Server, type S3Server } from '../../../services/api/tests/s3-server.ts';
import { runSql } from '../../checks/test-database.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';
import { startInference, type OwnServer } from './servers.ts';

/** What the services of a drill stand on. */
export interface Foundation {
  postgres: PostgresServer;
  s3: S3Server;
  inference: [OwnServer, OwnServer];
  /** Leads a service to all of it. */
  environment: Record<string, string>;
}

/**
 * Starts a migrated PostgreSQL, a bucket and two inference servers, which end with `stack`.
 * @param bin the folder of PostgreSQL's programs
 */
export async function startFoundation(stack: AsyncDisposableStack, bin: string): Promise<Foundation> {
  const postgres = stack.use(await startPostgres(bin));
  const s3 = stack.use(await startS3Server());
  await runSql(postgres.url, 'create extension vector');
  const migrator = join(import.meta.dirname, '../../../services/migrator/main.ts');
  await promisify(execFile)(process.execPath, [migrator, 'up'], {
    env: { ...process.env, DATABASE_URL: postgres.url },
  });
  const inference: [OwnServer, OwnServer] = [
    stack.use(await startInference('inference-1')),
    stack.use(await startInference('inference-2')),
  ];
  const environment = {
    DATABASE_URL: postgres.url,
    INFERENCE_ADDRESS: `ipv4:${inference.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    // A frozen server is back long before; a busy machine is given the time.
    INFERENCE_TIMEOUT_MS: '60000',
    ...s3Environment(s3),
  };
  return { postgres, s3, inference, environment };
}
