import { answerOf } from '@facepass/client';
import { clientOf, type Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../failures.ts';
import { openJournal, type Journal } from '../journal.ts';
import { findPhotos, type Folder, type PhotoFile } from '../photos.ts';
import { jsonLines, progressLine, type Reporter, type Totals } from '../progress.ts';
import { uploadPhotos, type Outcome } from '../upload.ts';

export interface IndexOptions {
  session: string;
  parallel: number;
  /** Most faces of a photo, the largest first, and the least quality of one. */
  maxFaces?: number;
  minQuality?: number;
  /** Sends unchanged photos, too. */
  again?: boolean;
  json?: boolean;
}

const PATIENCE_MS = 120_000;

/** `facepass index DIR`: sends each photo of a folder that is new or has changed since it was last acknowledged. */
export async function indexFolder(
  directory: string,
  options: IndexOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  const reporter =
    options.json || !process.stderr.isTTY ? jsonLines(process.stdout, process.stderr) : progressLine(process.stderr);
  const folder = await findPhotos(directory);
  noteOthers(folder, reporter);
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
    reporter.note('Interrupted; the same command goes on from here.');
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
 * A session that was erased, or a database that is new, makes the journal worthless; photos that were erased one by one
 * do not.
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
    reporter.note(`The service holds nothing of session ${session} any more: every photo is sent again.`);
    journal.clear();
  } else if (status.photo_count < journal.photosWithFaces) {
    reporter.note(
      `The session holds ${status.photo_count} photos, ${journal.photosWithFaces} were acknowledged: what was erased stays erased unless you give --again.`,
    );
  }
}

function noteOthers({ others }: Folder, reporter: Reporter): void {
  if (others.size === 0) return;
  const kinds = [...others].map(([kind, count]) => `${count} ${kind}`).join(', ');
  reporter.note(`Left out, since they are not JPEG, PNG or WebP: ${kinds}.`);
}
