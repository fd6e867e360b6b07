import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import { EXIT, Failure } from './failures.ts';
import { fileProblem } from './file-problem.ts';

/**
 * A Blob of the file at `path`, which is read while it is sent. `openAsBlob` alone asks only for its size: whether it may
 * be read shows during the upload, as an error without the file's name.
 * @throws Error of node:fs (ENOENT, EACCES, EISDIR …)
 */
export async function openReadable(path: string): Promise<Blob> {
  await using file = await open(path);
  if ((await file.stat()).isDirectory()) throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR' });
  return openAsBlob(path);
}

/** The selfie at `path`. @throws Failure that names it if it cannot be read */
export async function openSelfie(path: string): Promise<Blob> {
  try {
    return await openReadable(path);
  } catch (error) {
    throw new Failure(EXIT.usage, `${path} ${fileProblem(error)}; name one photo per selfie.`);
  }
}
