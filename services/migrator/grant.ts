import type { Client } from './database.ts';

/**
 * Grants `role` what an API needs and no more: the rows of faces, sessions and jobs with their queue, read access to
 * tombstones and the migrator's runs, and the erase functions. It cannot reach the copies of faces: the functions that
 * erase from them run as the migrator's role.
 */
export async function grantTo(client: Client, role: string): Promise<void> {
  const quoted = `"${role.replaceAll('"', '""')}"`;
  const { rows } = await client.query<{ schema: string }>('select quote_ident(current_schema()) as schema');
  await client.query(`
    grant usage on schema ${rows[0]!.schema} to ${quoted};
    grant select, insert, update, delete on faces, sessions, jobs, job_photos to ${quoted};
    grant select on erasures, migration_runs to ${quoted};
    grant usage on schema facepass_queue to ${quoted};
    grant select, insert, update, delete on all tables in schema facepass_queue to ${quoted};
    grant execute on function schema_version(), erase_session(text, text), erase_photo(text, text, text),
      erase_session_part(text, text, text, integer) to ${quoted}`);
}
