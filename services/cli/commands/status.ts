import { answerOf } from '@facepass/client';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';

/** `facepass status`: what the service holds of a session. */
export async function showStatus(
  options: { session: string; json?: boolean },
  connection: Connection,
): Promise<ExitCode> {
  const status = answerOf(
    await clientOf(connection).GET('/api/v1/search/status/{session_id}', {
      params: { path: { session_id: options.session } },
    }),
  );
  if (options.json) console.log(JSON.stringify(status));
  else if (!status.indexed) console.log(`Session ${options.session}: nothing is indexed.`);
  else
    console.log(
      `Session ${options.session}: ${status.photo_count} photos with ${status.face_count} faces, model ${status.model}, last indexed ${status.last_indexed}.`,
    );
  return EXIT.done;
}
