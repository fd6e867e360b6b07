import { isAcceptedImageName } from '@facepass/contracts/accepted-images';
import {
  addPhotos,
  endJobIfDone,
  failListing,
  nextPosition,
  noteListed,
  queuePhotos,
  readJobToWork,
} from '@facepass/indexing/db/jobs';
import { withTransaction } from '@facepass/indexing/db/pool';
import { ApiProblem } from '@facepass/indexing/errors';
import type { Context } from './context.ts';

/**
 * Lists the bucket for a job, a page a transaction: one that is interrupted goes on behind the last page.
 * @throws ApiProblem what may pass
 */
export async function listBucket(context: Context, id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const job = await readJobToWork(context.pool, id);
    if (!job || job.is_over) return;
    const page = await pageOf(context, id, job.s3_prefix ?? '', job.listed_to, signal);
    if (!page) return;
    await withTransaction(context.pool, (client) => addPage(context, client, { id, sessionId: job.session_id }, page));
    if (page.isLast) return endJobIfDone(context.pool, id);
  }
}

interface Page {
  keys: string[];
  isLast: boolean;
}

async function pageOf(
  { pool, storage }: Context,
  id: string,
  prefix: string,
  after: string | null,
  signal: AbortSignal,
): Promise<Page | null> {
  try {
    if (!storage) throw new ApiProblem('s3_not_configured', 'The indexer has no bucket.');
    return await storage.listKeys(prefix, after, signal);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status >= 500 || signal.aborted) throw error;
    await failListing(pool, id, { code: error.code, detail: error.message });
    return null;
  }
}

async function addPage(
  { queue }: Context,
  client: Parameters<typeof noteListed>[0],
  job: { id: string; sessionId: string },
  { keys, isLast }: Page,
): Promise<void> {
  const photos = keys.filter(isPhoto).map((key) => ({ photo_id: key, s3_key: key }));
  const from = await nextPosition(client, job.id);
  if (photos.length > 0) {
    await addPhotos(client, job.id, from, photos);
    await queuePhotos(client, queue, job, { from, to: from + photos.length });
  }
  await noteListed(client, job.id, keys.at(-1) ?? null, isLast);
}

/** By its name, so that what lies beside the photos is not fetched; a key that is no id cannot be one's. */
function isPhoto(key: string): boolean {
  return isAcceptedImageName(key) && key.length <= 255 && !/\p{Cc}/u.test(key);
}
