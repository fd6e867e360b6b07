import { downloadZip } from 'client-zip';

export interface NamedPhoto {
  id: string;
  blob: Blob;
}

/** Has the browser save one photo under its name. */
export function savePhoto({ id, blob }: NamedPhoto): void {
  save(blob, id.split('/').at(-1) ?? id);
}

/** Has the browser save several photos as one ZIP, stored, not compressed: photos do not shrink. */
export async function saveAll(photos: readonly NamedPhoto[], name: string): Promise<void> {
  const files = photos.map(({ id, blob }) => ({
    name: safePath(id),
    input: blob,
    lastModified: blob instanceof File ? new Date(blob.lastModified) : new Date(),
  }));
  save(
    await downloadZip(files.map(({ input, ...meta }) => ({ ...meta, input: input.stream() }))).blob(),
    `${name.replace(/[^\p{L}\p{N}._-]+/gu, '-')}.zip`,
  );
}

/** A photo id is any text: as a path inside the archive it must not leave the folder it is unpacked in. */
function safePath(id: string): string {
  const path = id
    .split(/[/\\]/)
    .filter((segment) => segment !== '' && segment !== '.' && segment !== '..')
    .join('/');
  return /\.\w{2,4}$/.test(path) ? path : `${path || 'photo'}.jpg`;
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read the blob only after the click was handled.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
