import { photoIdOf } from './photo-id.ts';

export interface AddedFile {
  id: string;
  file: File;
}

/** Formats a browser may be able to decode; what the service does not read is turned into JPEG. */
const PICTURE = /\.(jpe?g|png|webp|avif|heic|heif|gif|bmp|tiff?)$/i;

/** The pictures among files chosen with an `<input>`; the rest of a folder (videos, sidecar files) is left out. */
export function filesOfInput(list: FileList | null): AddedFile[] {
  const files = [...(list ?? [])].map((file) => ({ id: photoIdOf(file.name, file.webkitRelativePath), file }));
  return picturesInOrder(files);
}

/** The pictures dropped on the page, folders read to their depths. */
export async function filesOfDrop(transfer: DataTransfer): Promise<AddedFile[]> {
  // The list of items is emptied as soon as the event handler waits.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found = await Promise.all(entries.map((entry) => filesBelow(entry)));
  return picturesInOrder(found.flat());
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

/** By name, numbers as numbers; a folder lists its files in any order. */
function picturesInOrder(files: AddedFile[]): AddedFile[] {
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  return files.filter(({ file }) => isPicture(file)).sort((a, b) => compare(a.id, b.id));
}

function isPicture(file: File): boolean {
  return !file.name.startsWith('.') && (file.type.startsWith('image/') || PICTURE.test(file.name));
}
