import { readFile } from 'node:fs/promises';

/** Names in the central directory of a ZIP file (APPNOTE 4.3.12), in its order. */
export async function namesInZip(path: string): Promise<string[]> {
  const file = await readFile(path);
  const names: string[] = [];
  for (let at = file.indexOf(CENTRAL_ENTRY); at >= 0; at = file.indexOf(CENTRAL_ENTRY, at + 4)) {
    const length = file.readUInt16LE(at + 28);
    names.push(file.toString('utf8', at + 46, at + 46 + length));
  }
  return names;
}

const CENTRAL_ENTRY = Buffer.from('PK\x01\x02', 'latin1');
