import { answerOf, multipart, type FacepassClient } from '@facepass/client';
import { ACCEPTED_IMAGE_NAMES } from '@facepass/contracts/accepted-images';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, Failure, type ExitCode } from '../failures.ts';
import { openJournal, type Journal } from '../journal.ts';
import { describeSkipped, findPhotos, kindsOf, type Folder, type PhotoFile } from '../photos.ts';
import { jsonLines, progressLine, type Reporter, type Totals } from '../progress.ts';
import { uploadPhotos, type Outcome, type Upload } from '../upload.ts';

export interface IndexOptions {
  session: string;
  parallel: number;
  /** Maximum number of faces per photo, largest first, and minimum quality of a face. */
  maxFaces?: number;
  minQuality?: number;
  /** Upload unchanged photos too. */
  again?: boolean;
  json?: boolean;
  /** Name the skipped files. */
  verbose?: boolean;
}

const PATIENCE_MS = 120_000;

/** `facepass index DIR`: uploads the photos of a folder that are new or have changed since they were acknowledged. */
export async function indexFolder(
  directory: string,
  options: IndexOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  const reporter = reporterOf(options, progressLine);
  const folder = await findPhotos(directory);
  if (folder.photos.length + folder.unreadable.length === 0)
    throw new Failure(EXIT.usage, emptyText(directory, folder));
  const skipped = describeSkipped(folder, options.verbose);
  if (skipped !== null) reporter.note(skipped);
  using journal = openJournal(connection.url, options.session, directory);
  await compareWithService(connection, options.session, journal, reporter);
  const waiting = folder.photos.filter((photo) => options.again || journal.facesOf(photo) === null);
  const upload = uploadOf(options, connection, signal, PATIENCE_MS);
  if (waiting.length > 0) await checkKey(upload.client);
  const totals = totalsOf(waiting, folder.unreadable.length);
  const startedMs = performance.now();
  try {
    for (const { photoId, reason } of folder.unreadable)
      record(photoId, { kind: 'failed', code: 'unreadable', reason }, totals, reporter);
    for await (const { photo, outcome } of uploadPhotos(waiting, options.parallel, upload)) {
      acknowledge(photo, outcome, journal);
      totals.bytesDone += photo.size;
      record(photo.photoId, outcome, totals, reporter);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    reporter.end({ ...totals, unchanged: folder.photos.length - waiting.length, seconds });
  }
  if (signal.aborted) {
    reporter.note('Interrupted. Run the same command to resume.');
    return EXIT.interrupted;
  }
  return totals.failed > 0 ? EXIT.incomplete : EXIT.done;
}

/** `forPeople` in a terminal, JSON lines elsewhere. */
export function reporterOf(options: { json?: boolean }, forPeople: (stream: NodeJS.WriteStream) => Reporter): Reporter {
  return options.json || !process.stderr.isTTY ? jsonLines(process.stdout, process.stderr) : forPeople(process.stderr);
}

export function uploadOf(
  { session, maxFaces, minQuality }: IndexOptions,
  connection: Connection,
  signal: AbortSignal,
  patienceMs: number,
): Upload {
  const selection = { max_faces: maxFaces, min_quality: minQuality };
  return { client: clientOf(connection), session, selection, signal, patienceMs };
}

/**
 * Tells of a wrong key before the first upload: a call without a photo is rejected for its key first. A service that is
 * unavailable passes, since the uploads wait for it.
 * @throws Problem if the key is missing, invalid or lacks the scope
 */
export async function checkKey(client: FacepassClient): Promise<void> {
  const { response, error } = await client
    .POST('/api/v1/index', { body: {} as never, bodySerializer: multipart })
    .catch((problem: unknown) => ({ response: null, error: problem }));
  if (response?.status === 401 || response?.status === 403) answerOf({ response, error });
}

export function totalsOf(waiting: readonly PhotoFile[], unreadable: number): Totals {
  const bytes = waiting.reduce((sum, { size }) => sum + size, 0);
  const photos = waiting.length + unreadable;
  return { photos, done: 0, bytes, bytesDone: 0, indexed: 0, faces: 0, withoutFace: 0, failed: 0 };
}

/** Writes down that the service has the photo, so that no later run sends it again. */
export function acknowledge(photo: PhotoFile, outcome: Outcome, journal: Journal): void {
  if (outcome.kind !== 'failed') journal.add(photo, outcome.kind === 'indexed' ? outcome.faces : 0);
}

export function record(photoId: string, outcome: Outcome, totals: Totals, reporter: Reporter): void {
  totals.done++;
  if (outcome.kind === 'failed') totals.failed++;
  else {
    const faces = outcome.kind === 'indexed' ? outcome.faces : 0;
    totals.faces += faces;
    if (faces > 0) totals.indexed++;
    else totals.withoutFace++;
  }
  reporter.photo(photoId, outcome, totals);
}

/**
 * Clears the journal if the session was erased or the database is new; keeps it if single photos were erased.
 */
export async function compareWithService(
  connection: Connection,
  session: string,
  journal: Journal,
  reporter: Reporter,
): Promise<void> {
  if (journal.photosWithFaces === 0) return;
  const status = answerOf(
    await clientOf(connection).GET('/api/v1/search/status/{session_id}', { params: { path: { session_id: session } } }),
  );
  if (!status.indexed) {
    reporter.note(`Session ${session} is no longer on the server; uploading all photos again.`);
    journal.clear();
  } else if (status.photo_count < journal.photosWithFaces) {
    reporter.note(
      `Session ${session} has ${status.photo_count} of the ${journal.photosWithFaces} photos uploaded earlier. Erased photos stay erased; pass --again to upload them again.`,
    );
  }
}

function emptyText(directory: string, { skipped }: Folder): string {
  const text = `${directory} has no ${ACCEPTED_IMAGE_NAMES} files`;
  return skipped.length === 0 ? `${text}.` : `${text}, only others (${kindsOf(skipped)}).`;
}
