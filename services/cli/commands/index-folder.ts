import { answerOf } from '@facepass/client';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';
import { openJournal, type Journal } from '../journal.ts';
import { describeOthers, findPhotos, type PhotoFile } from '../photos.ts';
import { jsonLines, progressLine, type Reporter, type Totals } from '../progress.ts';
import { uploadPhotos, type Outcome } from '../upload.ts';

export interface IndexOptions {
  session: string;
  parallel: number;
  /** Maximum number of faces per photo, largest first, and minimum quality of a face. */
  maxFaces?: number;
  minQuality?: number;
  /** Upload unchanged photos too. */
  again?: boolean;
  json?: boolean;
}

const PATIENCE_MS = 120_000;

/** `facepass index DIR`: uploads the photos of a folder that are new or have changed since they were acknowledged. */
export async function indexFolder(
  directory: string,
  options: IndexOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  const reporter =
    options.json || !process.stderr.isTTY ? jsonLines(process.stdout, process.stderr) : progressLine(process.stderr);
  const folder = await findPhotos(directory);
  const skipped = describeOthers(folder);
  if (skipped !== null) reporter.note(skipped);
  using journal = openJournal(connection.url, options.session, directory);
  await compareWithService(connection, options.session, journal, reporter);
  const waiting = folder.photos.filter((photo) => options.again || journal.facesOf(photo) === null);
  const totals: Totals = { photos: waiting.length, done: 0, indexed: 0, faces: 0, withoutFace: 0, failed: 0 };
  const startedMs = performance.now();
  try {
    const selection = { max_faces: options.maxFaces, min_quality: options.minQuality };
    const client = clientOf(connection);
    const upload = { client, session: options.session, selection, signal, patienceMs: PATIENCE_MS };
    for await (const { photo, outcome } of uploadPhotos(waiting, options.parallel, upload)) {
      record(photo, outcome, totals, journal);
      reporter.photo(photo.photoId, outcome, totals);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    const seconds = (performance.now() - startedMs) / 1000;
    reporter.end({
      ...totals,
      unchanged: folder.photos.length - waiting.length,
      seconds: Math.round(seconds * 10) / 10,
    });
  }
  if (signal.aborted) {
    reporter.note('Interrupted. Run the same command to resume.');
    return EXIT.interrupted;
  }
  return totals.failed > 0 ? EXIT.incomplete : EXIT.done;
}

function record(photo: PhotoFile, outcome: Outcome, totals: Totals, journal: Journal): void {
  totals.done++;
  if (outcome.kind === 'failed') {
    totals.failed++;
    return;
  }
  const faces = outcome.kind === 'indexed' ? outcome.faces : 0;
  journal.add(photo, faces);
  totals.faces += faces;
  if (faces > 0) totals.indexed++;
  else totals.withoutFace++;
}

/**
 * Clears the journal if the session was erased or the database is new; keeps it if single photos were erased.
 */
async function compareWithService(
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
