/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** File names below /samples/; none in a build without sample photos. */
  readonly SAMPLE_PHOTOS: string[];
}
