import { ACCEPTED_IMAGE_TYPES, adviceForLeftOut, isAcceptedImageName } from '@facepass/contracts/accepted-images';
import { photoIdOf } from './photo-id.ts';

export interface AddedFile {
  id: string;
  file: File;
}

/** The pictures among chosen files, and the names of the rest: raw files, videos, sidecar files. */
export interface AddedFiles {
  files: AddedFile[];
  leftOut: string[];
}

/** What a browser may be able to decode beside the service's formats, and turns into JPEG. */
const TURNED_INTO_JPEG = /\.(gif|bmp)$/i;

/** How many files were left out, their kinds, and what helps; null where none was. */
export function describeLeftOut(names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const kinds = [...new Set(names.map((name) => /\.[^.]+$/.exec(name)?.[0].toLowerCase() ?? 'no extension'))];
  const files = names.length === 1 ? '1 file was' : `${names.length} files were`;
  return [`${files} left out (${kinds.slice(0, 8).join(', ')}).`, ...adviceForLeftOut(names)].join(' ');
}

/** The pictures among files chosen with an `<input>`. */
export function filesOfInput(list: FileList | null): AddedFiles {
  const files = [...(list ?? [])].map((file) => ({ id: photoIdOf(file.name, file.webkitRelativePath), file }));
  return sortOut(files);
}

/** The pictures dropped on the page, folders read to their depths. */
export async function filesOfDrop(transfer: DataTransfer): Promise<AddedFiles> {
  // The list of items is emptied as soon as the event handler waits.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found = await Promise.all(entries.map((entry) => filesBelow(entry)));
  return sortOut(found.flat());
}

async function filesBelow(entry: FileSystemEntry): Promise<AddedFile[]> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ id: photoIdOf(file.name, entry.fullPath.slice(1)), file }];
  }
  const children: FileSystemEntry[] = [];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader hands out at most 100 entries a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    children.push(...some);
  }
  return (await Promise.all(children.map(filesBelow))).flat();
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

/** Pictures by name, numbers as numbers, since a folder lists its files in any order. Hidden files are not mentioned. */
function sortOut(added: AddedFile[]): AddedFiles {
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  const visible = added.filter(({ file }) => !file.name.startsWith('.'));
  const files = visible.filter(({ file }) => isPicture(file)).sort((a, b) => compare(a.id, b.id));
  return { files, leftOut: visible.filter(({ file }) => !isPicture(file)).map(({ file }) => file.name) };
}

function isPicture({ name, type }: File): boolean {
  return isAcceptedImageName(name) || TURNED_INTO_JPEG.test(name) || BROWSER_TYPES.has(type);
}

/** For files without an extension. */
const BROWSER_TYPES: ReadonlySet<string> = new Set([...ACCEPTED_IMAGE_TYPES, 'image/gif', 'image/bmp']);
