import { answerOf } from '@facepass/client';
import type { components } from '@facepass/client';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';

/** `facepass sessions`: lists all sessions, newest first; the key needs the scope admin. */
export async function listSessions(options: { json?: boolean }, connection: Connection): Promise<ExitCode> {
  const client = clientOf(connection);
  let found = 0;
  for (let cursor: string | undefined; ;) {
    const { sessions, next_cursor } = answerOf(
      await client.GET('/api/v1/sessions', { params: { query: { limit: 1000, cursor } } }),
    );
    for (const session of sessions) console.log(options.json ? JSON.stringify(session) : lineOf(session));
    found += sessions.length;
    if (next_cursor === null) break;
    cursor = next_cursor;
  }
  if (found === 0 && !options.json) console.log('The service has no sessions.');
  return EXIT.done;
}

function lineOf(session: components['schemas']['SessionSummary']): string {
  const { session_id, photo_count, face_count, model, last_indexed, expires_at } = session;
  const expiry = expires_at ? `, expires ${expires_at}` : '';
  return `${session_id}: ${photo_count} photos with ${face_count} faces, model ${model}, last indexed ${last_indexed}${expiry}`;
}
