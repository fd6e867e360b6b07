import type { AddedFile } from '../photos/added-files.ts';

/** File names of the sample photos in this build; none where it was made without them. */
export const SAMPLE_PHOTOS = import.meta.env.SAMPLE_PHOTOS;

export const SAMPLE_SESSION = 'sample-photos';

export const sampleUrl = (name: string) => `/samples/${name}`;

/** The sample photos as if they had been dropped on the page. */
export function fetchSamples(): Promise<AddedFile[]> {
  return Promise.all(
    SAMPLE_PHOTOS.map(async (name) => {
      const blob = await (await fetch(sampleUrl(name))).blob();
      return { id: name, file: new File([blob], name, { type: 'image/jpeg' }) };
    }),
  );
}
