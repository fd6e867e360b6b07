import { answerOf } from '@facepass/client';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';

/** `facepass status`: shows the photo and face counts of a session; without one, the health of the service. */
export async function showStatus(
  options: { session?: string; json?: boolean },
  connection: Connection,
): Promise<ExitCode> {
  return options.session === undefined
    ? showService(options, connection)
    : showSession({ ...options, session: options.session }, connection);
}

async function showService(options: { json?: boolean }, connection: Connection): Promise<ExitCode> {
  const { data, error, response } = await clientOf(connection).GET('/health');
  const health = data ?? error;
  // A proxy in front of the service may answer 503 as well, with its own page.
  if (typeof health !== 'object' || !('face_recognition_model' in health)) answerOf({ error, response });
  else if (options.json) console.log(JSON.stringify(health));
  else
    console.log(
      `${connection.url}: ${health.status}, version ${health.version}, up for ${Math.round(health.uptime_seconds)} s.\n` +
        `Database: ${health.database}\nModel: ${health.face_recognition_model}`,
    );
  return response.ok ? EXIT.done : EXIT.unavailable;
}

async function showSession(options: { session: string; json?: boolean }, connection: Connection): Promise<ExitCode> {
  const status = answerOf(
    await clientOf(connection).GET('/api/v1/search/status/{session_id}', {
      params: { path: { session_id: options.session } },
    }),
  );
  if (options.json) console.log(JSON.stringify(status));
  else if (!status.indexed)
    console.error(`Session ${options.session} has no indexed photos. \`facepass sessions\` lists those that have.`);
  else
    console.log(
      `Session ${options.session}: ${status.photo_count} photos with ${status.face_count} faces, model ${status.model}, last indexed ${status.last_indexed}.`,
    );
  return status.indexed ? EXIT.done : EXIT.unknown;
}
