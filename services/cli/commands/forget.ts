import { answerOf, multipart } from '@facepass/client';
import type { ForgetAnswer } from '@facepass/contracts/http';
import { confirmErasure } from '../confirm.ts';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';
import { openSelfie } from '../readable.ts';

export interface ForgetOptions {
  session: string;
  threshold?: number;
  /** Face of the first selfie; 1 is the largest. */
  face?: number;
  /** Shows what would go, and asks nothing. */
  preview?: boolean;
  yes?: boolean;
  json?: boolean;
}

/** `facepass forget SELFIE…`: lists the faces of the person in a session and, once confirmed, erases them. */
export async function forgetPerson(
  selfies: readonly string[],
  options: ForgetOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  const image = await Promise.all(selfies.map(openSelfie));
  const face_index = options.face === undefined ? undefined : options.face - 1;
  const ask = async (confirmation_token?: string): Promise<ForgetAnswer> =>
    answerOf(
      await clientOf(connection).POST('/api/v1/sessions/{session_id}/forget', {
        params: { path: { session_id: options.session } },
        body: { image, threshold: options.threshold, face_index, confirmation_token },
        bodySerializer: multipart,
        signal,
      }),
    );
  const preview = await ask();
  const faces = `${preview.faces.length} faces in ${preview.photo_count} photos of session "${options.session}"`;
  if (!options.json) console.log(textOf(preview, faces));
  if (preview.faces.length === 0 || options.preview) {
    if (options.json) console.log(JSON.stringify(preview));
    return EXIT.done;
  }
  if (!options.yes) await confirmErasure(faces);
  const erased = await ask(preview.confirmation_token);
  console.log(options.json ? JSON.stringify(erased) : `Erased ${faces}.`);
  return EXIT.done;
}

function textOf({ faces, query, expected_false_matches }: ForgetAnswer, found: string): string {
  const lines = faces.map(
    ({ photo_id, face_index, similarity }) => `  ${similarity.toFixed(2)}  face ${face_index + 1} of ${photo_id}`,
  );
  const selfie =
    query.faces_detected > 1
      ? ` The selfie has ${query.faces_detected} faces; this is number ${query.face_index + 1}.`
      : '';
  return [`${found}, ${expected_false_matches} of other people expected.${selfie}`, ...lines].join('\n');
}
