import { relative } from 'node:path';
import { watch } from 'chokidar';
import type { Connection } from '../connection.ts';
import { EXIT, Failure, type ExitCode } from '../failures.ts';
import { fileProblem } from '../file-problem.ts';
import { openJournal, type Journal } from '../journal.ts';
import { examinePhoto, findPhotos, isHidden, type PhotoFile } from '../photos.ts';
import { photoLines, type Reporter } from '../progress.ts';
import { uploadPhotos } from '../upload.ts';
import {
  acknowledge,
  checkKey,
  compareWithService,
  record,
  reporterOf,
  totalsOf,
  uploadOf,
  type IndexOptions,
} from './index-folder.ts';

export interface WatchOptions extends IndexOptions {
  /** How long a file must stay unchanged before it is uploaded. */
  settledSeconds: number;
}

/**
 * `facepass watch DIR`: uploads the photos of a folder and, until `signal`, each photo that a camera or an editor adds or
 * changes, once its file has settled. A photo whose file is deleted stays indexed.
 */
export async function watchFolder(
  directory: string,
  options: WatchOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<ExitCode> {
  const reporter = reporterOf(options, photoLines);
  // Refuses what is not a readable folder; chokidar would wait for it to appear.
  await findPhotos(directory);
  using journal = openJournal(connection.url, options.session, directory);
  await compareWithService(connection, options.session, journal, reporter);
  const upload = uploadOf(options, connection, signal, Infinity);
  await checkKey(upload.client);
  const arrivals = new Arrivals(directory, journal, options, reporter, signal);
  reporter.note(`Watching ${directory} for session ${options.session}. Press Ctrl-C to stop.`);
  try {
    for (;;) {
      const photos = await arrivals.next();
      const totals = totalsOf(photos, 0);
      for await (const { photo, outcome } of uploadPhotos(photos, options.parallel, upload)) {
        acknowledge(photo, outcome, journal);
        totals.bytesDone += photo.size;
        record(photo.photoId, outcome, totals, reporter);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    reporter.note('Stopped. Run the same command to continue.');
    return EXIT.done;
  } finally {
    await arrivals.close();
  }
}

/** The photos that appear in a folder, those that the journal has excepted. */
class Arrivals {
  readonly #waiting = new Map<string, PhotoFile>();
  readonly #watcher;
  readonly #stopped: Promise<never>;
  #arrived = Promise.withResolvers<void>();

  constructor(directory: string, journal: Journal, options: WatchOptions, reporter: Reporter, signal: AbortSignal) {
    const stopped = Promise.withResolvers<never>();
    this.#stopped = stopped.promise;
    this.#stopped.catch(() => undefined);
    signal.addEventListener('abort', () => stopped.reject(signal.reason), { once: true });
    this.#watcher = watch(directory, {
      followSymlinks: false,
      ignored: (path) => isHidden(directory, path),
      awaitWriteFinish: { stabilityThreshold: options.settledSeconds * 1000, pollInterval: 100 },
    });
    const take = async (path: string) => {
      const found = await examinePhoto(directory, path);
      if ('reason' in found) reporter.note(`Skipped ${found.photoId}: ${found.reason}.`);
      if (!('size' in found) || journal.facesOf(found) !== null) return;
      this.#waiting.set(found.photoId, found);
      this.#arrived.resolve();
    };
    const arrived = (path: string) => void take(path).catch(stopped.reject);
    this.#watcher.on('add', arrived).on('change', arrived);
    this.#watcher.on('error', (error) => {
      const { path, code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EMFILE')
        stopped.reject(new Failure(EXIT.usage, `${directory} has more folders than this system lets a process watch.`));
      else reporter.note(`Skipped ${path ? relative(directory, path) : 'a file'}: it ${fileProblem(error)}.`);
    });
  }

  /** The photos that have arrived since the last call; waits for one. @throws the reason of the signal */
  async next(): Promise<PhotoFile[]> {
    await Promise.race([this.#arrived.promise, this.#stopped]);
    this.#arrived = Promise.withResolvers();
    const photos = [...this.#waiting.values()];
    this.#waiting.clear();
    return photos;
  }

  close(): Promise<void> {
    return this.#watcher.close();
  }
}
