import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { ACCEPTED_IMAGE_NAMES, adviceForLeftOut, isAcceptedImageName } from '@facepass/contracts/accepted-images';
import { EXIT, Failure } from './failures.ts';
import { fileProblem } from './file-problem.ts';

export interface PhotoFile {
  /** Path inside the folder, with slashes: the photo's id in the session. */
  photoId: string;
  path: string;
  size: number;
  modifiedMs: number;
}

export interface Folder {
  photos: PhotoFile[];
  /** Files of other kinds, hidden ones excepted. */
  skipped: { photoId: string; kind: string }[];
  /** Photos and folders that cannot be read, and why. */
  unreadable: { photoId: string; reason: string }[];
}

/**
 * Finds the files below `directory` whose format the service accepts, sorted by name; skips hidden files and folders. It
 * follows links to files, not links to folders.
 * @throws Failure if `directory` is not a folder or cannot be read
 */
export async function findPhotos(directory: string): Promise<Folder> {
  const folder: Folder = { photos: [], skipped: [], unreadable: [] };
  const entries = await readdir(directory, { withFileTypes: true }).catch((error) => {
    throw new Failure(EXIT.usage, `${directory} ${fileProblem(error)}.`);
  });
  await addEntries(entries, directory, folder);
  for (const list of [folder.photos, folder.skipped, folder.unreadable])
    list.sort((a, b) => (a.photoId < b.photoId ? -1 : 1));
  return folder;
}

async function addEntries(entries: Dirent[], directory: string, folder: Folder): Promise<void> {
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(entry.parentPath, entry.name);
    const photoId = photoIdOf(directory, path);
    if (!entry.isDirectory() || photoId.includes('\ufffd')) {
      const found = await examinePhoto(directory, path);
      if ('size' in found) folder.photos.push(found);
      else if ('kind' in found) folder.skipped.push(found);
      else folder.unreadable.push(found);
      continue;
    }
    try {
      await addEntries(await readdir(path, { withFileTypes: true }), directory, folder);
    } catch (error) {
      folder.unreadable.push({ photoId: `${photoId}/`, reason: `the folder ${fileProblem(error)}` });
    }
  }
}

/** The photo at `path` inside `directory`; what else it is, or why it cannot be read. */
export async function examinePhoto(
  directory: string,
  path: string,
): Promise<PhotoFile | Folder['skipped'][number] | Folder['unreadable'][number]> {
  const photoId = photoIdOf(directory, path);
  if (photoId.includes('\ufffd')) return { photoId, reason: 'the name is not UTF-8; rename it' };
  const other = isAcceptedImageName(path) ? null : { photoId, kind: extname(path).toLowerCase() || 'no extension' };
  try {
    const found = await stat(path);
    if (found.isDirectory()) return { photoId, reason: 'a link to a folder is not followed; index that folder itself' };
    if (other) return other;
    if (!found.isFile()) return { photoId, reason: 'it is not a regular file' };
    return { photoId, path, size: found.size, modifiedMs: Math.floor(found.mtimeMs) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { photoId, reason: code === 'ENOENT' ? 'the link leads to no file' : `the file ${fileProblem(error)}` };
  }
}

/** What was skipped, by extension or with `verbose` by name, and what helps; null where nothing was. */
export function describeSkipped({ skipped }: Folder, verbose = false): string | null {
  if (skipped.length === 0) return null;
  const files = skipped.length === 1 ? '1 file that is' : `${skipped.length} files that are`;
  const names = verbose ? skipped.map(({ photoId }) => `\n  ${photoId}`).join('') : ' --verbose names them.';
  const advice = adviceForLeftOut(skipped.map(({ kind }) => kind)).map((text) => ` ${text}`);
  return `Skipped ${files} not ${ACCEPTED_IMAGE_NAMES} (${kindsOf(skipped)}).${advice.join('')}${names}`;
}

/** For example `3 .mov, 1 no extension`. */
export function kindsOf(skipped: Folder['skipped']): string {
  return [...Map.groupBy(skipped, ({ kind }) => kind)].map(([kind, { length }]) => `${length} ${kind}`).join(', ');
}

/** Whether `path` inside `directory` is hidden, or in a hidden folder. */
export function isHidden(directory: string, path: string): boolean {
  return /(^|\/)\./.test(photoIdOf(directory, path));
}

function photoIdOf(directory: string, path: string): string {
  return relative(directory, path).split(sep).join('/');
}
