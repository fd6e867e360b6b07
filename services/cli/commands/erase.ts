import { answerOf, erasePhoto, eraseSession, type FacepassClient } from '@facepass/client';
import { confirmErasure } from '../confirm.ts';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, Failure, type ExitCode } from '../failures.ts';
import { forgetSession } from '../journal.ts';

export interface EraseOptions {
  session: string;
  /** One photo instead of the whole session. */
  photo?: string;
  /** One face of that photo, counted from 1. */
  face?: number;
  yes?: boolean;
  json?: boolean;
}

/** `facepass erase`: erases a session, a photo or a face of one from the service; the photo files stay. */
export async function eraseIndexed(options: EraseOptions, connection: Connection): Promise<ExitCode> {
  const { session, photo, face } = options;
  if (face !== undefined && !photo) throw new Failure(EXIT.usage, '--face requires --photo.');
  const what = whatOf(options);
  if (!options.yes) await confirmErasure(what);
  const answer = answerOf(await erase(clientOf(connection), options));
  if (!photo) forgetSession(connection.url, session);
  console.log(options.json ? JSON.stringify(answer) : `Erased ${what}: ${facesOf(answer.embeddings_removed)}.`);
  return EXIT.done;
}

function erase(client: FacepassClient, { session: session_id, photo: photo_id, face }: EraseOptions) {
  if (!photo_id) return eraseSession(client, session_id);
  if (face === undefined) return erasePhoto(client, session_id, photo_id);
  return client.DELETE('/api/v1/sessions/{session_id}/photos/{photo_id}/faces/{face_index}', {
    params: { path: { session_id, photo_id, face_index: face - 1 } },
  });
}

function whatOf({ session, photo, face }: EraseOptions): string {
  const ofSession = photo ? `photo "${photo}" of session "${session}"` : `session "${session}"`;
  return face === undefined ? ofSession : `face ${face} of ${ofSession}`;
}

function facesOf(count: number): string {
  return `${count} ${count === 1 ? 'face' : 'faces'}`;
}
