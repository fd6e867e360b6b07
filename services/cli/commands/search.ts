import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { answerOf, multipart, Problem } from '@facepass/client';
import type { SearchAnswer } from '@facepass/contracts/http';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, Failure, type ExitCode } from '../failures.ts';
import { fileProblem } from '../file-problem.ts';
import { openSelfie } from '../readable.ts';

export interface SearchOptions {
  session: string;
  threshold?: number;
  limit?: number;
  /** Face of the first selfie to search; 1 is the largest. */
  face?: number;
  /** Folder to copy the matching photos to; `from` is the folder that was indexed. */
  copyTo?: string;
  from?: string;
  json?: boolean;
}

/** `facepass search SELFIE…`: lists the photos of a session that show the person on the selfies. */
export async function searchSelfies(
  selfies: readonly string[],
  options: SearchOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  if (options.copyTo && !options.from)
    throw new Failure(EXIT.usage, '--copy-to requires --from, the folder that was indexed.');
  const images = await Promise.all(selfies.map(openSelfie));
  const result = await clientOf(connection).POST('/api/v1/search', {
    body: {
      session_id: options.session,
      image: images,
      threshold: options.threshold,
      limit: options.limit,
      face_index: options.face === undefined ? undefined : options.face - 1,
    },
    bodySerializer: multipart,
    signal,
  });
  const answer: SearchAnswer = answerTo(result, options);
  console.log(options.json ? JSON.stringify(answer) : answerText(answer, options.session));
  if (options.copyTo && options.from) await copyMatches(answer, options.from, options.copyTo);
  return EXIT.done;
}

/** @throws Failure if the selfie has fewer faces than `--face` asks for; Problem for other answers */
function answerTo(result: Parameters<typeof answerOf<SearchAnswer>>[0], { face }: SearchOptions): SearchAnswer {
  try {
    return answerOf(result);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'face_index_out_of_range') throw error;
    throw new Failure(EXIT.refused, `The first selfie has no face ${face}. Without --face the largest is searched.`);
  }
}

function answerText(answer: SearchAnswer, session: string): string {
  const { matches, total_matches, query } = answer;
  const lines = matches.map(
    ({ similarity, certainty, photo_id }) => `  ${similarity.toFixed(2)}  ${certainty.padEnd(6)}  ${photo_id}`,
  );
  if (matches.length === 0)
    lines.push(
      `No photo of session ${session} shows this person. Try a selfie in good light, without glasses, looking into the camera, or a lower --threshold.`,
    );
  else
    lines.unshift(
      `${total_matches} ${total_matches === 1 ? 'photo' : 'photos'} of session ${session} with this face (${expectation(answer)}):`,
    );
  if (total_matches > matches.length)
    lines.push(`  and ${total_matches - matches.length} more; raise --limit (up to 1000).`);
  (query.selfies ?? [query]).forEach(({ faces_detected, face_index }, i) => {
    if (faces_detected < 2) return;
    const selfie = query.selfies ? `Selfie ${i + 1}` : 'The selfie';
    const why =
      i === 0 ? '1 is the largest). Choose another with --face.' : 'the one most similar to the first selfie).';
    lines.push(`${selfie} has ${faces_detected} faces; searched face ${face_index + 1} (${why}`);
  });
  return lines.join('\n');
}

function expectation({ faces_compared, expected_false_matches }: SearchAnswer): string {
  return `${faces_compared} faces compared, ${expected_false_matches} false matches expected`;
}

async function copyMatches({ matches }: SearchAnswer, from: string, to: string): Promise<void> {
  let copied = 0;
  for (const { photo_id } of matches) {
    const source = inside(from, photo_id);
    const target = inside(to, photo_id);
    try {
      await mkdir(dirname(target), { recursive: true });
      await copyFile(source, target);
      copied++;
    } catch (error) {
      console.error(
        `Cannot copy ${photo_id}: ${(error as NodeJS.ErrnoException).path ?? source} ${fileProblem(error)}.`,
      );
    }
  }
  console.error(`${copied} of ${matches.length} photos copied to ${to}.`);
  if (copied < matches.length) throw new Failure(EXIT.incomplete, 'Some photos could not be copied from --from.');
}

/** Resolves a photo id that the service sent; it must not lead out of the folder. */
function inside(folder: string, photoId: string): string {
  const path = resolve(folder, photoId);
  const way = relative(resolve(folder), path);
  if (way === '' || way === '..' || way.startsWith(`..${sep}`) || join(resolve(folder), way) !== path) {
    throw new Failure(EXIT.refused, `The photo id ${JSON.stringify(photoId)} leads out of ${folder}.`);
  }
  return path;
}
