import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Frames, type Frame } from './frames.tsx';
import { closeUp, cropAround, fitWithin, type Box, type Size } from '../parts/geometry.ts';

interface CroppedPictureProps {
  url: string;
  alt: string;
  /** Width ÷ height of the place it fills. */
  aspect: number;
  /** Of the picture that the boxes refer to, where it is known. */
  size?: Size | null;
  /** Else it is the browser's own copy, shrunk to this longest side as it was before it was sent. */
  longestSide?: number;
  /** Kept in view. */
  focus?: Box;
  frames?: readonly Frame[];
  onError?: () => void;
  children?: ComponentChildren;
}

/**
 * A picture filling a place of fixed shape, moved so that a face is in view, with frames over it. The place keeps its
 * size while the picture loads. Only lengths relative to the picture are used, so EXIF rotation is the browser's
 * business alone.
 */
export function CroppedPicture({
  url,
  alt,
  aspect,
  size,
  longestSide = Infinity,
  focus,
  frames = [],
  onError,
  children,
}: CroppedPictureProps) {
  const [loaded, setLoaded] = useState<Size | null>(null);
  const picture = size ?? (loaded && fitWithin(loaded, longestSide));
  const crop = picture && cropAround(picture, aspect, focus);
  return (
    <span class="crop" style={{ aspectRatio: aspect }}>
      <img
        src={url}
        alt={alt}
        loading="lazy"
        decoding="async"
        class={loaded ? 'shown' : ''}
        style={picture && crop ? placed(picture, crop) : undefined}
        onLoad={({ currentTarget: image }) => setLoaded({ width: image.naturalWidth, height: image.naturalHeight })}
        onError={onError}
      />
      {crop && frames.length > 0 && loaded && <Frames view={crop} frames={frames} />}
      {children}
    </span>
  );
}

/** One face of a picture, square. */
export function FaceCloseUp({ url, size, box, alt }: { url: string; size: Size; box: Box; alt: string }) {
  const crop = closeUp(size, box);
  return (
    <span class="crop close-up" style={{ aspectRatio: 1 }}>
      <img src={url} alt={alt} class="shown" decoding="async" style={placed(size, crop)} />
    </span>
  );
}

function placed(picture: Size, crop: Box) {
  return {
    width: `${(100 * picture.width) / crop.width}%`,
    height: `${(100 * picture.height) / crop.height}%`,
    left: `${(-100 * crop.x) / crop.width}%`,
    top: `${(-100 * crop.y) / crop.height}%`,
  };
}
