import { createInterface } from 'node:readline/promises';
import { answerOf, erasePhoto, eraseSession } from '@facepass/client';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, Failure, type ExitCode } from '../failures.ts';
import { forgetSession } from '../journal.ts';

export interface EraseOptions {
  session: string;
  /** One photo instead of the whole session. */
  photo?: string;
  yes?: boolean;
  json?: boolean;
}

/** `facepass erase`: erases a session, or one photo of it, from the service; the photo files stay. */
export async function eraseIndexed(options: EraseOptions, connection: Connection): Promise<ExitCode> {
  const { session, photo } = options;
  const what = photo ? `photo "${photo}" of session "${session}"` : `session "${session}"`;
  if (!options.yes) await confirm(what);
  const client = clientOf(connection);
  const answer = answerOf(await (photo ? erasePhoto(client, session, photo) : eraseSession(client, session)));
  if (!photo) forgetSession(connection.url, session);
  console.log(options.json ? JSON.stringify(answer) : `Erased ${what}: ${answer.embeddings_removed} faces.`);
  return EXIT.done;
}

async function confirm(what: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new Failure(EXIT.usage, `Refusing to erase ${what} without confirmation; pass --yes.`);
  using terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Erase ${what} permanently? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure(EXIT.interrupted, 'Nothing was erased.');
}
