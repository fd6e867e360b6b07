import { readdir, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { ACCEPTED_IMAGE_NAMES, adviceForLeftOut, isAcceptedImageName } from '@facepass/contracts/accepted-images';
import { EXIT, Failure } from './failures.ts';

export interface PhotoFile {
  /** Path inside the folder, with slashes: the photo's id in the session. */
  photoId: string;
  path: string;
  size: number;
  modifiedMs: number;
}

export interface Folder {
  photos: PhotoFile[];
  /** Number of skipped files by extension. */
  others: Map<string, number>;
}

/**
 * Finds the files below `directory` whose format the service accepts, sorted by name; skips hidden files and folders.
 * @throws Failure if it is not a folder
 */
export async function findPhotos(directory: string): Promise<Folder> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Failure(EXIT.usage, error.code === 'ENOTDIR' ? `${directory} is not a folder.` : error.message);
    },
  );
  const folder: Folder = { photos: [], others: new Map() };
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const photoId = relative(directory, path).split(sep).join('/');
    if (photoId.includes('\ufffd')) throw new Failure(EXIT.usage, `${path}: the name is not UTF-8; rename the file.`);
    if (entry.isDirectory() || /(^|\/)\./.test(photoId)) continue;
    if (!isAcceptedImageName(entry.name)) {
      const kind = extname(entry.name).toLowerCase() || 'no extension';
      folder.others.set(kind, (folder.others.get(kind) ?? 0) + 1);
      continue;
    }
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) folder.photos.push({ photoId, path, size: found.size, modifiedMs: Math.floor(found.mtimeMs) });
  }
  folder.photos.sort((a, b) => (a.photoId < b.photoId ? -1 : 1));
  return folder;
}

/** What was skipped, by extension, and what helps, in one line; null where nothing was. */
export function describeOthers({ others }: Folder): string | null {
  if (others.size === 0) return null;
  const count = [...others.values()].reduce((sum, ofKind) => sum + ofKind, 0);
  const kinds = [...others].map(([kind, ofKind]) => `${ofKind} ${kind}`).join(', ');
  const skipped = `Skipped ${count} ${count === 1 ? 'file that is' : 'files that are'} not ${ACCEPTED_IMAGE_NAMES} (${kinds}).`;
  return [skipped, ...adviceForLeftOut(others.keys())].join(' ');
}
