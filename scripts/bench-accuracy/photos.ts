import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Box } from '../../services/inference/boxes.ts';

/** A close crop of one person's face. */
export interface Portrait {
  person: string;
  name: string;
  picture: Buffer;
}

/** `people/NAME/NAMEk.png`: the folder is the identity. */
export function readPortraits(photos: string): Portrait[] {
  const people = join(photos, 'people');
  return readdirSync(people)
    .sort()
    .flatMap((person) =>
      readdirSync(join(people, person))
        .sort()
        .map((name) => ({ person, name, picture: readFileSync(join(people, person, name)) })),
    );
}

/** Group photos and the faces a viewer counts in them. */
export const GROUPS: { name: string; faces: number }[] = [
  { name: 'bbt1.jpg', faces: 4 },
  { name: 'bbt2.jpg', faces: 3 },
  { name: 'bbt3.jpg', faces: 5 },
  { name: 'bbt4.jpg', faces: 6 },
  { name: 'bbt5.jpg', faces: 5 },
];

/** A photo of several people with the truth about it. */
export interface LabelledGroup {
  picture: Buffer;
  faces: { person: string; name: string; box: Box }[];
}

/**
 * Group photos made by pasting: the first shows everybody's first portrait, the second the second, and so on, each
 * `side` pixels high.
 */
export async function pasteGroups(portraits: readonly Portrait[], side: number): Promise<LabelledGroup[]> {
  const people = [...new Set(portraits.map(({ person }) => person))];
  const rounds = Math.max(...people.map((person) => portraits.filter((portrait) => portrait.person === person).length));
  return Promise.all(
    Array.from({ length: rounds }, (_, round) =>
      pasteGroup(
        people.flatMap((person) => portraits.filter((portrait) => portrait.person === person)[round] ?? []),
        side,
      ),
    ),
  );
}

async function pasteGroup(portraits: readonly Portrait[], side: number): Promise<LabelledGroup> {
  const [width, height, columns] = [1600, 1000, 4];
  const faces = portraits.map(({ person, name }, i) => {
    const x = Math.round((((i % columns) + 0.5) * width) / columns - side / 2);
    const y = Math.round(((Math.floor(i / columns) + 0.5) * height) / Math.ceil(portraits.length / columns) - side / 2);
    return { person, name, box: { x, y, width: side, height: side } };
  });
  const layers = await Promise.all(
    portraits.map(async ({ picture }, i) => ({
      input: await sharp(picture).resize(side, side).png().toBuffer(),
      left: faces[i]!.box.x,
      top: faces[i]!.box.y,
    })),
  );
  const canvas = sharp({ create: { width, height, channels: 3, background: '#7a7f86' } });
  return { picture: await canvas.composite(layers).jpeg({ quality: 92 }).toBuffer(), faces };
}

/** The portrait in the middle of a grey picture twice as large. */
export async function withBorder({ picture, ...portrait }: Portrait): Promise<Portrait> {
  const { width, height } = await sharp(picture).metadata();
  const [x, y] = [Math.round(width / 2), Math.round(height / 2)];
  return {
    ...portrait,
    picture: await sharp(picture)
      .extend({ top: y, bottom: y, left: x, right: x, background: '#808080' })
      .png()
      .toBuffer(),
  };
}
